"""Charts of the published figures: each with its rows as data, a text alternative, and SVG and PNG made offline.

No Streamlit here: pages, the static site and the brief draw the same charts. Colours are Okabe and Ito's, which
stay apart for colour-blind readers and on light and dark ground; no chart says anything by colour alone.
"""
# ruff: noqa: RUF001 - printed text keeps its typography: en dash, apostrophe, multiplication sign.

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import altair as alt
import vl_convert

from warehouse.present.inert import csv_cell, visible
from warehouse.present.wording import plural, sentence
from warehouse.trends.lines import TOTAL, Line, Month, Series

Rows = tuple[dict[str, Any], ...]
_Panel = alt.Chart | alt.LayerChart | alt.FacetChart

NONE_MARKED: Final = "none_marked"
NAMES: Final = {
    "strategic_misrepresentation": "Strategic misrepresentation",
    "shutdown_tampering": "Shutdown tampering",
    "alignment_faking": "Alignment faking",
    "model_exfiltration": "Model exfiltration",
    NONE_MARKED: "None of the four marked",
}
_ORDER: Final = {TOTAL: "All strict incidents", **NAMES}
COLOURS: Final = {
    TOTAL: "#5f6b7a",
    "strategic_misrepresentation": "#0072B2",
    "shutdown_tampering": "#D55E00",
    "alignment_faking": "#CC79A7",
    "model_exfiltration": "#009E73",
    NONE_MARKED: "#8c8c8c",
}
STATES: Final = {
    "measured": "#0072B2",
    "partial": "#56B4E9",
    "none": "#D55E00",
    "unknown": "#b5b5b5",
    "curated": "#7d7d7d",
}
_BASIS: Final = {"ours": "#0072B2", "cited": "#D55E00", "control": "#8a94a3"}
WIDTH = 680


@dataclass(frozen=True)
class Figure:
    """A chart with its text alternative and its rows; `name` is the stem of its files."""

    name: str
    chart: alt.VConcatChart
    description: str
    rows: Rows

    def csv(self) -> str:
        """Return the rows as CSV, inert in a spreadsheet."""
        return to_csv(self.rows)

    def svg(self) -> str:
        """Return the chart as SVG, rendered without network."""
        return str(vl_convert.vegalite_to_svg(self.chart.to_json(), allowed_base_urls=[]))

    def png(self, scale: float = 2.0) -> bytes:
        """Return the chart as PNG, rendered without network."""
        return bytes(vl_convert.vegalite_to_png(self.chart.to_json(), scale=scale, allowed_base_urls=[]))


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as CSV with a header; hidden characters dropped, formulas neutralised."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if rows:
        writer.writerow(rows[0].keys())
    for row in rows:
        writer.writerow([csv_cell(visible(value) if isinstance(value, str) else value) for value in row.values()])
    return out.getvalue()


def monthly_by_behaviour(series: Series, *, snapshot: str = "") -> Figure | None:
    """Draw strict incidents a month, all of them and by behaviour, one panel each on one scale.

    Panels, not a stack: an incident with two behaviours stands in both, so their sum is more than the incidents.
    A month without coverage has no bar; where months were read whole, the first panel has exact 95 % intervals.
    The series' banner and the snapshot's id are drawn too: they travel with the picture.
    """
    order = list(_ORDER)
    lines = sorted(series.lines, key=lambda line: order.index(line.name) if line.name in order else len(order))
    if not lines or not lines[0].total:
        return None
    shown = [(line, [month_row(line, month) for month in line.months]) for line in lines]
    top = max(month.interval[1] if month.interval else month.incidents or 0 for month in lines[0].months)
    months = [f"{month.month:%Y-%m}" for month in lines[0].months]
    panels = [_panel(line, rows, top, month_axis(months, labels=line is lines[-1])) for line, rows in shown]
    banner = sentence(series.banner or "")
    chart = dressed(panels, banner, f"Snapshot {snapshot}" if snapshot and banner else "")
    told = []
    for line in lines:
        peak = max(line.months, key=lambda month: month.incidents or 0)
        told.append(
            f"{line_name(line.name)}: {line.total:,} in all, most in {peak.month:%Y-%m} ({peak.incidents or 0:,})"
        )
    warning = f"{banner}. " if banner else ""
    description = (
        f"{warning}Bar charts of strict incidents by month of first report, {months[0]} to {months[-1]}. "
        f"{'. '.join(told)}. An incident with two behaviours is counted in both."
    )
    return Figure("monthly-incidents", chart, description, tuple(row for _, rows in shown for row in rows))


