"""Several sources side by side, and what the command line says of them."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from flows.collect_source import Ready, collect
from flows.collectors import parse_span, ready, statuses
from flows.errors import InputError
from flows.slices import Window
from flows.sources.base import Ask, Page, Stream
from flows.sources.registry import SOURCES
from tests.flows.sources import stand_github, stand_hackernews, stand_lemmy, stand_mastodon
from tests.flows.sources.conftest import queries, stored
from tests.flows.sources.standin import NOW, Site, client, posts, running, status

SPAN = Window(NOW - timedelta(days=3), NOW)


def built(name: str, config: dict[str, Any], **asked: Any) -> Ready:
    entry = SOURCES[name]
    return Ready(entry, entry.module.build(entry.config.model_validate(config), queries(**asked), client()))


class Broken:
    step: timedelta | None = None
    finest = timedelta(days=1)
    settle = timedelta(0)
    reach: timedelta | None = None

    def streams(self) -> list[Stream]:
        return [Stream("all", "all")]

    def fetch(self, ask: Ask) -> Iterator[Page]:
        yield Page([], "first", next="1")
        raise ZeroDivisionError


def test_one_failing_source_never_stops_another(con: duckdb.DuckDBPyConnection) -> None:
    with ExitStack() as stack:
        news = stack.enter_context(running(Site(stand_hackernews.answer, posts(50))))
        forge = stack.enter_context(running(Site(stand_github.answer, posts(50))))
        dead = stack.enter_context(running(Site(stand_lemmy.answer, posts(50))))
        dead.faults = [status(500)] * 999
        outcomes = collect(
            con,
            [
                Ready(SOURCES["aiid"], Broken()),
                built("lemmy", {"instances": (dead.base,)}),
                built("hackernews", {"base": news.base}),
                Ready(SOURCES["x"], None, "needs OFFSCRIPT_X_BEARER_TOKEN"),
                built("github", {"base": forge.base}, trackers=("o/r",)),
            ],
            SPAN,
            key=b"k",
            run_id="r",
            now=NOW,
        )
    assert [(one.source, one.state, one.new) for one in outcomes] == [
        ("aiid", "failed", 0),
        ("lemmy", "failed", 0),
        ("hackernews", "done", 50),
        ("x", "skipped", 0),
        ("github", "done", 50),
    ]
    assert "ZeroDivisionError" in outcomes[0].detail
    assert len(dead.log) <= 8, "no retry storm: two streams, four tries each"
    assert len(stored(con)) == 100


def test_an_instance_that_wants_a_login_does_not_stop_the_others(con: duckdb.DuckDBPyConnection) -> None:
    with (
        running(Site(stand_mastodon.answer, posts(50))) as shut,
        running(Site(stand_mastodon.answer, posts(50))) as open_,
    ):
        shut.faults = [status(401)] * 9
        source = built("mastodon", {"instances": (shut.base, open_.base)}, hashtags=("aiagents",))
        (outcome,) = collect(con, [source], SPAN, key=b"k", run_id="r", now=NOW)
        assert (outcome.state, outcome.new) == ("partial", 50)
        assert len(shut.log) == 1
        (again,) = collect(con, [source], SPAN, key=b"k", run_id="r", now=NOW)
        assert again.state == "partial"


def test_a_tracker_that_is_not_there_does_not_stop_the_others(con: duckdb.DuckDBPyConnection) -> None:
    with running(Site(stand_github.answer, posts(50))) as forge:
        forge.faults = [status(422), status(422), status(422)]
        source = built("github", {"base": forge.base}, trackers=("gone/a", "gone/b", "gone/c", "o/r"))
        (outcome,) = collect(con, [source], Window(NOW - timedelta(days=1), NOW), key=b"k", run_id="r", now=NOW)
    assert outcome.missed == 3
    assert outcome.new > 0


def test_a_post_seen_from_two_instances_is_one_report(con: duckdb.DuckDBPyConnection) -> None:
    with running(Site(stand_mastodon.answer, posts(20))) as one, running(Site(stand_mastodon.answer, posts(20))) as two:
        source = built("mastodon", {"instances": (one.base, two.base)}, hashtags=("aiagents",))
        collect(con, [source], SPAN, key=b"k", run_id="r", now=NOW)
    assert con.execute("SELECT count(*), count(DISTINCT report_id) FROM raw_items").fetchone() == (20, 20)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OFFSCRIPT_REDDIT_CLIENT_ID", raising=False)
    found = {one.entry.source: one for one in ready((), client())}
    assert set(found) == set(SOURCES)
    assert found["reddit"].detail == "needs OFFSCRIPT_REDDIT_CLIENT_ID, OFFSCRIPT_REDDIT_CLIENT_SECRET"
    keyless = {name for name, one in found.items() if one.source is not None}
    assert keyless == set(SOURCES) - {"reddit", "x"}
    with pytest.raises(InputError, match="no source nowhere"):
        ready(["nowhere"], client())


def test_how_the_sources_stand(con: duckdb.DuckDBPyConnection) -> None:
    with running(Site(stand_hackernews.answer, posts(300))) as news:
        collect(con, [built("hackernews", {"base": news.base})], SPAN, key=b"k", run_id="r", now=NOW)
    found = {one.source: one for one in statuses(con, NOW)}
    assert set(found) == set(SOURCES)
    news_status = found["hackernews"]
    assert news_status.last_read == NOW - timedelta(hours=1)
    assert news_status.posts_a_day == pytest.approx(300 / (71 / 24))
    assert found["github"].last_read is None
    assert found["x"].state.startswith("needs OFFSCRIPT_X_BEARER_TOKEN")


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [("7d", None, 168), ("12h", None, 12), ("2w", "2026-11-13", 24 * 6.479), ("2026-11-01", "2026-11-02", 24)],
)
def test_spans_are_read(since: str, until: str | None, hours: float) -> None:
    assert parse_span(since, until, NOW).hours == pytest.approx(hours, rel=0.001)


@pytest.mark.parametrize(
    ("since", "until"), [("soon", None), ("7d", "2026-01-01"), ("", None), ("7d", "x"), ("0h", None)]
)
def test_spans_that_are_none_are_refused(since: str, until: str | None) -> None:
    with pytest.raises(InputError):
        parse_span(since, until, datetime(2026, 11, 20, tzinfo=UTC))
