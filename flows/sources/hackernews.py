"""Hacker News by Algolia's public search: stories and comments that name an agent, newest first, cut by time.

The search hands over at most 1,000 hits of a query; a span that holds more is halved by the caller.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from flows.exchange import BadAnswer, Pace, Refused
from flows.http import Client
from flows.queries import Queries
from flows.slices import Window
from flows.sources.base import Ask, Native, Page, Stream
from flows.sources.base import Config as Block
from flows.sources.reading import items_of, moment, need_at, number_at, part_at, plain, text_at, total

NEEDS: tuple[str, ...] = ()
PER_PAGE = 1000
REACHABLE = 1000


class Config(Block):
    """Settings of this source."""

    base: str = "https://hn.algolia.com/api/v1"


class HackerNews:
    """Reads one stream for each agent's name."""

    step = timedelta(days=1)
    finest = timedelta(seconds=1)
    settle = timedelta(hours=1)
    reach = None
    recheck_limit = 100
    count_method = "hits by term, summed"
    count_p = 1.0

    def __init__(self, config: Config, queries: Queries, http: Client) -> None:
        self._base, self._queries, self._http = config.base, queries, http
        self.controls = tuple(queries.controls)
        # 1,000 requests an hour from one address are tolerated.
        http.pace(config.base, Pace(3.6, burst=100))

    def streams(self) -> Sequence[Stream]:
        """Return one stream for each agent: this search knows no "or"."""
        return [Stream(name, f'"{name}"') for name in self._queries.agents]

    def fetch(self, ask: Ask) -> Iterator[Page]:
        """Yield a span's hits; the number of hits says whether all can be reached."""
        page = int(ask.token or 0)
        while True:
            query = {**_span(ask.window), "query": ask.stream.query, "hitsPerPage": PER_PAGE, "page": page}
            answer = self._http.json(f"{self._base}/search_by_date", params=query)
            hits = items_of(answer, "hits")
            pages = number_at(answer, "nbPages") or 0
            for hit in hits:
                hit.pop("_highlightResult", None)
            page += 1
            yield Page(
                hits,
                f"search_by_date {ask.stream.query} page {page}",
                next=str(page) if page < pages and hits else None,
                full=(number_at(answer, "nbHits") or 0) > REACHABLE,
            )
            if page >= pages or not hits:
                return

    def counts(self, control: str, window: Window) -> int:
        """Return the hits of a control kind, each of its terms asked for by itself: posts with two count twice."""
        posts = 0
        for term in self._queries.controls[control]:
            query = {**_span(window), "query": f'"{term}"', "hitsPerPage": 0}
            answer = self._http.json(f"{self._base}/search_by_date", params=query)
            found = number_at(answer, "nbHits")
            if found is None:
                msg = "hackernews: the answer has no nbHits"
                raise BadAnswer(msg)
            posts += found
        return posts

    def lookup(self, given_ids: Sequence[str]) -> Mapping[str, Native | None]:
        """Return each item in the shape of a hit, None for one that is gone."""
        found: dict[str, Native | None] = {}
        for given in given_ids:
            number = given.rpartition(":")[2]
            try:
                item = self._http.json(f"{self._base}/items/{number}")
            except Refused as error:
                if error.status == 404:
                    found[given] = None
                continue
            text = "comment_text" if part_at(item, "type") == "comment" else "story_text"
            held = part_at(item, "author")
            found[given] = {**item, "objectID": number, text: part_at(item, "text")} if held else None
        return found

    def still_public(self, given_ids: Sequence[str]) -> Mapping[str, bool]:
        """Return whether each item is still served."""
        return {given: post is not None for given, post in self.lookup(given_ids).items()}


def _span(window: Window) -> dict[str, Any]:
    start, end = (int(at.timestamp()) for at in (window.start, window.end))
    return {"tags": "(story,comment,poll)", "numericFilters": f"created_at_i>={start},created_at_i<{end}"}


def build(config: Config, queries: Queries, http: Client) -> HackerNews:
    """Return the source, ready to be read."""
    return HackerNews(config, queries, http)


def to_post(item: Native) -> dict[str, Any]:
    """Map a hit to an imported post; the address is that of the discussion, not of the page it links to."""
    native = need_at(item, "objectID")
    tags = part_at(item, "_tags")
    comment = isinstance(tags, list) and "comment" in tags
    text = plain(text_at(item, "comment_text") or text_at(item, "story_text"))
    link = text_at(item, "url")
    return {
        "id": f"hackernews:{native}",
        "source": "hackernews" if comment else "hackernews_story",
        "url": f"https://news.ycombinator.com/item?id={native}",
        "created_at": moment(part_at(item, "created_at_i")) or text_at(item, "created_at") or None,
        "title": "" if comment else plain(text_at(item, "title")),
        "text": "\n\n".join(piece for piece in (text, link) if piece) if not comment else text,
        "author": text_at(item, "author") or None,
        "engagement": total(number_at(item, "points"), number_at(item, "num_comments")),
    }
