"""Recorded exchanges: what is asked of each platform, what it answers in its own shape, and the posts that become of it.

A recording lies in `recordings/<source>/` as JSON: how the source is set, the span, the requests with their answers (the
words are ours, the shapes the platforms'), and the posts. After a change of a mapping that is meant,
`OFFSCRIPT_RECORD=1 pytest tests/flows/sources/test_recordings.py` writes the requests and posts anew; read the change.
"""

import gzip
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from flows.slices import Window
from flows.sources.base import Ask, BadItem, Native
from flows.sources.registry import SOURCES
from tests.flows.sources import stand_jetstream
from tests.flows.sources.conftest import queries
from tests.flows.sources.contracts.check import problems
from tests.flows.sources.standin import Reply, Request, Site, client, running
from tests.flows.sources.test_published import PUBLISHED

FOLDER = Path(__file__).parent / "recordings"
RECORDINGS = sorted(FOLDER.glob("*/*.json"))
RECORD = os.environ.get("OFFSCRIPT_RECORD") == "1"


def test_every_registered_source_has_a_recording() -> None:
    assert {path.parent.name for path in RECORDINGS} == set(SOURCES)


def filled(value: Any, base: str) -> Any:
    """Return a part of a recording with the address at which it is played."""
    return json.loads(json.dumps(value).replace("{base}", base))


def replayed(held: dict[str, Any], base: str, name: str) -> Iterator[tuple[Native | None, str | dict[str, Any]]]:
    """Read a recording as its source does; yield each item's post, or why it is none, and each id that is gone."""
    entry = SOURCES[name]
    asked = queries(**held.get("asked", {}))
    source = entry.module.build(entry.config.model_validate(filled(held["config"], base)), asked, client())
    stream = next(one for one in source.streams() if filled(held["stream"], base) in {one.name, one.base})
    window = Window(*(datetime.fromisoformat(text) for text in held["span"]))
    for page in source.fetch(Ask(stream, window)):
        for item in page.items:
            try:
                yield item, entry.to_post(item)
            except BadItem as error:
                yield item, f"rejected: {error}"
        yield from ((None, f"gone: {given}") for given in page.gone)


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_is_asked_and_what_becomes_of_the_answers_is_pinned(path: Path) -> None:
    name, held = path.parent.name, json.loads(path.read_text("utf-8"))
    log: list[dict[str, Any]] = []
    if "messages" in held:
        with stand_jetstream.running(stand_jetstream.Host(events=held["messages"])) as host:
            posts = [post for _, post in replayed(held, host.base, name)]
            log = [{"request": one} for one in host.asked]
        requests: list[Any] = held["requests"] if not RECORD else [one["request"] for one in log]
        assert [one["request"] for one in log] == requests
        held["requests"] = requests
    else:
        with running(Site(player(held, log, name))) as site:
            posts = [post for _, post in replayed(held, site.base, name)]
            posts = json.loads(json.dumps(posts).replace(site.base.partition("//")[2], "{host}"))
        if RECORD:
            for exchange, seen in zip(held["exchanges"], log, strict=True):
                exchange["request"] = seen
        assert log == [exchange["request"] for exchange in held["exchanges"]]
    if RECORD:
        held["posts"] = posts
        path.write_text(json.dumps(held, ensure_ascii=False, indent=1) + "\n", "utf-8")
    assert posts == held["posts"]


def player(held: dict[str, Any], log: list[dict[str, Any]], name: str) -> Any:
    """Return what answers as recorded, in order."""

    def answer(site: Site, request: Request) -> Reply:
        assert len(log) < len(held["exchanges"]), f"{request.method} {request.path} is not recorded"
        recorded = held["exchanges"][len(log)]["answer"]
        log.append({"method": request.method, "path": request.path, "query": dict(request.query)})
        body: Any = recorded["body"]
        if isinstance(body, str):
            body = body.encode()
        reply = Reply(body, recorded.get("status", 200), dict(recorded.get("headers", {})))
        if name in PUBLISHED:
            assert list(problems(name, request, reply)) == []
        if reply.headers.get("Content-Encoding") == "gzip":
            reply.body = gzip.compress(reply.data)
        return reply

    return answer
