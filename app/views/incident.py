"""One incident at its permanent address (`incident?incident=N`); a merged number leads on to where it went."""

import streamlit as st

from app import markup, markup_incident
from app.frame import Frame, figure
from app.queries import incident
from warehouse.present import wording
from warehouse.present.echo import echo_of_one
from warehouse.present.inert import visible
from warehouse.present.telling import REPORTS, Incident

PARAMETER = "incident"
_LAST = 2**63 - 1


def show(frame: Frame) -> str:
    """Show the page of the number in the address."""
    asked = st.query_params.get(PARAMETER, "")
    number = int(asked) if asked.isascii() and asked.isdigit() and int(asked) <= _LAST else None
    if number is None:
        _none(frame, "Which incident?", "The address names no incident: it ends in ?incident= and a number.")
        return "Incidents"
    found, kept_as = incident.read(frame.snapshot, number)
    if found is None or kept_as is None:
        text = (
            "Numbers are permanent and never given twice: this one is either of a later snapshot, or was never given."
        )
        _none(frame, f"No incident {number} in this snapshot", text)
        return "Incidents"
    if kept_as != number:
        st.query_params[PARAMETER] = str(kept_as)
        text = f"Incident {number} was found to be the same event and is told here now. Both numbers stay valid."
        st.html(markup.banner(f"Number {number} leads here", text))
    _shown(frame, found)
    return f"Incident {found.number}, {visible(found.record['incident_title'] or '')}"


def _none(frame: Frame, title: str, text: str) -> None:
    st.title(title, anchor=False)
    st.html(markup.lead(text))
    st.html(markup.onward(frame.address("incidents"), "All incidents"))


def _shown(frame: Frame, found: Incident) -> None:
    row = found.record
    title = row["incident_title"] or "an AI system outside its instructions"
    st.html(markup.title(f"Incident № {found.number}", title))
    reports = wording.plural(found.reports_in_all, "public report")
    st.html(
        markup.lead(f"{_span(found)} in {reports}. Told in public, not a finding; status: {row['incident_status']}.")
    )
    if not row["is_strict"]:
        text = "No report of it is strict under the instrument in use: it stands in no count or series."
        st.html(markup.banner("Not counted", text))
    if row.get("summary"):
        st.html(markup.paragraph(row["summary"]))
    st.html(markup_incident.record(found))
    links = markup.links("Answer of the vendor", [row.get("vendor_answer")])
    links += markup.links("An archived copy", [row.get("archived_url")])
    if links:
        st.html(links)
    st.header("The reports", anchor=False)
    if len({item.date for item in found.reports}) > 1:
        drawn = echo_of_one(
            [
                {"date": item.date, "platform": item.platform}
                for item in found.reports
                if item.date and len(item.date) > 7
            ],
            number=found.number,
        )
        parts = (
            f"n = {reports}; those dated to the day are drawn",
            "A count of what was collected: no interval. Coverage by source: page Sources",
        )
        figure(drawn, parts, frame)
    st.html(markup_incident.timeline(found))
    if found.reports_in_all > REPORTS:
        st.html(markup.note(f"The {REPORTS} earliest of {found.reports_in_all:,} reports; all are in the data."))
    _history(found)
    st.html(markup.onward(frame.address("incidents"), "All incidents"))


def _span(found: Incident) -> str:
    dates = [item.date for item in found.reports if item.date]
    if not dates:
        return "Told, without a known date,"
    return f"First told {dates[0]}, last {dates[-1]}," if dates[0] != dates[-1] else f"Told on {dates[0]}"


def _history(found: Incident) -> None:
    rows = [
        {"When": markup_incident.moment(item["merged_at"]), "What": f"{item['from_incident']} merged: {item['reason']}"}
        for item in found.merged
    ]
    rows += [
        {
            "When": markup_incident.moment(item["reviewed_at"]),
            "What": f"{item['reviewer']} decided {item['decision']} = {item['decided_value']}\n{item['review_of']}",
        }
        for item in found.decisions
    ]
    if rows:
        st.header("Merges and decisions", anchor=False)
        st.html(markup.table(sorted(rows, key=lambda row: row["When"]), "Merges and decisions"))
