"""Throw what nobody meant at every parser of outside data: `make fuzz`, or `python -m tests.fuzz --cases 10000 [NAME]`.

A parser may say no with the errors it names; anything else is a finding, printed with the smallest input that shows
it, and belongs into the tests as an example.
"""

import argparse
import gzip
import importlib
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import zstandard
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from classifiers.agents import find_agents
from classifiers.items import strip_title
from classifiers.rules import find_hits
from classifiers.screen import screen
from flows import imports, rates
from flows.cadence import parse_every
from flows.collect import Coverage
from flows.errors import InputError
from flows.exchange import Answer, Limits, SourceError
from flows.http import Client
from flows.identity import identify
from flows.mapping import MappingError, parse_when, to_report
from flows.queries import load_queries
from flows.slices import Window
from flows.sources import dumps, feeds, jetstream
from flows.sources.base import Ask, BadItem
from flows.sources.exports import as_post
from flows.sources.registry import SOURCES
from flows.sources.sift import Sift
from tests.flows.sources.conftest import queries
from tests.flows.sources.standin import NOW, Request, Site, Time, posts
from warehouse.excerpts import mask
from warehouse.present.inert import csv_cell, highlighted, inert, safe_url
from warehouse.schema.addresses import canonical_url
from warehouse.schema.models import Post

# Pieces that break parsers more often than chance would find them.
_BAD = (
    "", "\x00", "\ud800", "\u202e", "\r\n", "NaN", "Infinity", "-1", "1e400", "9" * 400, "[" * 500, "{", '"', "\\u0000", "%00",
    "https://[::1", "http://[", "https://x.com:99999/a/status/1", "https://github.com/o/r/issues/" + "9" * 50, "at://did:plc:x/y/z",
    "0000-00-00", "2026-02-30T25:61:61Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "<![CDATA[", "&#x110000;", "`a` [x](javascript:1)",
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=60), st.sampled_from(_BAD), st.text(alphabet=":/?#[]@!$&'()*+,;=%.-_~ax09é\u0000", max_size=40)
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(min_value=2**62, max_value=2**70), st.floats(), TEXTS
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
BYTES = st.one_of(
    st.binary(max_size=200),
    TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")),
    JSON.map(lambda value: json.dumps(value).encode()),
)
KEY = b"fuzz"


@dataclass(frozen=True)
class Parser:
    """A parser: what it is given, and the errors it may raise."""

    given: st.SearchStrategy[Any]
    parse: Callable[[Any], Any]
    may: tuple[type[Exception], ...] = ()


@st.composite
def bent(draw: st.DrawFn, sound: Any) -> Any:
    """Return a sound JSON value with one to three of its parts replaced, dropped or doubled."""
    value = json.loads(json.dumps(sound))
    for _ in range(draw(st.integers(1, 3))):
        value = _bend(draw, value)
    return value


def _bend(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, dict) and value and draw(st.integers(0, 5)):
        key = draw(st.sampled_from(sorted(value)))
        if not draw(st.integers(0, 6)):
            return {name: part for name, part in value.items() if name != key}
        return {**value, key: _bend(draw, value[key])}
    if isinstance(value, list) and value and draw(st.integers(0, 5)):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], _bend(draw, value[at]), *value[at + (1 if draw(st.booleans()) else 0) :]]
    return draw(JSON)


def _stand(name: str) -> Any:
    return importlib.import_module(f"tests.flows.sources.stand_{name}")


def _natives(name: str) -> Parser:
    """The mapping of one raw item: bent shapes of a sound one."""
    entry = SOURCES[name]
    native = _stand(name).native(posts(1)[0])
    if name == "discourse":
        native = {**native, "forum": "https://forum.example"}

    def parse(item: Any) -> None:
        if isinstance(item, dict):
            to_report(entry.to_post(item), source_id=name, key=KEY, now=NOW)

    return Parser(st.one_of(bent(native), JSON), parse, (BadItem, MappingError))


