"""Bluesky's firehose by Jetstream: every post of an hour is looked at in memory, and few are stored.

Stored are the posts that name an agent or show a conversation, a fixed share of the others (a seeded sample with known
probability, by which the recall of this choice can be measured) and how many posts of each control kind the hour had.
Posts deleted by their authors, and all posts of accounts that are closed, are deleted here.

Hours are read one by one from the host's own store of past events; what it no longer holds is marked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from pydantic import Field

from flows.exchange import Unavailable
from flows.firehose import messages
from flows.http import Client
from flows.queries import Queries
from flows.sources.base import Ask, Count, Native, Page, Stream
from flows.sources.base import Config as Block
from flows.sources.bluesky import earlier, post_of
from flows.sources.reading import need_at, number_at, part_at, text_at
from flows.sources.sift import ALL_POSTS, SAMPLE, Sift, share

NEEDS: tuple[str, ...] = ()
POSTS = "app.bsky.feed.post"
_V2 = "network.bsky.jetstream.subscribeEvents"
MOST_KEPT = 50_000
# The network has posts every second: a start later than this is one the host did not have.
GAP = timedelta(minutes=5)
# Microseconds. Hosts order events by time only roughly: each connection begins a little earlier, repeats are dropped.
REWIND = 1_000_000


class Config(Block):
    """Settings of this source; `protocol` is v1 (`/subscribe`) or v2 (`/xrpc/…`)."""

    base: str = "wss://jetstream2.us-east.bsky.network"
    protocol: Literal["v1", "v2"] = "v1"
    sample: float = Field(SAMPLE, ge=0, le=1)
    patience: float = 30.0


# An account in one of these states shows no posts; its posts are not deleted one by one.
CLOSED = frozenset({"deactivated", "deleted", "suspended", "takendown"})


@dataclass(frozen=True)
class Event:
    """What happened to one post, or to an account: then `key` is empty and all its posts are gone."""

    us: int
    did: str
    key: str
    gone: bool
    record: Native


@dataclass
class _Hour:
    """What is kept of an hour."""

    kept: list[Native] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    seen: set[tuple[str, str, bool]] = field(default_factory=set)
    first: int | None = None
    full: bool = False


class Jetstream:
    """Reads one stream: all posts."""

    step = timedelta(hours=1)
    finest = timedelta(hours=1)
    settle = timedelta(0)
    reach = timedelta(hours=36)

    def __init__(self, config: Config, queries: Queries, http: Client) -> None:
        self._config, self._http = config, http
        self._sift = Sift(queries)

    def streams(self) -> Sequence[Stream]:
        """Return the one stream."""
        return [Stream("posts", POSTS)]

    def fetch(self, ask: Ask) -> Iterator[Page]:
        """Yield an hour as one page, so that its counts and its posts are stored together or not at all.

        Raises:
            Unavailable: the stream broke off as often as a request may be tried, and nothing came in between.
        """
        hour = _Hour(counts=dict.fromkeys(self._sift.controls, 0))
        start, end = (int(at.timestamp() * 1e6) for at in (ask.window.start, ask.window.end))
        cursor = reached = start
        broken = 0
        while cursor < end:
            try:
                for event in self._events(cursor - REWIND):
                    cursor = max(cursor, event.us)
                    if event.us >= end:
                        break
                    if event.us >= start:
                        self._take(event, hour)
            except Unavailable:
                # An hour may be long: only breaks without progress in between are counted.
                broken = 1 if cursor > reached else broken + 1
                reached = cursor
                if broken >= self._http.limits.tries:
                    raise
                self._http.wait(2.0**broken)
        counts = [
            Count(name, ask.window, number, "firehose, every post") for name, number in sorted(hour.counts.items())
        ]
        late = hour.first is None or hour.first - start > GAP.total_seconds() * 1e6
        yield Page(
            hour.kept,
            f"jetstream {ask.window.start:%Y-%m-%dT%H}",
            counts=() if late or hour.full else counts,
            gone=hour.gone,
            capped=late or hour.full,
        )

    def _events(self, cursor: int) -> Iterator[Event]:
        v2 = self._config.protocol == "v2"
        wanted = {"collections" if v2 else "wantedCollections": POSTS, "cursor": cursor}
        path = f"/xrpc/{_V2}" if v2 else "/subscribe"
        stream = messages(
            f"{self._config.base}{path}?{urlencode(wanted)}",
            user_agent=self._http.user_agent,
            subprotocol="xrpc.v1.json" if v2 else None,
            patience=self._config.patience,
            allow_private=self._http.allow_private,
        )
        for message in stream:
            event = _event_v2(message) if v2 else _event_v1(message)
            if event:
                yield event

    def _take(self, event: Event, hour: _Hour) -> None:
        """Look at one event, once: after a break the host sends the last ones again."""
        name = (event.did, event.key, event.gone)
        if name in hour.seen:
            return
        hour.seen.add(name)
        hour.first = event.us if hour.first is None else hour.first
        if event.gone:
            hour.gone.append(f"bluesky:{event.did}/{event.key}")
            return
        text = str(post_text(event))
        for kind in (ALL_POSTS, *self._sift.kinds(text)):
            hour.counts[kind] += 1
        item: Native = {"did": event.did, "rkey": event.key, "time_us": event.us, "record": event.record}
        if not self._sift.keeps(text):
            if share(f"{event.did}/{event.key}".encode("utf-8", "replace")) >= self._config.sample:
                return
            item["sample_p"] = self._config.sample
        if len(hour.kept) >= MOST_KEPT:
            hour.full = True
            return
        hour.kept.append(item)


def post_text(event: Event) -> str:
    """Return what the choice reads of a post: its text and the addresses it links to."""
    try:
        return str(post_of(event.did, event.key, event.record)["text"])
    except ValueError:
        return ""


def _event_v1(message: Native) -> Event | None:
    us = number_at(message, "time_us")
    return _event(us, message.get("did"), message) if us is not None else None


def _event_v2(message: Native) -> Event | None:
    payload = part_at(message, "payload")
    when = part_at(payload, "time")
    try:
        at = datetime.fromisoformat(when) if isinstance(when, str) else None
    except ValueError:
        return None
    us = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1e6) if at else None
    held = {"commit": payload, "account": part_at(payload, "account")}
    return _event(us, part_at(payload, "did"), held) if us is not None else None


def _event(us: int, did: object, message: Native) -> Event | None:
    commit, account = message.get("commit"), message.get("account")
    key, operation = part_at(commit, "rkey"), part_at(commit, "operation")
    if isinstance(did, str) and part_at(account, "active") is False and part_at(account, "status") in CLOSED:
        return Event(us, did, "", gone=True, record={})
    if part_at(commit, "collection") != POSTS or not isinstance(did, str) or not isinstance(key, str) or not key:
        return None
    if operation == "delete":
        return Event(us, did, key, gone=True, record={})
    record = part_at(commit, "record")
    return Event(us, did, key, gone=False, record=record) if isinstance(record, dict) else None


def build(config: Config, queries: Queries, http: Client) -> Jetstream:
    """Return the source, ready to be read."""
    return Jetstream(config, queries, http)


def to_post(item: Native) -> dict[str, Any]:
    """Map a kept event to an imported post; its time is the author's, unless that lies after the event."""
    us = number_at(item, "time_us")
    seen = datetime.fromtimestamp(us / 1e6, UTC).isoformat() if us is not None and 0 < us < 2**52 else ""
    stated = text_at(item, "record", "createdAt")
    post = post_of(need_at(item, "did"), need_at(item, "rkey"), part_at(item, "record"))
    return {**post, "created_at": earlier(stated, seen)}
