import math
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
import statsmodels.api as sm

from tests.simulation import laws
from tests.warehouse.builders import NOW
from tests.warehouse.trend_builders import add, con, cover, decide, join
from warehouse.publish import publish
from warehouse.rows import fetch, merge
from warehouse.schema.tables import TABLES
from warehouse.trends.capture import chao
from warehouse.trends.change_points import change_points
from warehouse.trends.corrected import NO_AUDIT, Cell, LinkError, correct, corrected_ratio, rejects_bound
from warehouse.trends.pooling import Stratum, leave_one_out, pool
from warehouse.trends.regression import Cell as Count
from warehouse.trends.regression import fit_trend
from warehouse.trends.rogan_gladen import rogan_gladen

__all__ = ["con"]
EXACT_LINK = LinkError(1, 1, 1, 0, "")


def series_of(rise: float, seed: int = 0, dispersion: float = 3) -> list[Count]:
    rng = np.random.default_rng(seed)
    return [
        Count(source, week / 4.345, laws.dispersed(rng, size * rise ** (week / 4.345), dispersion), 7)
        for source, size in (("a", 10.0), ("b", 30.0))
        for week in range(30)
    ]


def test_the_quasi_poisson_trend_is_that_of_statsmodels() -> None:
    cells = series_of(1.2)
    months = np.array([cell.months for cell in cells])
    design = np.column_stack([[c.source == "a" for c in cells], [c.source == "b" for c in cells], months]).astype(float)
    fit = sm.GLM([c.count for c in cells], design, family=sm.families.Poisson()).fit(scale="X2", use_t=True)
    found = fit_trend(cells)
    assert found.growth.value == pytest.approx(math.exp(fit.params[2]))
    assert found.dispersion == pytest.approx(fit.scale)
    low, high = np.exp(fit.conf_int()[2])
    assert (found.growth.low, found.growth.high) == pytest.approx((low, high), rel=1e-6)


def test_a_negative_binomial_trend_finds_growth_and_dispersion() -> None:
    found = fit_trend(series_of(1.25, dispersion=4), "negative_binomial")
    assert (found.growth.low or 0) < 1.25 < (found.growth.high or 0)
    assert found.dispersion == pytest.approx(4, rel=0.6)


def test_doubling_time_inverts_the_slope_and_has_no_bound_where_growth_may_be_none() -> None:
    sure = fit_trend(series_of(1.4))
    assert sure.doubling.value == pytest.approx(math.log(2) / math.log(sure.growth.value or 1))
    assert sure.doubling.high == pytest.approx(math.log(2) / math.log(sure.growth.low or 1))
    flat = fit_trend(series_of(1.02, seed=5))
    assert flat.doubling.high is None
    falling = fit_trend(series_of(0.8))
    assert (falling.doubling.value, falling.doubling.reason) == (None, "the counts do not rise")


def test_too_few_periods_are_not_fitted() -> None:
    found = fit_trend(series_of(1.2)[:5])
    assert found.growth.value is None
    assert "fewer than" in (found.growth.reason or "")


def test_a_change_is_dated_and_none_is_found_where_there_is_none() -> None:
    rng = np.random.default_rng(3)
    (change,) = change_points([*rng.poisson(10, 15), *rng.poisson(30, 15)]).changes
    assert abs(change.at - 15) <= 1
    assert change.low <= change.at <= change.high
    assert change.ratio.ratio == pytest.approx(3, rel=0.3)
    assert change_points(rng.poisson(10, 30).tolist()).changes == ()
    # A longer period is not a higher rate.
    assert change_points([10] * 10 + [40] * 10, [1.0] * 10 + [4.0] * 10).changes == ()
    assert change_points([1, 2]).reason is not None


def test_pooling_agrees_with_the_formulas_and_leaves_one_out() -> None:
    strata = [Stratum("a", 20, 60, (1, 1)), Stratum("b", 30, 60, (1, 1)), Stratum("c", 10, 90, (1, 1))]
    found = pool(strata)
    weights = np.array([1 / (1 / s.before + 1 / s.after) for s in strata])
    effects = np.log([3, 2, 9])
    q = float((weights * (effects - (weights * effects).sum() / weights.sum()) ** 2).sum())
    assert found.q == pytest.approx(q)
    assert found.i2 == pytest.approx((q - 2) / q)
    assert found.common.value == pytest.approx(210 / 60)
    assert found.tau2 is not None
    assert found.tau2 > 0
    assert (found.random_effects.high or 0) / (found.random_effects.low or 1) > (found.common.high or 0) / (
        found.common.low or 1
    )
    assert leave_one_out(strata)["c"].common.value == pytest.approx(120 / 50)
    assert pool([strata[0], Stratum("z", 0, 5, (1, 1))]).left_out == ("z",)