def _answers(name: str) -> Parser:
    """The reading of a source's answers: every answer of its stand-in is bent, or is no JSON at all."""
    module = _stand(name)

    def parse(how: tuple[Any, ...]) -> None:
        step, data = how
        site = Site(module.answer, posts(4))
        asked = 0

        def answer(request: httpx.Request) -> httpx.Response:
            nonlocal asked
            parts = urlsplit(str(request.url))
            query = {key: ",".join(values) for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
            form = {key: values[-1] for key, values in parse_qs(request.content.decode("utf-8", "replace")).items()}
            reply = site.serve(Request(request.method, parts.path, query, dict(request.headers), form))
            asked += 1
            body = data.draw(bent(reply.body)) if asked == step and not isinstance(reply.body, bytes) else reply.body
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            if asked == step and isinstance(reply.body, bytes):
                raw = _scrambled(raw, data.draw)
            return httpx.Response(reply.status, stream=httpx.ByteStream(raw), headers=reply.headers)

        clock = Time()
        http = Client(
            "fuzz",
            limits=Limits(tries=2),
            transport=httpx.MockTransport(answer),
            clock=clock.clock,
            sleep=clock.sleep,
            now=lambda: NOW,
        )
        site.base = "http://127.0.0.1"
        entry = SOURCES[name]
        source = entry.module.build(
            entry.config.model_validate(module.config(site.base)), queries(**module.ASKED), http
        )
        for stream in source.streams()[:1]:
            for number, page in enumerate(source.fetch(Ask(stream, Window(NOW - timedelta(days=2), NOW)))):
                for item in page.items:
                    with suppress(BadItem, MappingError):
                        to_report(entry.to_post(item), source_id=name, key=KEY, now=NOW)
                if number > 5:
                    return

    # The reader takes a part that cannot be read for a bad answer.
    return Parser(st.tuples(st.integers(1, 3), st.data()), parse, (SourceError, BadItem))


def _scrambled(raw: bytes, draw: Callable[[st.SearchStrategy[Any]], Any]) -> bytes:
    start = draw(st.integers(0, max(len(raw) - 1, 0)))
    return raw[:start] + draw(BYTES) + raw[start + draw(st.integers(0, 40)) :]


def _file(suffix: str, read: Callable[[Path], Any]) -> Callable[[bytes], None]:
    def parse(data: bytes) -> None:
        with tempfile.NamedTemporaryFile(suffix=suffix) as file:
            file.write(data)
            file.flush()
            read(Path(file.name))

    return parse


def _mapped(path: Path) -> None:
    for page in imports.pages(path, 1, SIFT):
        for line in page.lines:
            with suppress(BadItem, MappingError):
                to_report(as_post(line.item), source_id="import", key=KEY, now=NOW)


def _texts(text: str) -> None:
    post = Post(id="1", source="web", title=text[:30], text=text, lang=None)
    screen(post)
    for hit in find_hits(post):
        assert 0 <= hit.span.start <= hit.span.end <= len(getattr(post, hit.span.field))
    find_agents(post)
    strip_title(text[:10], text)
    assert len(mask(text)) == len(text)


def _shown(text: str) -> None:
    assert "<script" not in inert(text).lower()
    highlighted(text, [(0, 5), (3, 900), (-1, 2)])
    csv_cell(text)
    url = safe_url(text)
    assert url is None or url.startswith(("http://", "https://"))


_ITEM = {"id": "a:1", "source": "github_issue:o/r", "url": "https://github.com/o/r/issues/1", "created_at": "2026-03-01", "title": "t", "text": "x", "author": "a", "lang": "en", "engagement": 3}  # fmt: skip
_LINES = st.lists(st.one_of(BYTES, bent(_ITEM).map(lambda item: json.dumps(item).encode())), max_size=5).map(b"\n".join)
_HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit-reset"]), TEXTS
)
_FEED = b"<rss version='2.0'><channel><title>t</title><item><title>a</title><link>https://e.org/1</link><guid>1</guid><pubDate>Mon, 02 Mar 2026 10:00:00 GMT</pubDate><description>d &lt;b&gt;</description></item></channel></rss>"  # fmt: skip
_EVENT = {"did": "did:plc:a", "time_us": 1770000000000000, "kind": "commit", "commit": {"operation": "create", "collection": "app.bsky.feed.post", "rkey": "3k", "record": {"text": "claude", "createdAt": "2026-03-01T00:00:00Z", "facets": [{"features": [{"uri": "https://e.org"}]}], "embed": {"external": {"uri": "https://e.org"}}}}}  # fmt: skip


@st.composite
def _feeds(draw: st.DrawFn) -> bytes:
    return _scrambled(_FEED, draw)