def line_name(code: str) -> str:
    """Return a line's name in words."""
    return _ORDER.get(code) or visible(code.replace("_", " "))


def month_row(line: Line, month: Month) -> dict[str, Any]:
    """Return a month of a line as a row of data."""
    low, high = month.interval or (None, None)
    return {
        "month": f"{month.month:%Y-%m}",
        "series": line_name(line.name),
        "incidents": month.incidents,
        "low_95": low,
        "high_95": high,
        "coverage": month.coverage,
    }


def _panel(line: Line, rows: list[dict[str, Any]], top: float, month: alt.X) -> _Panel:
    code = line.name
    title = alt.TitleParams(
        f"{line_name(code)} · {line.total:,}", anchor="start", fontSize=13, fontWeight="normal", offset=4
    )
    base = alt.Chart(inline(rows), title=title).properties(width=WIDTH, height=76 if code == TOTAL else 46)
    bars: alt.Chart = base.mark_bar(color=COLOURS.get(code, COLOURS["all"]), binSpacing=1).encode(
        x=month,
        y=alt.Y(
            "incidents:Q",
            scale=alt.Scale(domain=[0, max(top, 1)], nice=True),
            axis=alt.Axis(tickCount=2, format="d", tickMinStep=1, title=None),
        ),
        tooltip=[
            alt.Tooltip("month:N", title="month"),
            alt.Tooltip("incidents:Q", title="incidents"),
            alt.Tooltip("coverage:N"),
        ],
    )
    if code != TOTAL or not any(month.interval for month in line.months):
        return bars
    ends = base.transform_filter("datum.low_95 != null").mark_rule(color="#e08a00", strokeWidth=2)
    middle = alt.X("month:T", timeUnit="utcyearmonth", bandPosition=0.5)
    return alt.layer(bars, ends.encode(x=middle, y="low_95:Q", y2="high_95:Q"))


def month_axis(months: Sequence[str], *, labels: bool = True) -> alt.X:
    """Return the axis of months from the first to the last, whether or not a month in it has a bar."""
    first, last = (int(month[:4]) * 12 + int(month[5:7]) - 1 for month in (min(months), max(months)))
    axis = alt.Axis(labels=False, ticks=False, grid=False, title=None)
    if labels:
        values = [_moment(month) for month in _ticks(first, last)]
        axis = alt.Axis(format="%b %Y", values=values, labelAlign="left", labelOverlap=True, grid=False, title=None)
    scale = alt.Scale(type="utc", domain=[_moment(first), _moment(last + 1)])
    return alt.X("month:T", timeUnit="utcyearmonth", axis=axis, scale=scale)


