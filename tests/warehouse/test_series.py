import json
from datetime import date
from typing import Any

import duckdb
import pytest

from tests.warehouse.trend_builders import add, con, cover, join, measured
from warehouse.trends.series import BANNER, Series, counted, monthly
from warehouse.trends.statistics import poisson_interval

__all__ = ["con"]
BOTH = ["alignment_faking", "shutdown_tampering"]


def counts(series: Series, line: int = 0) -> dict[str, int | None]:
    return {f"{month.month:%Y-%m}": month.incidents for month in series.lines[line].months}


def coverage(series: Series, line: int = 0) -> dict[str, str]:
    return {f"{month.month:%Y-%m}": month.coverage for month in series.lines[line].months}


def test_a_measured_series_has_intervals_and_a_ratio(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    series = monthly(con)
    assert (series.measurable, series.banner, series.reason) == (True, None, None)
    assert counts(series) == {"2026-01": 3, "2026-02": 0, "2026-03": 6}
    (line,) = series.lines
    assert [month.interval for month in line.months] == [poisson_interval(n) for n in (3, 0, 6)]
    assert line.compared == (date(2026, 1, 1), date(2026, 3, 1))
    assert line.ratio is not None
    assert (line.ratio.before, line.ratio.after, line.ratio.exposure) == (3, 6, (31, 31))
    assert line.ratio.ratio == pytest.approx(2)
    text = series.to_table()
    assert BANNER not in text
    assert "ratio 2.00" in text
    assert "Garwood" in text


def test_months_are_compared_by_their_days(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    add(con, "github:20", "2026-02-10")
    line = monthly(con, start=date(2026, 2, 1)).lines[0]
    assert line.ratio is not None
    assert line.ratio.exposure == (28, 31)
    assert line.ratio.ratio == pytest.approx(6 * 28 / 31)


@pytest.mark.parametrize("state", ["unknown", "curated"])
@pytest.mark.parametrize("by", [None, "behaviour", "source", "agent", "vendor"])
def test_a_collection_is_not_a_measurement(con: duckdb.DuckDBPyConnection, state: str, by: Any) -> None:
    measured(con)
    add(con, "reddit:1", "2026-03-10")
    cover(con, "reddit", None, None, state)
    series = monthly(con, by=by)
    assert series.banner == "a collection, not a measurement"
    assert not series.measurable
    assert series.reason
    for line in series.lines:
        assert line.ratio is None
        assert line.reason == series.reason
        assert all(month.interval is None for month in line.months)
    assert counts(series)["2026-03"] == 7
    text = series.to_table()
    assert "a collection, not a measurement" in text
    assert "ratio: not computable, because" in text


def test_a_collection_outside_the_window_does_not_stain_it(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    add(con, "record:1", "2025-10-10")
    cover(con, "record", None, None, "curated")
    assert monthly(con).banner == BANNER
    assert monthly(con, start=date(2026, 1, 1), end=date(2026, 3, 1)).measurable


def test_months_without_coverage_are_gaps_not_zeros(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "github:1", "2025-10-10")
    add(con, "github:2", "2026-01-10")
    add(con, "github:3", "2025-11-10")
    cover(con, "github", "2025-10-01", "2025-11-01", stream="a")
    cover(con, "github", "2025-12-16", "2026-03-01", stream="b")
    series = monthly(con)
    assert counts(series) == {"2025-10": 1, "2025-11": None, "2025-12": 0, "2026-01": 1, "2026-02": 0}
    assert coverage(series) == {
        "2025-10": "measured",
        "2025-11": "none",
        "2025-12": "partial",
        "2026-01": "measured",
        "2026-02": "measured",
    }
    line = series.lines[0]
    assert line.not_covered == 1
    assert [month.interval is None for month in line.months] == [False, True, True, False, False]
    assert "1 in months without coverage" in series.to_table()


def test_a_collection_month_without_an_incident_is_no_zero(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "record:1", "2025-10-10")
    add(con, "record:2", "2025-12-10")
    cover(con, "record", None, None, "curated")
    assert counts(monthly(con)) == {"2025-10": 1, "2025-11": None, "2025-12": 1}


def test_a_platform_that_starts_later_makes_earlier_months_partial(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    cover(con, "reddit", "2026-02-01", "2026-04-01")
    series = monthly(con, by="source")
    assert coverage(series) == {"2026-01": "partial", "2026-02": "measured", "2026-03": "measured"}
    assert series.lines[0].compared == (date(2026, 2, 1), date(2026, 3, 1))
    assert series.lines[1].name == "github"
    assert series.lines[1].compared == (date(2026, 1, 1), date(2026, 3, 1))
    # Read, and nothing found: zeros where it was read, a gap where it was not.
    assert series.lines[2].name == "reddit"
    assert counts(series, 2) == {"2026-01": None, "2026-02": 0, "2026-03": 0}


def test_what_has_no_month_is_stated(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    add(con, "github:20", None)
    add(con, "github:21", "2026-01-01", "year")
    add(con, "github:22", "2026-01-01", "year")
    add(con, "github:23", None, is_strict=False, kind="discussion")
    series = monthly(con)
    assert (series.unknown_date, series.coarse_date) == (1, 2)
    assert sum(month.incidents or 0 for month in series.lines[0].months) == 9
    assert "left out: 1 without a date, 2 dated to a year only" in series.to_table()


def test_two_behaviours_count_in_both_and_none_is_not_lost(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "github:1", "2026-01-10", behaviours_present=BOTH)
    add(con, "github:2", "2026-01-10", behaviours_present=["alignment_faking"])
    add(con, "github:3", "2026-01-10", behaviours_present=[])
    cover(con, "github", "2026-01-01", "2026-02-01")
    series = monthly(con, by="behaviour")
    assert {line.name: line.total for line in series.lines} == {
        "all": 3,
        "alignment_faking": 2,
        "none_marked": 1,
        "shutdown_tampering": 1,
    }
    assert "counts in both" in series.to_table()


def test_by_agent_and_vendor(con: duckdb.DuckDBPyConnection) -> None:
    two = [{"name": "a", "family": None, "vendor": "V"}, {"name": "b", "family": None, "vendor": "V"}]
    add(con, "github:1", "2026-01-10", agents=json.dumps(two))
    add(con, "github:2", "2026-01-10", agents="[]")
    cover(con, "github", "2026-01-01", "2026-02-01")
    assert {line.name: line.total for line in monthly(con, by="agent").lines} == {
        "all": 2,
        "a": 1,
        "b": 1,
        "none_named": 1,
    }
    assert {line.name: line.total for line in monthly(con, by="vendor").lines} == {"all": 2, "V": 1, "none_named": 1}


def test_by_source_counts_where_and_when_each_platform_reports_it(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "github:1", "2026-01-31")
    add(con, "reddit:2", "2026-02-01")
    join(con, "normal", "github:1", "github:1", "reddit:2")
    for platform in ("github", "reddit"):
        cover(con, platform, "2026-01-01", "2026-03-01")
    series = monthly(con, by="source")
    assert [line.name for line in series.lines] == ["all", "github", "reddit"]
    assert counts(series, 0) == {"2026-01": 1, "2026-02": 0}
    assert counts(series, 1) == {"2026-01": 1, "2026-02": 0}
    assert counts(series, 2) == {"2026-01": 0, "2026-02": 1}


def test_one_measured_month_allows_intervals_but_no_ratio(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "github:1", "2026-01-10")
    cover(con, "github", "2026-01-01", "2026-02-01")
    series = monthly(con)
    assert series.measurable
    assert series.lines[0].ratio is None
    assert series.lines[0].reason == "fewer than two months were read completely"
    assert series.lines[0].months[0].interval == poisson_interval(1)


def test_a_window_without_a_whole_month_says_so(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    series = monthly(con, start=date(2020, 1, 1), end=date(2020, 2, 29))
    assert counts(series) == {"2020-01": None, "2020-02": None}
    assert (series.measurable, series.banner) == (False, None)
    assert series.reason == "no month of the window was read completely"
    assert "2020-01 to 2020-02       none      no count" in series.to_table()


def test_an_empty_warehouse_has_an_empty_series(con: duckdb.DuckDBPyConnection) -> None:
    series = monthly(con, by="behaviour")
    assert (series.start, series.end, series.lines[0].months, series.measurable) == (None, None, (), False)
    assert "no month" in series.to_table()


def test_a_backward_window_is_refused(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ValueError, match=r"2026-01.*lies before.*2026-02"):
        monthly(con, start=date(2026, 2, 1), end=date(2026, 1, 31))


def test_json_carries_the_whole_series(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    found = json.loads(json.dumps(monthly(con, by="behaviour").to_json(), allow_nan=False))
    assert (found["from"], found["to"], found["by"], found["merge"]) == ("2026-01", "2026-03", "behaviour", "normal")
    assert found["left_out"] == {"unknown_date": 0, "coarse_date": 0, "months_without_coverage": 0}
    first, second = found["lines"]
    assert (first["name"], second["name"]) == ("all", "shutdown_tampering")
    assert first["ratio"]["ratio"] == pytest.approx(2)
    assert first["compared"] == ["2026-01", "2026-03"]
    assert first["months"][0] == {
        "month": "2026-01",
        "coverage": "measured",
        "incidents": 3,
        "reports": 3,
        "interval": list(poisson_interval(3)),
    }


def test_merge_settings_give_different_counts(con: duckdb.DuckDBPyConnection) -> None:
    for number in (1, 2, 3):
        add(con, f"github:{number}", f"2026-0{number}-10")
    join(con, "normal", "github:1", "github:1", "github:2")
    join(con, "loose", "github:1", "github:1", "github:2", "github:3")
    cover(con, "github", "2026-01-01", "2026-04-01")
    found = {setting: counts(monthly(con, merge=setting)) for setting in ("tight", "normal", "loose")}
    assert found["tight"] == {"2026-01": 1, "2026-02": 1, "2026-03": 1}
    assert found["normal"] == {"2026-01": 1, "2026-02": 0, "2026-03": 1}
    assert found["loose"] == {"2026-01": 1, "2026-02": 0, "2026-03": 0}


def test_days_and_weeks_keep_their_gaps_and_mark_what_is_partial(con: duckdb.DuckDBPyConnection) -> None:
    for number, day in enumerate(("2026-01-05", "2026-01-06", "2026-01-06", "2026-01-20")):
        add(con, f"github:{number}", day)
    add(con, "github:9", "2026-01-01", "month")
    cover(con, "github", "2026-01-05", "2026-01-07", stream="a")
    cover(con, "github", "2026-01-12", "2026-01-26", stream="b")
    days = counted(con, per="day", end=date(2026, 1, 12))
    assert [(p.start.day, p.coverage, p.n) for p in days.lines[0].periods] == [
        (5, "measured", 1),
        (6, "measured", 2),
        *((day, "none", None) for day in range(7, 12)),
        (12, "measured", 0),
    ]
    assert days.coarse_date == 1
    weeks = counted(con, per="week")
    assert [(p.start.day, p.coverage, p.n) for p in weeks.lines[0].periods] == [
        (5, "partial", 3),
        (12, "measured", 0),
        (19, "measured", 1),
    ]
    assert weeks.lines[0].periods[0].interval is None
    assert "in a partial week not everything was read" in weeks.to_table()
    found = weeks.to_json()
    assert (found["per"], found["lines"][0]["weeks"][0]["week"]) == ("week", "2026-01-05")


def test_weeks_and_months_are_the_days_summed(con: duckdb.DuckDBPyConnection) -> None:
    for number in range(60):
        add(con, f"github:{number}", f"2026-0{1 + number % 3}-{1 + number % 28:02d}")
    cover(con, "github", "2025-12-29", "2026-04-06")
    totals = {per: counted(con, per=per).lines[0].total for per in ("day", "week", "month")}
    assert totals == {"day": 60, "week": 60, "month": 60}


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("action", {"all": 2, "data_deletion": 1, "message": 1, "none_marked": 1}),
        ("evidence", {"all": 2, "2": 1, "4": 1}),
        ("gravity", {"all": 2, "1": 1, "2": 1}),
        ("vendor", {"all": 2, "OpenAI": 2}),
        ("source", {"all": 2, "github": 2, "reddit": 1}),
    ],
)
def test_every_split(con: duckdb.DuckDBPyConnection, by: Any, expected: dict[str, int]) -> None:
    add(con, "github:1", "2026-01-10", actions=["message", "data_deletion"], evidence=2)
    add(con, "reddit:1", "2026-01-12", actions=[], evidence=1)
    add(con, "github:2", "2026-01-14", actions=[], evidence=4, gravity=1)
    join(con, "normal", "github:1", "github:1", "reddit:1")
    for platform in ("github", "reddit"):
        cover(con, platform, "2026-01-01", "2026-02-01")
    assert {line.name: line.total for line in counted(con, by=by).lines} == expected


def test_reports_count_on_their_own_day_whatever_the_merging(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "github:1", "2026-01-10")
    add(con, "reddit:1", "2026-02-12", kind="second_hand")
    add(con, "reddit:2", "2026-02-12", is_strict=False)
    join(con, "normal", "github:1", "github:1", "reddit:1")
    for platform in ("github", "reddit"):
        cover(con, platform, "2026-01-01", "2026-03-01")
    assert counts(counted(con, "incidents")) == {"2026-01": 1, "2026-02": 0}
    reports = counted(con, "reports", by="source")
    assert counts(reports) == {"2026-01": 1, "2026-02": 1}
    assert {line.name: line.total for line in reports.lines} == {"all": 2, "github": 1, "reddit": 1}
    assert "strict reports by month of publication" in reports.to_table()
    assert "reports" in reports.to_json()["lines"][0]


def test_what_only_passes_on_is_not_first_hand(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "github:1", "2026-01-10", kind="second_hand")
    add(con, "github:2", "2026-02-12")
    add(con, "github:3", "2026-02-14", kind="second_hand")
    add(con, "github:4", None)
    join(con, "normal", "github:1", "github:1", "github:2")
    cover(con, "github", "2026-01-01", "2026-03-01")
    assert counts(counted(con, "incidents")) == {"2026-01": 1, "2026-02": 1}
    first_hand = counted(con, "first_hand")
    assert counts(first_hand) == {"2026-01": 0, "2026-02": 1}
    assert first_hand.unknown_date == 1
    with pytest.raises(ValueError, match="by source only"):
        counted(con, "first_hand", by="agent")