def _event(message: Any) -> None:
    if isinstance(message, dict):
        for event in (jetstream._event_v1(message), jetstream._event_v2(message)):
            if event is not None and not event.gone:
                jetstream.post_text(event)
                jetstream.to_post({"did": event.did, "rkey": event.key, "time_us": event.us, "record": event.record})


def _feed(data: bytes) -> None:
    items, _ = feeds.parse(Answer("https://e.org/feed", 200, {}, data), "e")
    for item in items:
        with suppress(BadItem, MappingError):
            to_report(feeds.to_post(item), source_id="feeds", key=KEY, now=NOW)


def _waits(headers: Mapping[str, str]) -> None:
    for status in (200, 429, 503):
        wait = rates.wait_after(status, headers, NOW)
        assert wait is None or wait >= 0
    rates.reset_after(headers, NOW)


SIFT = Sift(load_queries())

PARSERS: dict[str, Parser] = {
    "json lines": Parser(_LINES, _file(".jsonl", _mapped)),
    "json lines, gzip": Parser(st.one_of(_LINES.map(gzip.compress), BYTES), _file(".jsonl.gz", _mapped)),
    "dump, zstd": Parser(st.one_of(_LINES, BYTES).map(zstandard.compress), _file(".zst", _mapped)),
    "dump, broken": Parser(BYTES.map(lambda data: dumps.MAGIC + data), _file(".zst", _mapped)),
    "export, JSON": Parser(st.one_of(_LINES, BYTES).map(lambda data: b"[\n" + data), _file(".json", _mapped)),
    "export, X archive": Parser(
        st.one_of(_LINES, BYTES).map(lambda data: b"window.YTD.tweets.part0 = [" + data), _file(".js", _mapped)
    ),
    "export, Bluesky archive": Parser(BYTES, _file(".car", _mapped)),
    "dates": Parser(TEXTS, lambda text: parse_when(text, NOW), (MappingError,)),
    "addresses": Parser(st.tuples(TEXTS, TEXTS, TEXTS), lambda parts: (identify(*parts), canonical_url(parts[2]))),
    "coverage": Parser(TEXTS, Coverage.parse, (InputError,)),
    "cadence": Parser(TEXTS, lambda text: parse_every("X", text), (InputError,)),
    "rate headers": Parser(_HEADERS, _waits),
    "feed": Parser(st.one_of(_feeds(), BYTES), _feed, (SourceError, BadItem)),
    "stream event": Parser(st.one_of(bent(_EVENT), JSON), _event, (BadItem,)),
    "texts": Parser(TEXTS.filter(lambda text: "\ud800" not in text), _texts),
    "shown": Parser(TEXTS.filter(lambda text: "\ud800" not in text), _shown),
    **{f"item, {name}": _natives(name) for name in sorted(SOURCES) if name not in {"jetstream"}},
    **{f"answers, {name}": _answers(name) for name in sorted(SOURCES) if name not in {"jetstream"}},
}


def case(name: str, cases: int, start: int) -> Callable[[], None]:
    """Return the test of one parser: called, it runs so many cases and raises what should not have been raised."""
    parser = PARSERS[name]

    @seed(start)
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(parser.given)
    def run(value: Any) -> None:
        with suppress(*parser.may):
            parser.parse(value)

    return run


def main(names: list[str], cases: int, start: int) -> int:
    """Fuzz the parsers named, or all; return how many had a finding."""
    bad = 0
    for name in names or PARSERS:
        began = time.monotonic()
        try:
            case(name, cases, start)()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
            bad += 1
            traceback.print_exception(error, limit=-6)
            print(
                f"FOUND  {name}: {type(error).__name__}: {error}\n{''.join(getattr(error, '__notes__', []))[:1500]}",
                flush=True,
            )
        else:
            print(f"ok     {name}: {cases:,} cases, {time.monotonic() - began:.1f} s", flush=True)
    print(
        f"{len(names or PARSERS)} parsers, {cases:,} cases each (seed {start}): {bad} with findings; {datetime.now(UTC):%Y-%m-%d}"
    )
    return bad


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cases", type=int, default=10_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("names", nargs="*")
    told = arguments.parse_args()
    sys.exit(1 if main(told.names, told.cases, told.seed) else 0)
