"""The money guard: X is never read beyond the month's budget, whatever happens in between."""

from collections.abc import Iterator
from datetime import timedelta

import duckdb
import pytest

from flows.collect_source import Outcome
from flows.errors import InputError
from flows.settings import source_config
from flows.sources.registry import SOURCES
from tests.flows.sources import stand_x
from tests.flows.sources.conftest import queries, read, stored
from tests.flows.sources.standin import Reply, Request, Site, posts, running, status


@pytest.fixture
def site() -> Iterator[Site]:
    with running(Site(stand_x.answer, posts(400, gap=timedelta(minutes=5)))) as open_site:
        yield open_site


def collect(con: duckdb.DuckDBPyConnection, site: Site, dollars: float, **changes: object) -> Outcome:
    config = {**stand_x.config(site.base), "monthly_dollars": dollars}
    return read(con, "x", config, asked=queries(**stand_x.ASKED), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("dollars", [0.004, 0.02, 0.3, 1.0, 1.5, 2.0])
def test_the_budget_is_never_passed_and_a_rerun_does_not_forget_it(
    con: duckdb.DuckDBPyConnection, site: Site, dollars: float
) -> None:
    for _ in range(3):
        outcome = collect(con, site, dollars)
        assert outcome.state in {"failed", "partial"}
        assert "OFFSCRIPT_X_MONTHLY_DOLLARS" in outcome.detail
        assert site.money <= dollars + 1e-9
    assert "missed" in [row[0] for row in con.execute("SELECT DISTINCT coverage FROM coverage").fetchall()]


def test_a_day_that_is_too_dear_is_not_begun(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    collect(con, site, 1.0)
    # 288 posts of a whole day would cost $1.44; the counts that said so are all that was paid.
    assert site.money < 0.1 or len(stored(con)) > 0
    per_day = con.execute("SELECT coverage, posts FROM coverage WHERE coverage = 'read'").fetchall()
    assert sum(number for _, number in per_day) == len(stored(con))


def test_with_enough_money_everything_is_read_and_the_next_month_begins_anew(
    con: duckdb.DuckDBPyConnection, site: Site
) -> None:
    assert collect(con, site, 5.0).state == "done"
    assert len(stored(con)) == 400
    assert site.money == pytest.approx(400 * 0.005 + 4 * 6 * 0.005, abs=0.06)


def test_control_kinds_are_counted_by_the_hour(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    collect(con, site, 5.0)
    rows = con.execute("SELECT sum(posts), count(*) FROM volumes WHERE control = 'names_an_agent'").fetchone()
    assert rows is not None
    assert rows[0] == 400
    hours = con.execute("SELECT DISTINCT epoch(to_at) - epoch(from_at) FROM volumes").fetchall()
    assert hours == [(3600.0,)]


def test_what_can_no_longer_be_asked_for_is_missed_and_not_asked(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    outcome = collect(con, site, 5.0, since=timedelta(days=9))
    assert outcome.state == "partial"
    assert "can no longer be asked for" in outcome.detail
    assert len(stored(con)) == 400
    missed = con.execute("SELECT sum(epoch(to_at) - epoch(from_at)) / 3600 FROM coverage WHERE coverage = 'missed'")
    assert missed.fetchone() == (pytest.approx(48 + 5 / 60),)
    assert collect(con, site, 5.0).state == "done"


def test_without_rights_the_source_stops_at_once(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    site.faults = [status(401)]
    assert collect(con, site, 5.0).state == "failed"
    assert len(site.log) == 1


def test_an_error_in_part_beside_results_is_no_error(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    def partial(_request: Request, reply: Reply) -> Reply:
        reply.body["errors"] = [{"title": "Not Found Error", "detail": "a quoted post is gone"}]
        return reply

    site.faults = [partial] * 40
    assert collect(con, site, 5.0).state == "done"
    assert len(stored(con)) == 400


def test_settings_are_read_by_their_names_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = SOURCES["x"]
    assert entry.missing(source_config(entry)) == ("OFFSCRIPT_X_BEARER_TOKEN", "OFFSCRIPT_X_MONTHLY_DOLLARS")
    monkeypatch.setenv("OFFSCRIPT_X_BEARER_TOKEN", "hush-hush")
    monkeypatch.setenv("OFFSCRIPT_X_MONTHLY_DOLLARS", "12.5")
    config = source_config(entry)
    assert entry.missing(config) == ()
    assert "hush" not in repr(config)
    monkeypatch.setenv("OFFSCRIPT_X_MONTHLY_DOLLARS", "hush-hush")
    with pytest.raises(InputError, match="OFFSCRIPT_X_MONTHLY_DOLLARS") as error:
        source_config(entry)
    assert "hush" not in str(error.value)
