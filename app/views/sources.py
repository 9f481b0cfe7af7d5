"""Where the posts come from: what was read and what was not, who fell silent, what each place cannot show."""

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from app import markup
from app.frame import Frame, figure, head
from app.markup_incident import moment
from app.queries import sources, trends
from warehouse.present.charts import coverage_strip
from warehouse.schema import codes

_EVER: Final = ("0001-01", "9999-12")


def show(frame: Frame) -> str:
    """Show the page."""
    head(
        "Sources",
        "What was read, what was not, and what no reading of these places can show. A month in which nothing was read "
        "is a gap, never a zero.",
    )
    rows = sources.platforms(frame.snapshot)
    used = [row for row in rows if row["used"]]
    st.header("What was read", anchor=False)
    st.html(markup.table([_read(row) for row in used], "What was read of each source"))
    states = sorted({state for row in used for state in row["states"]})
    st.html(
        markup.note(". ".join([*(f"{state.capitalize()}: {codes.COVERAGE.get(state, '')}" for state in states), ""]))
    )
    st.header("Month by month", anchor=False)
    strip = coverage_strip(trends.coverage(frame.snapshot, *_EVER))
    if strip is None:
        st.html(markup.note("No month holds a report, and none was read."))
    figure(strip, ("Months that hold reports, or were read, and what is known of their completeness",), frame)
    _silence(frame, used)
    _volumes(frame)
    st.header("What each cannot show", anchor=False)
    st.html(markup.table([_cannot(row) for row in rows if row["cannot_see"]], "What each source cannot show"))
    _runs(frame)
    return "Sources"


def _read(row: Mapping[str, Any]) -> dict[str, Any]:
    span = f"\n{row['from_at']:%Y-%m-%d} to {row['to_at']:%Y-%m-%d}" if row["from_at"] and row["to_at"] else ""
    holes = [f"{row[name]:,} spans {name}" for name in ("missed", "capped") if row[name]]
    return {
        "Source": row["name"],
        "Posts read": row["posts"],
        "Reports kept": row["reports"],
        "Strict": row["strict_reports"],
        "Coverage": ", ".join([*row["states"], *holes]) + span,
    }


def _silence(frame: Frame, rows: list[dict[str, Any]]) -> None:
    st.header("Silence", anchor=False)
    shown = [
        {
            "Source": row["name"],
            "Newest report": f"{row['newest']:%Y-%m-%d}" if row["newest"] else "no date known",
            "Read up to": f"{row['to_at']:%Y-%m-%d}" if row["to_at"] else "not stated",
            "Days before this snapshot": row["silent_days"],
        }
        for row in rows
    ]
    st.html(markup.table(shown, "How long each source has been silent"))
    st.html(
        markup.note(
            f"Counted to the publication of this snapshot, {frame.published}. A source that is usually busy and brings "
            "nothing counts as a failed run and as a gap in coverage."
        )
    )


def _volumes(frame: Frame) -> None:
    st.header("Volumes: the denominators", anchor=False)
    rows = sources.volumes(frame.snapshot)
    if not rows:
        st.html(
            markup.note(
                "No source in this snapshot has counted how many posts there were in the same hours. Without such "
                "counts no rate is computed."
            )
        )
        return
    shown = [
        {
            "Source": row["platform"],
            "Control posts": row["control"].replace("_", " "),
            "Counted": row["posts"],
            "From": row["from_day"],
            "To": row["to_day"],
            "How": row["count_method"],
        }
        for row in rows
    ]
    st.html(markup.table(shown, "Control posts counted"))


def _cannot(row: Mapping[str, Any]) -> dict[str, Any]:
    terms = codes.PUBLISH_TEXT.get(row["publish_text"] or "", "not stated")
    return {"Source": row["name"], "Cannot show": row["cannot_see"], "Of its texts": f"{terms}\n{row['licence'] or ''}"}


def _runs(frame: Frame) -> None:
    rows = sources.runs(frame.snapshot)
    if not rows:
        return
    st.header("Last runs", anchor=False)
    shown = [
        {"Command": row["command"], "Started": moment(row["started_at"]), "Ended": row["run_state"]} for row in rows
    ]
    st.html(markup.table(shown, "Last runs"))
