"""The four behaviours by agent or vendor, with laboratory rates beside them that are no rates of ours."""
# ruff: noqa: RUF001 - printed text keeps its typography: en dash.

from typing import Final

import streamlit as st

from app import markup
from app.frame import Frame, figure, head
from app.queries import behaviours
from app.queries.behaviours import Who
from warehouse.present.charts import NAMES
from warehouse.present.inert import visible
from warehouse.present.matrix import matrix
from warehouse.schema import codes

ALL: Final = "all sources"
NOT_RATES: Final = (
    "A laboratory rate is the share of runs in which a model, put into a staged situation, did this. A field count is "
    "how often it was told in public, out of an unknown number of uses."
)


def show(frame: Frame) -> str:
    """Show the page."""
    head("Behaviours", "Which of the four behaviours the incidents tell of, and which agents or vendors they name.")
    rows = [{"Behaviour": NAMES[code], "What it means here": text} for code, text in codes.BEHAVIOUR.items()]
    st.html(markup.table(rows, "The four behaviours"))
    _field(frame)
    _laboratory(frame)
    return "Behaviours"


def _field(frame: Frame) -> None:
    st.header("In the field: told in public", anchor=False)
    who: Who = (
        st.segmented_control("By", ("agent", "vendor"), default="agent", key="who", bind="query-params", required=True)
        or "agent"
    )
    known = behaviours.sources(frame.snapshot)
    if not known:
        st.html(markup.note("No strict incident is in this snapshot."))
        return
    # One vendor's tracker is public, another's is not: across sources the counts would compare trackers.
    platforms = [platform for platform, _ in known]
    offered = [ALL, *platforms] if who == "agent" else platforms
    source = st.selectbox("Told on", offered, key="source", bind="query-params")
    platform = None if source in (None, ALL) else source
    rows = behaviours.matrix(frame.snapshot, who, platform)
    where = dict(known).get(platform or "", "all sources")
    drawn = matrix(rows, who=who, title=f"Strict incidents by {who}, {visible(where)}", snapshot=frame.id)
    if drawn is None:
        st.html(markup.note("No strict incident was told there."))
        return
    parts = (
        f"Strict incidents told on {where}, in alphabetical order; an incident with two behaviours, or two names, "
        "counts in both",
        "Counts of what was collected, no interval: without exposure they rank nobody. How many use an agent, and "
        "where its users complain, is not known",
        "Vendors are shown within one source only: one vendor’s tracker is public, another’s is not"
        if who == "vendor"
        else "",
        "Coverage by source and month: page Sources",
    )
    figure(drawn, parts, frame)


def _laboratory(frame: Frame) -> None:
    st.header("In the laboratory: published rates", anchor=False)
    st.html(markup.banner("Not comparable as rates", NOT_RATES))
    rows = behaviours.laboratory(frame.snapshot)
    if not rows:
        st.html(markup.note("This snapshot cites no laboratory rates."))
        return
    shown = [
        {
            "Model": row["model"],
            "Behaviour": NAMES.get(row["tested_behaviour"], row["tested_behaviour"].replace("_", " ")),
            "Condition": f"{row['condition'].replace('_', ' ')}\ntowards: {row['subject']}",
            "Share of runs": row["rate"],
            "Statistic": row["statistic"],
            "Read in": row["confidence"],
        }
        for row in rows
    ]
    st.html(markup.table(shown, "Published laboratory rates"))
    st.html(
        markup.note(
            f"{len(rows)} rates as published. Interval: not computable, because the numbers of runs are not in what "
            "was read. “Read in” says whether the paper itself or the press was read."
        )
    )
    studies = markup.links("Studies", [row["source_url"] for row in rows])
    if studies:
        st.html(studies)
