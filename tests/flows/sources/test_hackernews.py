from collections.abc import Iterator
from datetime import timedelta

import duckdb
import pytest

from flows.collect_source import Outcome
from flows.slices import Progress
from flows.sources import hackernews
from flows.sources.reading import items_of
from tests.flows.sources import stand_hackernews
from tests.flows.sources.conftest import coverage, queries, read, stored
from tests.flows.sources.standin import NOW, Site, Time, client, html, posts, reset, running, status


@pytest.fixture
def site() -> Iterator[Site]:
    with running(Site(stand_hackernews.answer, posts(300))) as open_site:
        yield open_site


def collect(con: duckdb.DuckDBPyConnection, site: Site, **changes: object) -> Outcome:
    return read(con, "hackernews", {"base": site.base}, **changes)  # type: ignore[arg-type]


def test_every_post_of_the_span_is_stored_once(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    assert collect(con, site).state == "done"
    assert stored(con) == [f"hackernews:{post.n}" for post in site.posts]
    again = collect(con, site)
    assert (again.new, len(stored(con))) == (0, 300)
    assert coverage(con) == {"read": 71.0}


def test_the_next_run_asks_only_for_what_is_new(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    collect(con, site)
    site.log.clear()
    site.posts += posts(5, end=NOW + timedelta(hours=2), gap=timedelta(minutes=1))
    assert collect(con, site, now=NOW + timedelta(hours=4)).new == 5
    asked = [request.query["numericFilters"] for request in site.log if request.query["hitsPerPage"] != "0"]
    start, end = ((NOW + shift).timestamp() for shift in (timedelta(hours=-1), timedelta(hours=4)))
    assert asked == [f"created_at_i>={start:.0f},created_at_i<{end:.0f}"]


def test_no_cap_hides_posts(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    site.posts = posts(2600, gap=timedelta(seconds=20))
    assert collect(con, site).state == "done"
    assert len(stored(con)) == 2600
    assert set(coverage(con)) == {"read"}


def test_a_second_with_more_than_the_cap_is_marked(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    site.posts = posts(1300, gap=timedelta(0))
    collect(con, site)
    assert len(stored(con)) == 1000
    assert 0 < coverage(con)["capped"] < 0.001


class Killed(BaseException):
    pass


@pytest.mark.parametrize("after", range(1, 12))
def test_killed_anywhere_and_run_again_nothing_is_lost_or_stored_twice(
    con: duckdb.DuckDBPyConnection, site: Site, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.posts = posts(2600, gap=timedelta(seconds=80))
    monkeypatch.setattr(hackernews, "PER_PAGE", 400)
    calls = 0
    original = items_of

    def dying(answer: object, *path: str) -> object:
        nonlocal calls
        calls += 1
        if calls == after:
            raise Killed
        return original(answer, *path)

    monkeypatch.setattr(hackernews, "items_of", dying)
    with pytest.raises(Killed):
        collect(con, site)
    assert collect(con, site).state == "done"
    assert stored(con) == [f"hackernews:{post.n}" for post in site.posts]
    posts_counted = con.execute("SELECT sum(posts) FROM coverage").fetchone()
    assert posts_counted == (2600,)


def test_a_failing_span_is_missed_and_read_by_the_next_run(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    site.posts = posts(300, gap=timedelta(minutes=12))
    site.faults = [html] * 4
    first = collect(con, site)
    assert (first.state, first.missed) == ("partial", 1)
    assert coverage(con)["missed"] == 11.5
    assert collect(con, site).state == "done"
    assert set(coverage(con)) == {"read"}
    assert len(stored(con)) == 300


def test_a_long_wait_ends_the_run_and_the_next_goes_on(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    site.faults = [lambda _q, reply: reply, status(429, retry_after="3600")]
    first = collect(con, site)
    assert first.state == "partial"
    assert "3,600 s" in first.detail
    assert collect(con, site).state == "done"
    assert len(stored(con)) == 300


def test_short_troubles_are_waited_out(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    site.faults = [status(500), reset, status(429, retry_after="7"), html]
    clock = Time()
    # The fourth try of the first request fails too: one span waits for the next run.
    assert collect(con, site, http=client(clock, tries=5)).state == "done"
    assert 7.0 in [round(seconds, 3) for seconds in clock.slept]
    assert len(stored(con)) == 300


def test_silence_of_a_busy_source_is_a_failed_run_and_a_gap(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    collect(con, site)
    site.posts.clear()
    later = NOW + timedelta(days=2)
    silent = collect(con, site, now=later)
    assert silent.state == "failed"
    assert "to be expected" in silent.detail
    assert coverage(con)["missed"] == pytest.approx(48, abs=1)
    site.posts = posts(300, end=later - timedelta(hours=5))
    assert collect(con, site, now=later).state == "done"
    assert set(coverage(con)) == {"read"}


def test_broken_items_are_set_aside_and_the_rest_kept(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    broken = [
        {"objectID": "1", "title": 7, "created_at_i": 1},
        {"title": "no id"},
        {"objectID": "2", "title": "t", "created_at_i": 1e300},
        {"objectID": "3", "title": "nul \x00", "created_at_i": 1_763_000_000},
        {"objectID": "4", "title": "half \ud800", "created_at_i": 1_763_000_000},
        {"objectID": "5", "title": "", "created_at_i": 1_763_000_000},
        "not an object",
    ]

    def with_broken(_request: object, reply: object) -> object:
        reply.body["hits"] += broken  # type: ignore[attr-defined]
        return reply

    site.faults = [with_broken, with_broken]  # type: ignore[list-item]
    outcome = collect(con, site)
    assert (outcome.state, outcome.new, len(stored(con))) == ("done", 300, 300)
    reasons = con.execute("SELECT reject_reason, count(*) FROM rejects GROUP BY 1 ORDER BY 1").fetchall()
    assert reasons == [
        ("encoding", 1), ("invalid_date", 1), ("missing_field", 3), ("nul_byte", 1), ("wrong_type", 1),
    ]  # fmt: skip


def test_control_kinds_are_counted_by_whole_days_once(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    asked = queries(controls={"names_an_agent": ("claude code",)})
    collect(con, site, asked=asked)
    rows = con.execute("SELECT control, from_at::VARCHAR, posts FROM volumes ORDER BY 2").fetchall()
    per_day = [sum(post.at.date().isoformat() == day for post in site.posts) for day in ("2026-11-18", "2026-11-19")]
    assert [(row[0], row[2]) for row in rows] == [("names_an_agent", number) for number in per_day]
    site.log.clear()
    collect(con, site, asked=asked)
    assert not [request for request in site.log if request.query["hitsPerPage"] == "0"]


def test_what_is_gone_is_known(site: Site) -> None:
    source = hackernews.build(hackernews.Config(base=site.base), queries(), client())
    assert source.still_public(["hackernews:1000", "hackernews:7"]) == {"hackernews:1000": True, "hackernews:7": False}


def test_a_cursor_survives_being_written() -> None:
    held = Progress(note={"etag": "x"}, token="3", seen=4)
    assert Progress.loads(held.dumps()) == held
