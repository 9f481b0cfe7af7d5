"""What every registered source must do. A source without a page, a stand-in or a policy is found here."""

import importlib
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flows.sources
from flows.collect_source import Outcome
from flows.identity import identify
from flows.mapping import MappingError, to_report
from flows.sources.base import BadItem, Checks
from flows.sources.registry import PLATFORMS, SOURCES
from tests.conftest import ROOT
from tests.flows.sources.conftest import coverage, queries, read, stored
from tests.flows.sources.standin import NOW, Post, Site, client, html, posts, reset, running, slow, status, truncated

NAMES = sorted(SOURCES)
# A stream of messages is tested by itself.
STREAMED = {"jetstream"}
FILES = Path(flows.sources.__file__).parent


def stand(name: str) -> ModuleType:
    return importlib.import_module(f"tests.flows.sources.stand_{name}")


@pytest.fixture(params=sorted(set(NAMES) - STREAMED))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def site(name: str) -> Iterator[Site]:
    with running(Site(stand(name).answer, posts(90, gap=timedelta(minutes=40)))) as open_site:
        yield open_site


def collect(con: duckdb.DuckDBPyConnection, name: str, site: Site, **changes: Any) -> Outcome:
    module = stand(name)
    return read(con, name, module.config(site.base), asked=queries(**module.ASKED), **changes)


def ids(name: str, site: Site, held: list[Post] | None = None) -> list[str]:
    """The ids under which a site's posts should be stored."""
    entry = SOURCES[name]
    natives = [stand(name).native(post) for post in (site.posts if held is None else held)]
    if name == "discourse":
        natives = [{**native, "forum": site.base} for native in natives]
    return sorted(entry.to_post(native)["id"] for native in natives)


@pytest.mark.parametrize("name", NAMES)
def test_a_source_has_a_page_a_platform_and_settings(name: str) -> None:
    entry = SOURCES[name]
    page = (FILES / f"{name}.md").read_text("utf-8")
    assert "**Cannot see**" in page
    for field in entry.config.model_fields:
        assert entry.setting(field) in page, "every setting is named on the source's page"
    platform = PLATFORMS[entry.platform]
    assert platform.publish_text
    assert platform.train
    assert platform.licence


def test_every_post_is_stored_once_and_a_rerun_stores_nothing(
    con: duckdb.DuckDBPyConnection, name: str, site: Site
) -> None:
    first = collect(con, name, site)
    assert (first.state, first.new) == ("done", 90), first.detail
    assert stored(con) == ids(name, site)
    assert "missed" not in coverage(con)
    assert collect(con, name, site).new == 0
    # What the platform shows is a report of that platform.
    platforms = con.execute("SELECT DISTINCT split_part(report_id, ':', 1) FROM raw_items").fetchall()
    assert platforms == [(SOURCES[name].platform,)]
    assert con.execute("SELECT count(DISTINCT report_id) FROM raw_items").fetchone() == (90,)


def test_new_posts_are_found_by_the_next_run(con: duckdb.DuckDBPyConnection, name: str, site: Site) -> None:
    collect(con, name, site)
    later = NOW + timedelta(hours=20)
    start = site.posts[-1].n + 1
    fresh = [Post(start + n, post.at, post.title, post.text) for n, post in enumerate(posts(30, end=later))]
    fresh = [Post(p.n, NOW + timedelta(minutes=20 + n), p.title, p.text) for n, p in enumerate(fresh)]
    site.posts += fresh
    assert collect(con, name, site, now=later).new == 30
    assert stored(con) == ids(name, site)


FAULTS: dict[str, list[Any]] = {
    "timeout": [slow],
    "reset mid-body": [reset],
    "429 with Retry-After": [status(429, retry_after="20")],
    "429 without": [status(429)],
    "500 storm": [status(500)] * 9,
    "truncated page": [truncated],
    "HTML instead": [html],
    "repeated page": [],
    "page out of order": [],
    "clock skew": [],
}


# (first run's state, posts it stored + posts the second one stored), by source and fault.
OUTCOMES: dict[tuple[str, str], str] = {}


