"""The chart of any cut of the monthly series: one panel a line, linear or log, intervals where months were read."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt

from warehouse.present.charts import COLOURS, WIDTH, Figure, dressed, inline, line_name, month_axis, month_row
from warehouse.present.wording import sentence
from warehouse.trends.lines import TOTAL, Line, Series

_ONE: Final = "#0072B2"
_ENDS: Final = "#e08a00"
_HEIGHT: Final = {True: 96, False: 46}


def trend(
    series: Series,
    names: Sequence[str] = (),
    *,
    log: bool = False,
    events: Sequence[Mapping[str, Any]] = (),
    snapshot: str,
) -> Figure | None:
    """Draw all incidents on a scale of their own, and below them the lines named, on one scale among themselves.

    Args:
        series: what to draw.
        names: which lines beside the first, in this order.
        log: logarithmic axes, as points: a month of zero then has no point.
        events: `month` ("2026-03") and `event`, drawn as dashed lines.
        snapshot: its id, which travels with the picture.
    """
    by_name = {line.name: line for line in series.lines}
    lines = [series.lines[0], *(by_name[name] for name in names if name in by_name and name != TOTAL)]
    if not lines[0].months or not any(line.total for line in lines):
        return None
    tops = {True: _top(lines[:1]), False: _top(lines[1:])}
    months = [f"{month.month:%Y-%m}" for month in lines[0].months]
    rows = {line.name: [month_row(line, month) for month in line.months] for line in lines}
    panels: list[alt.Chart | alt.LayerChart | alt.FacetChart] = []
    for line in lines:
        first = line is lines[0]
        x = month_axis(months, labels=line is lines[-1])
        panels.append(_panel(line, rows[line.name], tops[first], x, log=log, height=_HEIGHT[first], events=events))
    banner = sentence(series.banner or "")
    told = [f"{line_name(line.name)}: {_peak(line)}" for line in lines]
    marks = "; ".join(f"{row['month']} {row['event']}" for row in events)
    marked = f" Marked: {marks}." if events else ""
    description = (
        f"{banner + '. ' if banner else ''}{'Points on a log axis' if log else 'Bar charts'} of strict incidents by "
        f"month of first report, {months[0]} to {months[-1]}, merged {series.merge}. {'. '.join(told)}.{marked}"
    )
    chart = dressed(panels, banner or "Strict incidents by month", f"Snapshot {snapshot}")
    data = tuple(row for line in lines for row in rows[line.name])
    return Figure(f"trend-{series.by or 'all'}", chart, description, data)


def _top(lines: Sequence[Line]) -> float:
    ends = [month.interval[1] if month.interval else month.incidents or 0 for line in lines for month in line.months]
    return max([1.0, *ends])


def _peak(line: Line) -> str:
    peak = max(line.months, key=lambda month: month.incidents or 0)
    return f"{line.total:,} in all, most in {peak.month:%Y-%m} ({peak.incidents or 0:,})"


def _panel(
    line: Line,
    rows: list[dict[str, Any]],
    top: float,
    x: alt.X,
    *,
    log: bool,
    height: int,
    events: Sequence[Mapping[str, Any]],
) -> alt.LayerChart | alt.FacetChart:
    title = alt.TitleParams(
        f"{line_name(line.name)} · {line.total:,}", anchor="start", fontSize=13, fontWeight="normal", offset=4
    )
    scale = alt.Scale(type="log", domain=[0.8, 1.2 * top]) if log else alt.Scale(domain=[0, top], nice=True)
    axis = alt.Axis(tickCount=2, format="~s", tickMinStep=1, title=None)
    tips = [
        alt.Tooltip("month:N"),
        alt.Tooltip("incidents:Q"),
        alt.Tooltip("low_95:Q", format=".1f"),
        alt.Tooltip("high_95:Q", format=".1f"),
        alt.Tooltip("coverage:N"),
    ]
    colour = COLOURS.get(line.name, _ONE)
    base = alt.Chart(inline(rows), title=title).properties(width=WIDTH, height=height)
    middle = alt.X("month:T", timeUnit="utcyearmonth", bandPosition=0.5)
    y = alt.Y("incidents:Q", scale=scale, axis=axis)
    if log:
        drawn = base.transform_filter("datum.incidents > 0").mark_point(filled=True, size=55, opacity=1, color=colour)
        bars = drawn.encode(x=x, y=y, tooltip=tips)
    else:
        bars = base.mark_bar(color=colour, binSpacing=1).encode(x=x, y=y, tooltip=tips)
    layers: list[alt.Chart] = [bars]
    if any(month.interval for month in line.months):
        ends = base.transform_filter("datum.low_95 != null" + (" && datum.low_95 > 0.8" if log else ""))
        layers.append(ends.mark_rule(color=_ENDS, strokeWidth=2).encode(x=middle, y="low_95:Q", y2="high_95:Q"))
    if events:
        marks = alt.Chart(inline(events)).mark_rule(color="#8c8c8c", strokeDash=[4, 3])
        layers.append(marks.encode(x=middle, tooltip=["month:N", "event:N"]))
    return alt.layer(*layers)
