"""Discourse forums by their list of latest posts, which holds whole texts; it is walked back in time."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from flows.exchange import Answer, BadAnswer, Pace, Refused, SourceError
from flows.http import Client
from flows.queries import Queries
from flows.sources.base import Ask, Native, Page, Stream, Words
from flows.sources.base import Config as Block
from flows.sources.reading import address, items_of, need_at, number_at, part_at, parts_of, plain, text_at, walk
from flows.sources.sift import Sift

NEEDS: tuple[str, ...] = ()
# The list is cut by number, not by count: so many numbers a page, of which hidden ones are left out.
WINDOW = 50
MOST_EMPTY = 40


class Config(Block):
    """Settings of this source; `forums` replaces the reviewed list."""

    forums: Words = ()


class Discourse:
    """Reads one stream for each forum."""

    step = None
    finest = timedelta(days=1)
    settle = timedelta(minutes=10)
    reach = None
    recheck_limit = 50

    def __init__(self, config: Config, queries: Queries, http: Client) -> None:
        self.census = Sift(queries)
        self._http = http
        self._forums = config.forums or queries.discourse
        for forum in self._forums:
            http.pace(address(forum), Pace(1.0, burst=5))

    def streams(self) -> Sequence[Stream]:
        """Return one stream for each forum."""
        return [Stream(forum, forum, base=forum) for forum in self._forums]

    def fetch(self, ask: Ask) -> Iterator[Page]:
        """Yield a forum's posts, newest first, until the span is left behind."""
        base = address(ask.stream.base)
        empty = 0

        def get(token: str | None) -> tuple[list[Native], str | None, str]:
            nonlocal empty
            params = {"before": token} if token else None
            answer = self._http.json(f"{base}/posts.json", params=params, throttled=_throttled)
            found = items_of(answer, "latest_posts")
            numbers = [number for item in found if (number := number_at(item, "id")) is not None]
            empty = 0 if numbers else empty + 1
            if empty > MOST_EMPTY:
                msg = f"{ask.stream.base}: the list of posts is empty for {empty * WINDOW} numbers"
                raise BadAnswer(msg)
            lowest = min(numbers) - 1 if numbers else int(token or 0) - WINDOW
            for item in found:
                item["forum"] = base
            return found, str(lowest) if lowest > 0 else None, f"posts.json before {token or ''}"

        return walk(ask, get, to_post)

    def still_public(self, given_ids: Sequence[str]) -> Mapping[str, bool]:
        """Return whether each post is still served; a forum that does not answer says nothing."""
        known: dict[str, bool] = {}
        silent: set[str] = set()
        for given in given_ids:
            topic, _, number = given.removeprefix("discourse:").rpartition("/")
            forum = topic.rpartition("/")[0]
            if forum in silent:
                continue
            url = f"{address(forum)}/posts/{number}.json"
            try:
                answer = self._http.json(url, throttled=_throttled)
            except Refused as error:
                if error.status in {403, 404, 410}:
                    known[given] = False
                continue
            except SourceError:
                silent.add(forum)
                continue
            known[given] = not (part_at(answer, "deleted_at") or part_at(answer, "user_deleted"))
        return known


def _throttled(answer: Answer) -> float | None:
    if answer.status != 429:
        return None
    try:
        return float(number_at(answer.json(), "extras", "wait_seconds") or 30)
    except BadAnswer:
        return 30.0


def build(config: Config, queries: Queries, http: Client) -> Discourse:
    """Return the source, ready to be read."""
    return Discourse(config, queries, http)


def to_post(item: Native) -> dict[str, Any]:
    """Map a post to an imported post; the title is that of its topic, for the opening post only."""
    base = need_at(item, "forum")
    host = parts_of(base).netloc
    place = number_at(item, "post_number") or 1
    topic = need_at(item, "topic_id")
    slug = text_at(item, "topic_slug") or "-"
    return {
        "id": f"discourse:{host}/{topic}/{need_at(item, 'id')}",
        "source": f"discourse:{host}",
        "url": f"{base}/t/{slug}/{topic}/{place}",
        "created_at": need_at(item, "created_at"),
        "title": text_at(item, "topic_title") if place == 1 else "",
        "text": text_at(item, "raw") or plain(text_at(item, "cooked")),
        "author": f"{text_at(item, 'username')}@{host}" if text_at(item, "username") else None,
        "engagement": number_at(item, "reply_count"),
    }