@pytest.fixture(scope="session", autouse=True)
def fault_table() -> Iterator[None]:
    """Write the table of outcomes to the file that OFFSCRIPT_FAULT_TABLE names."""
    yield
    target = os.environ.get("OFFSCRIPT_FAULT_TABLE")
    if not target or not OUTCOMES:
        return
    head = (
        "# Collectors under faults\n\nWritten by `OFFSCRIPT_FAULT_TABLE=docs/faults.md pytest "
        "tests/flows/sources/test_contract.py`.\nEach cell: how the run with the fault ended, and the posts it stored + "
        "those the next run stored. 90 posts are served;\nin every cell the sum is 90, each stored once.\n\n"
    )
    named = sorted({source for source, _ in OUTCOMES})
    lines = [["fault", *named], ["---"] * (len(named) + 1)]
    lines += [[fault, *(OUTCOMES.get((source, fault), "") for source in named)] for fault in FAULTS]
    Path(target).write_text(head + "".join(f"| {' | '.join(line)} |\n" for line in lines), "utf-8")


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_matrix(con: duckdb.DuckDBPyConnection, name: str, site: Site, fault: str) -> None:
    site.overlap = fault == "repeated page"
    site.shuffled = fault == "page out of order"
    if fault == "clock skew":
        site.posts[-1] = Post(site.posts[-1].n, NOW - timedelta(hours=8) + timedelta(minutes=50), "t", "claude code x")
        answer = site.answer

        def skewed(held: Site, request: Any) -> Any:
            reply = answer(held, request)
            reply.headers |= {"Date": "Thu, 19 Nov 2026 01:00:00 GMT"}
            return reply

        site.answer = skewed
    # The trouble comes with the first request, and again with a later one where the source asks more than once.
    site.faults = [*FAULTS[fault], lambda _q, reply: reply, *FAULTS[fault]]
    http = client(read=0.2) if fault == "timeout" else client()
    first = collect(con, name, site, http=http)
    lost_by_first = 90 - len(stored(con))
    site.faults.clear()
    second = collect(con, name, site)
    OUTCOMES[name, fault] = f"{first.state}, {90 - lost_by_first} + {lost_by_first}"
    assert (second.state, stored(con)) == ("done", ids(name, site)), (first.detail, second.detail)
    assert "missed" not in coverage(con)
    assert con.execute("SELECT count(*) FROM raw_items").fetchone() == (90,)


def test_posts_gone_are_known(name: str, site: Site) -> None:
    entry = SOURCES[name]
    module = stand(name)
    source = entry.module.build(
        entry.config.model_validate(module.config(site.base)), queries(**module.ASKED), client()
    )
    if not hasattr(source, "still_public"):
        # Then its page must say so.
        page = (ROOT / "flows" / "sources" / f"{name}.md").read_text("utf-8")
        assert "**Deletions**: cannot be asked for" in page
        return
    checks: Checks = source
    public, gone = (module.GIVEN.format(n=n, host=site.base) for n in (site.posts[0].n, 7))
    assert checks.still_public([public, gone]) == {public: True, gone: False}


_JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("source", NAMES)
@settings(max_examples=150)
@given(data=st.data())
def test_whatever_a_payload_holds_it_is_a_post_or_set_aside(source: str, data: st.DataObject) -> None:
    native = stand(source).native(posts(1)[0])
    if source == "discourse":
        native["forum"] = "https://forum.example"
    for _ in range(data.draw(st.integers(1, 3))):
        place = native
        key = data.draw(st.sampled_from(sorted(place)))
        if isinstance(place[key], dict) and place[key] and data.draw(st.booleans()):
            place, key = place[key], data.draw(st.sampled_from(sorted(place[key])))
        place[key] = data.draw(_JUNK)
    try:
        post = SOURCES[source].to_post(native)
        report = to_report(post, source_id=source, key=b"k", now=NOW)
    except (BadItem, MappingError):
        return
    assert report.report_id == identify(post["id"], post["source"], post["url"]).report_id
