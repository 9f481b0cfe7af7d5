"""RSS and Atom feeds of news, blogs and forums: what a feed lists now, asked for conditionally."""

import hashlib
import io
import json
from calendar import timegm
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import feedparser  # type: ignore[import-untyped]

from flows.exchange import Answer, BadAnswer, Pace, Validators
from flows.http import Client
from flows.queries import Queries
from flows.sources.base import Ask, BadItem, Native, Page, Stream
from flows.sources.base import Config as Block
from flows.sources.reading import need_at, part_at, parts_of, plain, published, text_at
from flows.sources.sift import Sift

NEEDS: tuple[str, ...] = ()
MAX_ENTRIES = 2000
_FIELDS = ("id", "link", "title", "summary", "author", "language")


class Config(Block):
    """Settings of this source; `urls` (name=address, …) replaces the reviewed list."""

    urls: str = ""


class Feeds:
    """Reads one stream for each feed."""

    step = None
    finest = timedelta(days=1)
    settle = timedelta(minutes=30)
    reach = None

    def __init__(self, config: Config, queries: Queries, http: Client) -> None:
        self.census = Sift(queries)
        self._http = http
        given = dict(pair.strip().split("=", 1) for pair in config.urls.split(",") if "=" in pair)
        self._feeds = given or queries.feeds
        for url in self._feeds.values():
            http.pace(url, Pace(2.0))

    def streams(self) -> Sequence[Stream]:
        """Return one stream for each feed."""
        return [Stream(name, url, base=url) for name, url in self._feeds.items()]

    def fetch(self, ask: Ask) -> Iterator[Page]:
        """Yield the feed as one page; one that does not reach back to the span's start counts as capped."""
        held = Validators(ask.note.get("etag") or None, ask.note.get("last_modified") or None)
        answer = self._http.request(
            "GET", ask.stream.query, headers={"Accept": "application/atom+xml, application/rss+xml"}, validators=held
        )
        if answer.unchanged:
            yield Page((), f"feed {ask.stream.name} unchanged")
            return
        entries, whole = parse(answer, ask.stream.name)
        times = [at for entry in entries if (at := published(entry, to_post))]
        reaches = bool(times) and min(times) <= ask.window.start
        now = answer.validators
        # A feed cut off is asked for again in full.
        note = {"etag": now.etag or "", "last_modified": now.last_modified or ""} if whole else {}
        yield Page(entries, f"feed {ask.stream.name}", capped=not (whole and reaches), note=note)


def parse(answer: Answer, name: str) -> tuple[list[Native], bool]:
    """Return a feed's entries as plain objects, and whether the feed came whole.

    Raises:
        BadAnswer: it is no feed.
    """
    kind = {"content-type": answer.headers.get("content-type", "")}
    # Given as a file: feedparser would take a body for a path or an address and open that.
    try:
        found = feedparser.parse(io.BytesIO(answer.body), response_headers=kind)
    except (ValueError, OverflowError, RecursionError) as error:
        # A numbered character that does not exist goes through feedparser as Python's own error.
        msg = f"{answer.url[:120]}: not a feed ({str(error)[:80]})"
        raise BadAnswer(msg) from error
    if not found.get("version") and not found.entries:
        msg = f"{answer.url[:120]}: not a feed ({kind['content-type'] or 'no content type'})"
        raise BadAnswer(msg)
    broken = found.bozo and not isinstance(found.get("bozo_exception"), feedparser.CharacterEncodingOverride)
    # Where a feed breaks off, its last entry may be half an entry.
    entries = found.entries[:-1] if broken else found.entries
    return [_entry(entry, name) for entry in entries[:MAX_ENTRIES]], not broken


def _entry(entry: Any, name: str) -> Native:  # noqa: ANN401 - feedparser has no types
    item: Native = {field: str(entry[field]) for field in _FIELDS if entry.get(field)}
    when = entry.get("published_parsed") or entry.get("updated_parsed")
    if when:
        item["time"] = timegm(when)
    contents = [str(part.get("value") or "") for part in entry.get("content") or ()]
    if contents:
        item["content"] = max(contents, key=len)
    return {**item, "feed": name}


def build(config: Config, queries: Queries, http: Client) -> Feeds:
    """Return the source, ready to be read."""
    return Feeds(config, queries, http)


def to_post(item: Native) -> dict[str, Any]:
    """Map an entry to an imported post; one without an id has that of its address, or of what it says."""
    link = text_at(item, "link")
    given = text_at(item, "id") or link or json.dumps([text_at(item, "title"), text_at(item, "summary")])
    digest = hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()[:24]
    seconds = part_at(item, "time")
    at = datetime.fromtimestamp(seconds, UTC).isoformat() if _is_time(seconds) else None
    name = need_at(item, "feed")
    return {
        "id": f"feeds:{name}/{digest}",
        "source": f"news:{_host(link) or name}",
        "url": link if link.startswith(("http://", "https://")) else None,
        "created_at": at,
        "title": plain(text_at(item, "title")),
        "text": plain(text_at(item, "content") or text_at(item, "summary")),
        "lang": text_at(item, "language") or None,
        "author": text_at(item, "author") or None,
    }


def _host(link: str) -> str | None:
    try:
        return parts_of(link).hostname
    except BadItem:
        # What a feed calls a link need not be one.
        return None


def _is_time(seconds: object) -> bool:
    return isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds < 2**35
