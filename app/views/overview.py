"""The overview: the answer, what stands beside it, where it comes from, the best-evidenced cases."""
# ruff: noqa: RUF001 - printed text keeps its typography: en dash, apostrophe, multiplication sign.

from functools import partial
from typing import Final

import streamlit as st

from app import markup
from app.frame import Frame, figure
from app.queries.overview import Overview, load
from warehouse.present import charts, wording
from warehouse.schema import codes

BESIDE: Final = "beside the ratio"
DIVIDED: Final = "divided out"


def show(frame: Frame) -> str:
    """Show the page from what one snapshot holds."""
    found = load(frame.snapshot)
    st.html('<p class="os-kicker">Offscript · the open observatory of AI agents acting outside their instructions</p>')
    st.title("Are AI agents going off script more often?", anchor=False)
    st.html(markup.lead(wording.headline(found.incidents, found.incident_reports, found.span, found.ratio)))
    st.html(markup.figures(_figures(found)))
    if found.total.reason is not None:
        title = wording.BANNER if found.series.banner else "No ratio yet"
        st.html(markup.banner(title, wording.not_computable(found.total.reason)))
    if found.ratio is not None:
        st.html(markup.note(wording.caption((wording.sentence(wording.spread_text(found.ratio[0])),), found.snapshot)))
        st.html(markup.note(wording.MERGING))
    st.html(markup.note(wording.STRICT))
    _reference(found, frame)
    _monthly(found, frame)
    _cases(found, frame)
    _sources(found, frame)
    _instrument(found)
    return "Overview"


def _incident(frame: Frame, number: int) -> str:
    return frame.address("incident", incident=number)


def _figures(found: Overview) -> list[tuple[str, str, str]]:
    """Return the three figures that answer the question: ours, the published one, its controls."""
    told = f"told in {wording.plural(found.incident_reports, 'public report')}"
    cards = [("In this snapshot", wording.plural(found.incidents, "incident"), f"{told}; ratio: not computable")]
    if found.ratio is not None and found.ratio[0].ratio is not None:
        cards = [("Ours: last month ÷ first", f"{found.ratio[0].ratio:.2f}", wording.support(found.ratio[0]))]
    if found.study is not None and found.study.ratio is not None:
        cards.append(("Published study, cited", f"{found.study.ratio:.2f}", wording.support(found.study)))
    controls = [row for row in found.ratios if row["basis"] == "control"]
    if controls:
        shown = " and ".join(f"{row['ratio']:g}" for row in controls)
        cards.append(("Its controls", shown, wording.CONTROLS))
    return cards


def _reference(found: Overview, frame: Frame) -> None:
    st.header("The published figure, and its controls", anchor=False)
    if found.study is None:
        st.html(markup.note("This snapshot holds no published reference figures."))
        return
    st.html(markup.paragraph(wording.study_text(found.study), source=found.study_url))
    shown = st.segmented_control(
        "Controls", (BESIDE, DIVIDED), default=BESIDE, key="controls", bind="query-params", required=True
    )
    if shown == DIVIDED:
        figure(charts.ratios(found.adjusted), wording.ADJUSTED, frame)
    else:
        figure(charts.ratios(found.ratios), wording.RATIOS, frame)


def _monthly(found: Overview, frame: Frame) -> None:
    st.header("Month by month, by behaviour", anchor=False)
    drawn = charts.monthly_by_behaviour(found.series, snapshot=found.snapshot)
    if drawn is None:
        st.html(markup.note("No strict incident with a known month is in this snapshot."))
        return
    series = found.series
    figure(
        drawn,
        (
            f"{wording.BANNER}: {wording.NO_TREND}" if series.banner else "",
            wording.dated_text(found.total.total, series.coarse_date, series.unknown_date, found.total.not_covered),
            f"Out of {wording.plural(found.reports, 'report')} kept and {wording.plural(found.posts, 'post')} read",
            wording.TWO_BEHAVIOURS,
            wording.coverage_text([month.coverage for month in found.total.months]),
        ),
        frame,
    )


def _cases(found: Overview, frame: Frame) -> None:
    st.header("Best-evidenced cases", anchor=False)
    st.html(markup.note(wording.CASES))
    st.html(
        markup.cases(found.cases, partial(_incident, frame))
        if found.cases
        else markup.note("No strict incident is in this snapshot.")
    )


def _sources(found: Overview, frame: Frame) -> None:
    st.header("What was read, and what was not", anchor=False)
    st.html(markup.table(found.sources, "Sources and their coverage"))
    meanings = [f"{state.capitalize()}: {codes.COVERAGE[state]}" for state in found.coverage if state in codes.COVERAGE]
    st.html(markup.note(". ".join((*meanings, ""))))
    figure(
        charts.coverage_strip(found.strip),
        ("Months that hold reports, and what is known of their completeness",),
        frame,
    )
    st.subheader("From posts to incidents", anchor=False)
    st.html(markup.table(found.funnel, "Counts at each step", total=len(found.funnel) > 1))
    st.html(markup.note("An incident reported on two platforms counts once in the last row."))


def _instrument(found: Overview) -> None:
    st.header("How sure is the labelling?", anchor=False)
    st.html(markup.note(f"Instrument {found.instrument or 'none yet'}. {wording.ANNOTATORS}"))
    if found.measures:
        st.html(markup.table(found.measures, "Measured quality of the instrument"))
        st.html(markup.note(wording.ENRICHED))
    else:
        st.html(markup.note("The instrument’s card states no measured quality."))
