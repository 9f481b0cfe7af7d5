"""Everything fitted to the series, computed once at publish and stored in table `fits`: value, interval, n, method."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

import duckdb

from warehouse.labels import current_card
from warehouse.rows import fetch, merge
from warehouse.schema.models import Merge
from warehouse.schema.tables import TABLES
from warehouse.trends.audit import read_audit
from warehouse.trends.capture import chao_of
from warehouse.trends.change_points import change_points
from warehouse.trends.corrected import Corrected, correct, corrected_ratio, link_error, rejects_bound
from warehouse.trends.estimates import Estimate, not_computable
from warehouse.trends.lines import Line
from warehouse.trends.pooling import Pooled
from warehouse.trends.rates import Control, adjusted
from warehouse.trends.regression import Cell, fit_trend
from warehouse.trends.rogan_gladen import METHOD as ROGAN_GLADEN
from warehouse.trends.rogan_gladen import rogan_gladen
from warehouse.trends.sensitivity import pooled, sensitivity
from warehouse.trends.series import Series, counted, days_of
from warehouse.trends.statistics import Interval, RateRatio

_MONTH: Final = 30.4375
Row = dict[str, Any]


def store_fits(con: duckdb.DuckDBPyConnection) -> int:
    """Compute every fit from a snapshot's roll-ups, store them there, and return how many there are."""
    rows = list(fits(con))
    merge(con, TABLES["fits"], rows)
    return len(rows)


def fits(con: duckdb.DuckDBPyConnection) -> Iterator[Row]:
    """Yield the rows of table `fits`: what cannot be computed is there too, with its reason."""
    totals = {setting: counted(con, merge=setting) for setting in get_args(Merge)}
    for setting, series in totals.items():
        yield from _ratio("ratio", setting, "all", series.lines[0])
    series = totals["normal"]
    dispersion = 1.0
    for row, found in _trends(con, series):
        yield row
        dispersion = found or dispersion
    yield from _changes(con)
    yield from _pooled(con, series, dispersion)
    for without in sensitivity(con):
        yield _of_ratio(f"without_{without.kind}", "normal", without.name, without.ratio, without.ratio.exact)
    yield from _adjusted(con, dispersion)
    yield _row("chao_lower_bound", "normal", "all", chao_of(con))
    yield from _corrected(con, series, dispersion)


def _row(fit: str, setting: str | None, line: str, found: Estimate, note: str | None = None) -> Row:
    return {
        "fit": fit,
        "merge": setting,
        "line_name": line,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "n": found.n,
        "method": found.method,
        "fit_reason": found.reason,
        "note": note,
    }


def _of_ratio(fit: str, setting: str, line: str, ratio: RateRatio, item: Interval) -> Row:
    counts = f"{ratio.before:,} to {ratio.after:,}, exposure {ratio.exposure[0]:g} and {ratio.exposure[1]:g} days"
    found = Estimate(
        ratio.ratio,
        item.low if ratio.ratio is not None else None,
        item.high if ratio.ratio is not None else None,
        ratio.before + ratio.after,
        item.test,
        item.p,
        None if ratio.ratio is not None else "a count is zero",
    )
    return _row(fit, setting, line, found, counts)


def _ratio(fit: str, setting: str, name: str, line: Line) -> Iterator[Row]:
    if line.ratio is None:
        yield _row(fit, setting, name, not_computable(line.reason or "", "exact conditional test"))
        return
    yield _of_ratio(fit, setting, name, line.ratio, line.ratio.exact)
    for item in line.ratio.over_dispersed:
        if item.dispersion > 1:
            yield _of_ratio(f"{fit}_dispersion_{item.dispersion:g}", setting, name, line.ratio, item)


def _trends(con: duckdb.DuckDBPyConnection, series: Series) -> Iterator[tuple[Row, float | None]]:
    """Yield the regressions over all weeks read whole, source by source, with the dispersion each found."""
    weeks = counted(con, per="week", by="source")
    cells = [
        Cell(line.name, period.start.toordinal() / _MONTH, period.n, 7.0)
        for line in weeks.lines[1:]
        for period in line.periods
        if period.coverage == "measured" and period.n is not None and weeks.measurable
    ]
    for family in ("quasi_poisson", "negative_binomial"):
        found = fit_trend(cells, family)
        reason = series.reason if not series.measurable else None
        told = f"{found.cells} weeks of {found.sources} sources"
        if found.dispersion is not None:
            told += f"; dispersion {found.dispersion:.2f}"
        for name, estimate in (("growth_a_month", found.growth), ("months_to_double", found.doubling)):
            kept = estimate if reason is None else not_computable(reason, estimate.method)
            yield _row(f"{name}_{family}", "normal", "all", kept, told), None
        if found.dispersion is not None and reason is None:
            held = Estimate(found.dispersion, None, None, found.growth.n, found.growth.method)
            yield _row(f"dispersion_{family}", "normal", "all", held, told), found.dispersion if alike(family) else None


def alike(family: str) -> bool:
    """Return whether a family's dispersion is the one that widens ratios: variance over mean, everywhere the same."""
    return family == "quasi_poisson"


