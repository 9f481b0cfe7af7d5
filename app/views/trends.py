"""The series in any cut: what is counted, over what, merged how; with the coverage that stands behind it."""
# ruff: noqa: RUF001 - printed text keeps its typography: en dash, multiplication sign.

from typing import Final, get_args

import streamlit as st

from app import markup
from app.frame import Frame, figure, head
from app.queries import trends
from app.queries.incidents import months
from warehouse.present import wording
from warehouse.present.charts import coverage_strip, line_name
from warehouse.present.trend import trend
from warehouse.schema.models import MERGES, Merge
from warehouse.trends.lines import TOTAL, By, Line, Series

ALL: Final = "all together"
MEASURES: Final = ("count", "rate", "control-adjusted")
DRAWN: Final = 8
RATES: Final = (
    "Only hours that were both read whole and counted; an incident counts on each platform that tells it. The interval "
    "is exact for the incidents, given the volume; the volume’s own error is not in it"
)


def show(frame: Frame) -> str:
    """Show the page."""
    head(
        "Trends",
        "How many distinct incidents were first told in each month, in the cut you choose. The address above always "
        "names what you see: copy it to share this view.",
    )
    asked = st.segmented_control("Cut", [ALL, *get_args(By)], default=ALL, key="by", bind="query-params", required=True)
    by: By | None = None if asked in (None, ALL) else asked
    left, right = st.columns(2)
    with left:
        measure = st.segmented_control(
            "Measure", MEASURES, default="count", key="measure", bind="query-params", required=True
        )
        merge = st.segmented_control(
            "Reports joined into incidents", MERGES, default="normal", key="merge", bind="query-params", required=True
        )
    with right:
        counts = st.segmented_control(
            "Counts", ("raw", "corrected"), default="raw", key="counts", bind="query-params", required=True
        )
        axis = st.segmented_control(
            "Axis", ("linear", "log"), default="linear", key="axis", bind="query-params", required=True
        )
    found = _window(frame, by, merge or "normal")
    if found is None:
        return "Trends"
    st.html(markup.note(trends.joining(frame.snapshot, found.merge)))
    if found.reason is not None:
        title = wording.BANNER if found.banner else "No ratio yet"
        st.html(markup.banner(title, wording.not_computable(found.reason)))
    if counts == "corrected":
        _corrected(frame, found)
    elif measure != "count":
        _rates(frame, found, measure or "count")
    else:
        _lines(found, _chart(frame, found, log=axis == "log"))
    _coverage(frame, found)
    return "Trends"


def _window(frame: Frame, by: By | None, merge: Merge) -> Series | None:
    """Show the choice of months and return the series in it."""
    whole = trends.series(frame.snapshot, by, merge, None, None)
    if whole.start is None or whole.end is None:
        st.html(markup.note("No strict incident with a known month is in this snapshot, and no month was read whole."))
        return None
    offered = months(f"{whole.start:%Y-%m}", f"{whole.end:%Y-%m}")
    left, right = st.columns(2)
    with left:
        start = st.selectbox("From", ["first month", *offered], key="from", bind="query-params")
    with right:
        end = st.selectbox("To", ["last month", *offered], key="to", bind="query-params")
    first, last = (month if month in offered else None for month in (start, end))
    if first and last and last < first:
        st.html(markup.banner("The last month lies before the first", "All months are shown instead."))
        first = last = None
    return trends.series(frame.snapshot, by, merge, first, last)


def _corrected(frame: Frame, found: Series) -> None:
    """Show the figures corrected by the human audit, for the whole snapshot."""
    rows = trends.corrected(frame.snapshot, found.merge)
    if not any(row["Value"] is not None for row in rows):
        text = (
            "Corrected counts: not computable, because no random audit of this snapshot has been answered yet; the "
            "instrument’s errors were measured on other texts (page Methods)."
        )
        st.html(markup.banner("Corrected counts: not yet", text))
    if rows:
        st.html(markup.table(rows, "Corrected figures", wide=True))


def _rates(frame: Frame, found: Series, measure: str) -> None:
    """Show rates over the volume of posts, or ratios over the controls', where hours were both read and counted."""
    name = "Rate" if measure == "rate" else "Control-adjusted count"
    rows = (trends.per_posts if measure == "rate" else trends.over_controls)(frame.snapshot, found.merge)
    value = "Per 10,000 posts" if measure == "rate" else "One over the other"
    if any(row[value] is not None for row in rows):
        st.html(markup.table(rows, name, wide=True))
        st.html(markup.note(wording.caption((RATES,), frame.id)))
        return
    text = "Because the volumes in this snapshot do not cover the same hours and sources as its incidents."
    if found.reason is not None:
        text = f"Because {found.reason}. The counts are under the measure “count”."
    elif not trends.volumes(frame.snapshot):
        text = (
            "Because no source has counted the posts there were in the same hours (table volumes is empty): without a "
            "denominator there is no rate. The counts are under the measure “count”."
        )
    st.html(markup.banner(f"{name}: not computable", text))