def _moment(month: int) -> alt.DateTime:
    """Return the start of a month counted from year 0."""
    return alt.DateTime(year=month // 12, month=month % 12 + 1, utc=True)


def _ticks(first: int, last: int) -> list[int]:
    """Return at most six months to label, none so late that its label would be cut."""
    span = last - first + 1
    step = next(step for step in (1, 2, 3, 6, 12, 24, 36, 60, 120, 1200) if span / step <= 6)
    start = first if step < 12 else -(-first // 12) * 12
    return [month for month in range(start, last + 1, step) if (last + 1 - month) / span >= 0.12] or [first]


def ratios(rows: Sequence[Mapping[str, Any]]) -> Figure | None:
    """Draw ratios as points with their intervals on a log axis, 1 (no change) marked; ours and others' apart.

    Args:
        rows: `what`, `basis` ("ours", "cited", "control"), `ratio`, `low` and `high` (None where not computable), `n`,
            `interval` (in words).
    """
    if not rows:
        return None
    data = [
        {**row, "order": order, "shown": f"{row['ratio']:.2f} ({row['interval']})"} for order, row in enumerate(rows)
    ]
    ends = [value for row in data for value in (row["ratio"], row["low"], row["high"]) if value]
    domain = [min(0.8, 0.9 * min(ends)), 1.1 * max(ends)]
    axis = alt.Axis(
        values=[value for value in (0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50, 100) if domain[0] <= value <= domain[1]],
        format="~g",
        labelExpr="datum.label + '×'",
        title="last month ÷ first month, log scale",
        grid=False,
    )
    x = alt.X("ratio:Q", scale=alt.Scale(type="log", domain=domain, nice=False), axis=axis)
    y = alt.Y("order:O", axis=None, scale=alt.Scale(paddingInner=0.3, paddingOuter=0.25))
    basis = alt.Scale(domain=list(_BASIS), range=list(_BASIS.values()))
    tips = [
        alt.Tooltip("what:N", title="ratio"),
        alt.Tooltip("shown:N", title="value"),
        alt.Tooltip("n:N", title="counts"),
    ]
    base = alt.Chart(inline(data)).encode(y=y)
    drawn = base.encode(color=alt.Color("basis:N", scale=basis, legend=None), tooltip=tips)
    chart = alt.layer(
        alt.Chart(inline([{"ratio": 1}])).mark_rule(strokeDash=[4, 3], color="#8c8c8c", opacity=0.6).encode(x=x),
        drawn.mark_rule(strokeWidth=2.5, yOffset=8).encode(x="low:Q", x2="high:Q"),
        drawn.mark_point(filled=True, size=90, opacity=1, yOffset=8).encode(
            x=x, shape=alt.Shape("basis:N", legend=None)
        ),
        # The name left, the value right, above its mark: this fits a phone, where an axis of names would not.
        base.mark_text(align="left", baseline="middle", fontSize=12, yOffset=-9).encode(x=alt.value(0), text="what:N"),
        base.mark_text(align="right", baseline="middle", fontSize=12, yOffset=-9).encode(
            x=alt.value("width"), text="shown:N"
        ),
    ).properties(width=WIDTH, height=46 * len(data))
    told = "; ".join(f"{row['what']}: {row['shown']}, {row['n']}" for row in data)
    kept = tuple({key: row[key] for key in ("what", "basis", "ratio", "low", "high", "n")} for row in data)
    return Figure(
        "ratios", dressed([chart]), f"Ratios of the last month to the first, with 95 % intervals. {told}.", kept
    )


def coverage_strip(rows: Sequence[Mapping[str, Any]]) -> Figure | None:
    """Draw which months of which platform hold reports, and what is known of their completeness.

    Args:
        rows: `source`, `month`, `reports`, `coverage` (a state of view coverage_months).
    """
    if not rows:
        return None
    data = [dict(row) for row in rows]
    sources = sorted({str(row["source"]) for row in data})
    states = [state for state in STATES if any(row["coverage"] == state for row in data)]
    chart = (
        alt.Chart(inline(data))
        .mark_bar(height=14)
        .encode(
            x=month_axis([str(row["month"]) for row in data]),
            y=alt.Y("source:N", sort=sources, axis=alt.Axis(title=None, labelLimit=110)),
            color=alt.Color(
                "coverage:N",
                scale=alt.Scale(domain=states, range=[STATES[state] for state in states]),
                legend=alt.Legend(orient="top", title=None),
            ),
            tooltip=["source:N", alt.Tooltip("month:N"), "reports:Q", "coverage:N"],
        )
        .properties(width=WIDTH, height=max(28 * len(sources), 40))
    )
    told = []
    for source in sources:
        own = [row for row in data if row["source"] == source]
        spans = sorted(str(row["month"]) for row in own)
        known = " and ".join(sorted({str(row["coverage"]) for row in own}))
        total = sum(int(row["reports"]) for row in own)
        dated = f"{plural(total, 'report')} in {plural(len(set(spans)), 'month')}, {spans[0]} to {spans[-1]}"
        told.append(f"{source}: {dated}, coverage {known}")
    return Figure(
        "coverage", dressed([chart]), "Months with reports, by platform. " + ". ".join(told) + ".", tuple(data)
    )


def inline(rows: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    """Return rows as the data of a chart."""
    return alt.InlineData(values=[dict(row) for row in rows])


def dressed(panels: Sequence[_Panel], title: str = "", subtitle: str = "") -> alt.VConcatChart:
    """Return panels under each other in house style: no frame, quiet axes.

    Also a single panel is stacked: a page then fits its width only, and leaves its height alone.
    """
    chart: alt.VConcatChart = alt.vconcat(*panels, spacing=10)
    if title:
        chart = chart.properties(
            title=alt.TitleParams(title, subtitle=subtitle, anchor="start", fontSize=13, subtitleFontSize=11)
        )
    dressed: alt.VConcatChart = chart.configure_view(stroke=None).configure_axis(
        domainColor="#8c8c8c", tickColor="#8c8c8c", gridOpacity=0.35
    )
    return dressed