def test_chaos_bound_needs_overlap() -> None:
    assert "not estimable" in (chao([1] * 100 + [2] * 19, 2).reason or "")
    found = chao([1] * 100 + [2] * 30, 2)
    assert found.value == pytest.approx(130 + 0.5 * 100 * 99 / (2 * 31))
    assert 130 < (found.low or 0) < (found.value or 0) < (found.high or 0)


def answers(strict: int, other: int, size: int = 1) -> tuple[tuple[bool, int], ...]:
    return ((True, size),) * strict + ((False, size),) * other


def test_a_corrected_count_follows_the_audit() -> None:
    cells = [Cell("high", True, 200, 200, answers(40, 10)), Cell("low", False, 1000, 0, answers(2, 98))]
    found = correct(cells, [1] * 200, EXACT_LINK)
    assert found.reports.value == pytest.approx(200 * 0.8 + 1000 * 0.02)
    assert (found.raw_reports, found.raw_events) == (200, 200)
    assert found.false_alarms == pytest.approx(0.2)
    assert found.missed == pytest.approx(20 / 180)
    assert found.events.value == pytest.approx(180, rel=0.01)
    assert (found.events.low or 0) < 180 < (found.events.high or 0)
    assert correct(cells, [1] * 200).events.reason == "the error of joining reports into events is not stated"
    carried = correct(cells, [1] * 200, LinkError(1, 0.9, 1.1, 50, "")).events
    assert (carried.high or 0) - (carried.low or 0) > (found.events.high or 0) - (found.events.low or 0)


def test_without_an_audit_nothing_is_corrected() -> None:
    found = correct([Cell("a", True, 10, 10, ())], [1] * 10)
    assert (found.reports.value, found.reports.reason) == (None, NO_AUDIT)
    half = correct([Cell("a", True, 10, 10, answers(5, 1)), Cell("b", False, 90, 0, ())], [1] * 10, EXACT_LINK)
    assert "'b'" in (half.events.reason or "")
    assert corrected_ratio(half.events, half.events).value is None


def test_an_event_borne_out_twice_is_one_event() -> None:
    cells = [Cell("all", True, 100, 50, answers(100, 0, size=2))]
    assert correct(cells, [2] * 50, EXACT_LINK).events.value == pytest.approx(50)


def test_the_rejects_bound_rests_on_the_size_of_the_audit() -> None:
    none = rejects_bound([Cell("rejects", False, 1_000_000, 0, answers(0, 1000))])
    assert none.value == 0
    assert none.high == pytest.approx(1_000_000 * (1 - 0.025 ** (1 / 1000)), rel=1e-6)


def test_rogan_gladen_breaks_down_where_events_are_rare() -> None:
    rare = rogan_gladen(531, 52_456, (61, 77), (230, 230))
    assert rare.breaks_down
    assert rare.low == 0
    assert rare.false_alarms[1] > 531
    common = rogan_gladen(2000, 5000, (800, 1000), (900, 1000))
    assert not common.breaks_down
    assert common.value == pytest.approx(5000 * (0.4 + 0.9 - 1) / 0.7)
    assert common.low < common.value < common.high