def _chart(frame: Frame, found: Series, *, log: bool) -> list[str]:
    """Show the chart and return the names of its lines."""
    names = [line.name for line in found.lines if line.name != TOTAL]
    drawn: list[str] = []
    if names:
        labels = {line_name(name): name for name in names}
        # Which lines are drawn first: those with most incidents; drawn in the order of the alphabet all the same.
        most = sorted(found.lines[1:], key=lambda line: (-line.total, line.name))[:DRAWN]
        default = sorted(line_name(line.name) for line in most)
        chosen = st.multiselect("Lines", sorted(labels), default=default, key=f"{found.by}s", bind="query-params")
        drawn = [labels[label] for label in sorted(chosen)]
    shown = st.segmented_control(
        "Events", ("hidden", "shown"), default="hidden", key="events", bind="query-params", required=True
    )
    marks: trends.Rows = ()
    if shown == "shown" and found.start and found.end:
        marks = trends.events(frame.snapshot, f"{found.start:%Y-%m}", f"{found.end:%Y-%m}")
    dashed = [{"month": row["month"], "event": row["event"]} for row in marks]
    picture = trend(found, drawn, log=log, events=dashed, snapshot=frame.id)
    if picture is None:
        st.html(markup.note("No incident stands in these months."))
        return drawn
    total = found.lines[0]
    parts = (
        f"{wording.BANNER}: {wording.NO_TREND}" if found.banner else "",
        wording.dated_text(total.total, found.coarse_date, found.unknown_date, total.not_covered),
        "The first panel has its own scale, the others share one" if drawn else "",
        f"{len(names) - len(drawn)} more lines are not drawn" if len(names) > len(drawn) else "",
        "Lines overlap: an incident can be in several" if drawn else "",
        _alphabet(found),
        "Log axis: months of zero have no point" if log else "",
        "Orange: exact 95 % intervals" if found.measurable else "No interval: the months were not read whole",
        "Dashed: months of dated events, listed below; that something happened in a month says nothing of why"
        if marks
        else "",
        wording.coverage_text([month.coverage for month in total.months]),
    )
    figure(picture, parts, frame)
    if marks:
        listed = [{"Event": row["event"], "Date": row["date"], "Source": row["source"]} for row in marks]
        st.html(markup.table(listed, "Events that move posting", wide=True))
    return drawn


def _alphabet(found: Series) -> str:
    if found.by not in ("agent", "vendor"):
        return ""
    return "In alphabetical order: counts of what is told in public, with no exposure behind them, rank nobody"


def _lines(found: Series, drawn: list[str]) -> None:
    st.header("Last month against the first", anchor=False)
    rows = [
        {"Line": line_name(line.name), "Incidents": line.total, **_ratio(line)}
        for line in found.lines
        if line.name == TOTAL or line.name in drawn
    ]
    if len({row["Ratio"] for row in rows}) == 1 and found.reason is not None:
        st.html(markup.note(f"{wording.not_computable(found.reason)} What stands in the cut:"))
        rows = [{"Line": row["Line"], "Incidents": row["Incidents"]} for row in rows]
    st.html(markup.table(rows, "Lines of this cut"))
    if found.measurable and len(rows) > 2:
        st.html(
            markup.note(f"{len(rows)} lines compared at once: about one 95 % interval in 20 misses by chance alone.")
        )


def _ratio(line: Line) -> dict[str, str]:
    if line.ratio is None or line.ratio.ratio is None or line.compared is None:
        return {"Ratio": f"not computable\n{line.reason or 'the first month has none'}", "95 % exact interval": "–"}
    first, last = line.compared
    counts = f"n = {line.ratio.before:,} and {line.ratio.after:,}"
    return {
        "Ratio": f"{line.ratio.ratio:.2f}\n{first:%Y-%m} to {last:%Y-%m}, {counts}",
        "95 % exact interval": wording.interval(line.ratio.exact),
    }


def _coverage(frame: Frame, found: Series) -> None:
    if found.start is None or found.end is None:
        return
    st.header("What stands behind these months", anchor=False)
    rows = trends.coverage(frame.snapshot, f"{found.start:%Y-%m}", f"{found.end:%Y-%m}")
    strip = coverage_strip(rows)
    if strip is None:
        st.html(markup.note("No report of these months is held, and none of them was read."))
        return
    figure(strip, ("Months that hold reports, or were read, and what is known of their completeness",), frame)
