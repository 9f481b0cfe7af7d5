"""Lemmy by the search of a few instances that see most of the network: posts and comments that name an agent."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from flows.exchange import Answer, BadAnswer, Pace
from flows.http import Client
from flows.queries import Queries
from flows.slices import Window
from flows.sources.base import Ask, BadItem, Native, Page, Stream, Words
from flows.sources.base import Config as Block
from flows.sources.reading import address, items_of, need_at, number_at, part_at, parts_of, text_at, total, walk

NEEDS: tuple[str, ...] = ()
PER_PAGE = 50
# Beyond this the search of a busy instance is slow and a burden; older spans are marked as capped.
REACH = 40
_KINDS = {"Posts": "posts", "Comments": "comments"}


class Config(Block):
    """Settings of this source; `instances` replaces the reviewed list."""

    instances: Words = ()


class Lemmy:
    """Reads one stream for each instance, agent and kind."""

    step = None
    finest = timedelta(days=1)
    settle = timedelta(hours=2)
    reach = None
    count_method = "every hit of the terms on the first instance"
    # There is no count to ask for: what the search finds is walked through. One day of seven is, drawn by its date.
    count_p = 1 / 7

    def __init__(self, config: Config, queries: Queries, http: Client) -> None:
        self._queries, self._http = queries, http
        self.controls = tuple(queries.controls)
        self._instances = config.instances or queries.lemmy
        for instance in self._instances:
            http.pace(address(instance), Pace(2.0, burst=5))

    def streams(self) -> Sequence[Stream]:
        """Return one stream for each instance, agent and kind."""
        return [
            Stream(f"{instance}/{kind}/{agent}", f"{kind}/{agent}", base=instance)
            for instance in self._instances
            for agent in self._queries.agents
            for kind in _KINDS
        ]

    def fetch(self, ask: Ask) -> Iterator[Page]:
        """Yield what the search finds, newest first, until the span is left behind."""
        kind, _, agent = ask.stream.query.partition("/")
        return self._walk(ask, kind, agent)

    def counts(self, control: str, window: Window) -> int:
        """Return the posts and comments of a control kind, each once, as one instance knows the network.

        Raises:
            BadAnswer: the search does not reach back to the span.
        """
        found: set[str] = set()
        for term in self._queries.controls[control]:
            for kind in _KINDS:
                ask = Ask(Stream(f"volume:{control}", term, base=self._instances[0]), window)
                for page in self._walk(ask, kind, term):
                    if page.capped:
                        msg = f"lemmy: the search of {term!r} does not reach back to {window.start:%Y-%m-%d}"
                        raise BadAnswer(msg)
                    found.update(post["id"] for item in page.items if (post := _readable(item)))
        return len(found)

    def _walk(self, ask: Ask, kind: str, term: str) -> Iterator[Page]:
        def get(token: str | None) -> tuple[list[Native], str | None, str]:
            number = int(token or 1)
            query = {"q": term, "type_": kind, "sort": "New", "listing_type": "All", "limit": PER_PAGE, "page": number}
            url = f"{address(ask.stream.base)}/api/v3/search"
            answer = self._http.json(url, params=query, throttled=_throttled)
            found = items_of(answer, "items" if isinstance(part_at(answer, "items"), list) else _KINDS[kind])
            more = len(found) >= PER_PAGE and number < REACH
            return found, str(number + 1) if more else None, f"search {kind} {term} page {number}"

        start = int(ask.token or 1)
        return walk(ask, get, to_post, reach=REACH - start + 1)


def _readable(item: Native) -> dict[str, Any] | None:
    try:
        return to_post(item)
    except BadItem:
        return None


def _throttled(answer: Answer) -> float | None:
    # Older versions answer 400 with this code.
    return 60.0 if b"rate_limit" in answer.body else None


def build(config: Config, queries: Queries, http: Client) -> Lemmy:
    """Return the source, ready to be read."""
    return Lemmy(config, queries, http)


def to_post(item: Native) -> dict[str, Any]:
    """Map a post or comment view, of version 0.19 or 1.0; the address is the one at home (`ap_id`)."""
    kind = "comment" if isinstance(part_at(item, "comment"), dict) else "post"
    post = part_at(item, kind)
    if not isinstance(post, dict):
        raise BadItem("missing_field", "neither a post nor a comment")
    if post.get("deleted") is True or post.get("removed") is True:
        raise BadItem("missing_field", "deleted or removed at its source")
    url = need_at(post, "ap_id")
    parts = parts_of(url)
    text = [text_at(post, "content" if kind == "comment" else "body"), text_at(post, "url")]
    return {
        "id": f"lemmy:{parts.netloc}{parts.path}",
        "source": f"lemmy:{parts.netloc}",
        "url": url,
        "created_at": text_at(post, "published_at") or need_at(post, "published"),
        "title": "" if kind == "comment" else text_at(post, "name"),
        "text": "\n\n".join(piece for piece in text if piece),
        "author": text_at(item, "creator", "actor_id") or text_at(item, "creator", "ap_id") or None,
        "engagement": total(
            *(
                number_at(post, name) if number_at(post, name) is not None else number_at(item, "counts", name)
                for name in ("score", "comments")
            )
        ),
    }