def table(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> Mapping[tuple[str, str], dict[str, Any]]:
    published = publish(con, tmp_path / "x.duckdb", version="test")
    with duckdb.connect(str(published.snapshot.path), read_only=True) as snapshot:
        rows = fetch(snapshot, "SELECT * FROM fits WHERE merge = 'normal' OR merge IS NULL")
    return {(row["fit"], row["line_name"]): row for row in rows}


def grown(con: duckdb.DuckDBPyConnection) -> None:
    """Fourteen weeks of two platforms, thrice as many after the half; the last month also names a new product."""
    number = 0
    for week in range(14):
        for platform, many in (("github", 2), ("reddit", 3)):
            for _ in range(many * (3 if week >= 7 else 1)):
                when = date(2025, 12, 29) + timedelta(days=7 * week + number % 7)
                more = {"agents": '[{"name": "newcomer", "vendor": "New"}]'} if number % 5 == 0 and week >= 9 else {}
                add(con, f"{platform}:{number}", str(when), **more)
                number += 1
    for platform in ("github", "reddit"):
        cover(con, platform, "2025-12-29", "2026-04-06")
    rows = [("2026-03-02", "product_launch", "newcomer"), ("2026-03-10", "viral_post", None)]
    for day, kind, agent in rows:
        con.execute("INSERT INTO events VALUES (?, ?, ?, ?, 'u', 'primary', NULL)", [day, kind, kind, agent])


def test_fits_tell_what_the_ratio_rests_on(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    grown(con)
    found = table(con, tmp_path)
    ratio = found["ratio", "all"]
    assert 2 < ratio["value"] < 4
    assert ratio["low"] < ratio["value"] < ratio["high"]
    assert found["growth_a_month_quasi_poisson", "all"]["low"] > 1
    assert found["pooled_ratio", "all"]["value"] == pytest.approx(ratio["value"], rel=0.1)
    assert ("without_source", "github") in found
    assert found["without_agent", "newcomer"]["value"] < ratio["value"]
    assert found["without_new_products", "newcomer"]["value"] == found["without_agent", "newcomer"]["value"]
    assert "24 days" in found["without_news_spikes", "7 days from each"]["note"]
    assert found["without_echo_free", "told first hand"]["value"] == pytest.approx(ratio["value"])
    (change,) = [line for fit, line in found if fit == "change_point"]
    assert abs(date.fromisoformat(change) - date(2026, 2, 16)) <= timedelta(days=7)
    assert all(row["value"] is not None or row["fit_reason"] for row in found.values())
    assert all(row["method"] for row in found.values())


def test_a_collection_has_no_fit(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    grown(con)
    cover(con, "reddit", None, None, "unknown", stream="import")
    found = table(con, tmp_path)
    assert {row["value"] for (fit, _), row in found.items() if fit != "chao_lower_bound"} == {None}
    assert "nobody knows" in found["ratio", "all"]["fit_reason"]


def test_the_audit_corrects_the_counts_of_a_snapshot(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for number in range(20):
        add(con, f"github:{number}", "2026-01-10", is_strict=number < 10)
    join(con, "normal", "github:0", "github:0", "github:1")
    cover(con, "github", "2026-01-01", "2026-02-01")
    con.execute("""UPDATE instruments SET card = '{"linking": {"quality": {"cross_validated": {"texts": 157,
        "b_cubed_f1": 0.95, "f1_interval": [0.93, 0.97], "precision": 0.97, "recall": 0.94}}}}'""")
    draws = [
        {
            "draw": "d",
            "report_id": f"github:{number}",
            "text_hash": "h",
            "stratum": "kept",
            "inclusion_p": 0.5,
            "drawn_at": NOW,
        }
        for number in range(0, 20, 2)
    ]
    merge(con, TABLES["audit_draws"], draws)
    for number in range(0, 20, 2):
        value = "true" if number < 8 else "false"
        decide(con, number, f"github:{number}", "is_strict", value, draw_reason="audit", expected_text_hash="h")
    published = publish(con, tmp_path / "x.duckdb", version="test")
    with duckdb.connect(str(published.snapshot.path), read_only=True) as snapshot:
        rows = {row["fit"]: row for row in fetch(snapshot, "SELECT * FROM fits WHERE fit LIKE 'corrected%'")}
    # Ten flagged, four of the five audited are strict; ten others, none of five is.
    assert rows["corrected_reports"]["value"] == pytest.approx(8)
    assert rows["corrected_reports"]["n"] == 10
    assert rows["corrected_events"]["low"] < rows["corrected_events"]["value"] < rows["corrected_events"]["high"]
    assert "raw: 10 strict reports, 9 groups" in rows["corrected_events"]["note"]


def test_the_promised_coverage_is_kept_in_a_few_runs() -> None:
    assert [promise for promise in laws.promises(40) if promise.verdict == "broken"] == []
