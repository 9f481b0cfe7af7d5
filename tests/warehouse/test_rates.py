from datetime import date

import duckdb
import pytest

from tests.warehouse.trend_builders import add, con, cover, volume
from warehouse.trends.rates import NO_HOURS, adjusted, rates
from warehouse.trends.statistics import poisson_interval

__all__ = ["con"]


def test_a_rate_is_incidents_over_posts_of_the_same_hours(con: duckdb.DuckDBPyConnection) -> None:
    cover(con, "github", "2026-01-01", "2026-01-03 12:00:00")
    for day in ("2026-01-01", "2026-01-02", "2026-01-03"):
        volume(con, "github", day, f"{day} 12:00:00", 500)
    add(con, "github:1", "2026-01-01 03:00:00", "second")
    add(con, "github:2", "2026-01-02 15:00:00", "second")
    add(con, "github:3", "2026-01-03 11:59:00", "second")
    add(con, "github:4", "2026-01-02")
    (line,) = rates(con, per="month")
    (month,) = line.periods
    # Afternoons were read but not counted; a date to the day may lie in one of them.
    assert (month.hours, month.incidents, month.whole) == (36, 2, False)
    assert month.volume == pytest.approx(1500)
    assert month.rate == pytest.approx(2 / 1500 * 10_000)
    assert month.interval == pytest.approx(tuple(end / 1500 * 10_000 for end in poisson_interval(2)))


@pytest.mark.parametrize("state", ["capped", "missed", "unknown", "curated"])
def test_hours_that_were_not_read_whole_give_no_denominator(con: duckdb.DuckDBPyConnection, state: str) -> None:
    cover(con, "github", "2026-01-01", "2026-01-02")
    cover(con, "github", "2026-01-01 05:00:00", "2026-01-01 06:00:00", state, stream="other")
    volume(con, "github", "2026-01-01", "2026-01-02", 900)
    volume(con, "github", "2026-01-02", "2026-01-03", 900)
    assert rates(con) == ()
    (none,) = adjusted(con, ["names_an_agent"])
    assert none.reason == NO_HOURS


def test_two_collectors_of_one_platform_are_never_added_and_a_sample_is_scaled_up(
    con: duckdb.DuckDBPyConnection,
) -> None:
    cover(con, "github", "2026-01-01", "2026-01-02")
    volume(con, "github", "2026-01-01", "2026-01-02", 300, inclusion_p=0.25)
    volume(con, "github", "2026-01-01", "2026-01-01 06:00:00", 999, source_id="other")
    (line,) = rates(con, per="day")
    assert [(period.hours, period.volume) for period in line.periods] == [(24, pytest.approx(1200))]


def test_days_that_were_not_drawn_to_be_counted_stand_under_those_that_were(con: duckdb.DuckDBPyConnection) -> None:
    cover(con, "lemmy", "2026-01-01", "2026-02-03")
    for day in range(1, 32):
        last = f"2026-01-{day + 1:02d}" if day < 31 else "2026-02-01"
        volume(con, "lemmy", f"2026-01-{day:02d}", last, 100 if day in (3, 19) else None, inclusion_p=0.1)
    # Of the next month no day was drawn: its hours were read, and there is no rate.
    volume(con, "lemmy", "2026-02-01", "2026-02-02", None, inclusion_p=0.1)
    add(con, "lemmy:1", "2026-01-10")
    ((january, february),) = (line.periods for line in rates(con))
    assert (january.hours, january.volume, january.rate) == (31 * 24, pytest.approx(2000), pytest.approx(5))
    assert (february.hours, february.volume, february.rate, february.interval) == (24, 0, None, None)
    (found,) = adjusted(con, ["names_an_agent"])
    assert found.adjusted is None


def test_the_controls_ratio_is_divided_out_where_both_were_counted(con: duckdb.DuckDBPyConnection) -> None:
    cover(con, "github", "2026-01-01", "2026-03-01")
    for number in range(40):
        add(con, f"github:{number}", "2026-01-10" if number < 10 else "2026-02-10")
    volume(con, "github", "2026-01-01", "2026-02-01", 1000)
    volume(con, "github", "2026-02-01", "2026-03-01", 2000)
    (found,) = adjusted(con, ["names_an_agent"], dispersion=2)
    assert found.compared == (date(2026, 1, 1), date(2026, 2, 1))
    assert found.adjusted is not None
    assert found.adjusted.value == pytest.approx(30 / 10 / (2000 / 1000))
    assert found.adjusted.low is not None
    assert found.adjusted.low < found.adjusted.value < (found.adjusted.high or 0)