def _changes(con: duckdb.DuckDBPyConnection) -> Iterator[Row]:
    weeks = counted(con, per="week")
    known = [period for period in weeks.lines[0].periods if period.interval is not None]
    found = change_points([period.n or 0 for period in known], [7.0] * len(known))
    reason = weeks.reason or found.reason
    if reason is not None or not found.changes:
        yield _row("change_point", "normal", "none", not_computable(reason or "no change found", found.method))
        return
    for change in found.changes:
        at = known[change.at].start
        near = f"between {known[change.low].start} and {known[change.high].start}"
        row = _of_ratio("change_point", "normal", str(at), change.ratio, change.ratio.over_dispersed[0])
        yield {
            **row,
            "method": found.method,
            "note": f"{near}; {row['note']}; the interval does not know of the search",
        }


def _pooled(con: duckdb.DuckDBPyConnection, series: Series, dispersion: float) -> Iterator[Row]:
    for name, found in pooled(con, dispersion=dispersion).items():
        fit = "pooled_ratio" if not name else "without_source"
        told = _heterogeneity(found)
        estimates = (("", found.random_effects), ("_common", found.common if not name else None))
        for suffix, estimate in estimates:
            if estimate is not None:
                kept = estimate if series.reason is None else not_computable(series.reason, estimate.method)
                yield _row(f"{fit}{suffix}", "normal", name or "all", kept, told)


def _heterogeneity(found: Pooled) -> str:
    left = f"; left out, a count is zero: {', '.join(found.left_out)}" if found.left_out else ""
    if found.q is None:
        return f"{found.sources} sources{left}"
    return (
        f"{found.sources} sources; Q {found.q:.2f}, p {found.q_p:.3f}; I2 {found.i2:.0%}; tau2 {found.tau2:.3f}{left}"
    )


def _adjusted(con: duckdb.DuckDBPyConnection, dispersion: float) -> Iterator[Row]:
    for item in adjusted(con, get_args(Control), dispersion=dispersion):
        name = item.source or "all"
        over = item.adjusted
        if over is None or item.ratio is None:
            yield _row(
                f"adjusted_by_{item.control}", "normal", name, not_computable(item.reason or "", "ratio of ratios")
            )
            continue
        n = item.ratio.before + item.ratio.after
        yield _row(
            f"adjusted_by_{item.control}", "normal", name, Estimate(over.value, over.low, over.high, n, over.note)
        )


def _corrected(con: duckdb.DuckDBPyConnection, series: Series, dispersion: float) -> Iterator[Row]:
    card = json.loads(current_card(con) or "{}")
    link = link_error(card)
    audit = read_audit(con)
    found = correct(audit.kept, audit.group_sizes, link)
    for name, estimate in (("reports", found.reports), ("events", found.events)):
        yield _row(f"corrected_{name}", "normal", "all", estimate, _errors(found))
    yield _row("rejects_bound", "normal", "all", rejects_bound(audit.rejected))
    compared = series.lines[0].compared
    if compared is None:
        reason = series.lines[0].reason or ""
        yield _row("corrected_ratio", "normal", "all", not_computable(reason, "difference estimator"))
    else:
        sides = [read_audit(con, month=month) for month in compared]
        ends = [correct(side.kept, side.group_sizes, link).events for side in sides]
        days = (days_of(compared[0], "month"), days_of(compared[1], "month"))
        yield _row("corrected_ratio", "normal", "all", corrected_ratio(*ends, exposure=days, dispersion=dispersion))
    yield _rogan_gladen(con, card)


def _errors(found: Corrected) -> str | None:
    if found.reports.value is None:
        return None
    told = f"raw: {found.raw_reports:,} strict reports, {found.raw_events:,} groups"
    for name, share in (("false alarms", found.false_alarms), ("missed", found.missed)):
        told += f"; {name} {share:.1%}" if share is not None else ""
    return told


def _rogan_gladen(con: duckdb.DuckDBPyConnection, card: Mapping[str, Any]) -> Row:
    recall = card.get("quality_of_the_field", {}).get("sections", {}).get("strict_grey_apart", {}).get("recall")
    alarms = card.get("stream", {}).get("false_alarms_in_plain_random_draws")
    counts = fetch(
        con,
        "SELECT coalesce(sum(n) FILTER (WHERE step = 'posts'), 0)::BIGINT AS posts, "
        "coalesce(sum(n) FILTER (WHERE step = 'strict reports'), 0)::BIGINT AS flagged FROM funnel",
    )[0]
    if not recall or not alarms or not counts["posts"]:
        return _row("rogan_gladen", None, "all", not_computable("the card states no error rates", ROGAN_GLADEN))
    positives = int(recall["positives"])
    found = rogan_gladen(
        counts["flagged"],
        counts["posts"],
        (round(recall["value"] * positives), positives),
        (alarms["n"] - alarms["flagged"], alarms["n"]),
    )
    if found.breaks_down:
        return _row("rogan_gladen", None, "all", not_computable(found.note, ROGAN_GLADEN, counts["posts"]))
    return _row(
        "rogan_gladen", None, "all", Estimate(found.value, found.low, found.high, counts["posts"], ROGAN_GLADEN)
    )
