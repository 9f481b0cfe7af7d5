"""The incidents: search, filters, order; how far their telling reached over time."""

import streamlit as st

from app import markup
from app.frame import Frame, figure, head
from app.queries import incidents
from app.queries.incidents import ORDERS, PAGE, Wanted
from warehouse.present import wording
from warehouse.present.charts import NAMES
from warehouse.present.echo import echo_by_month
from warehouse.present.inert import visible
from warehouse.schema import codes

ANY = "any"


def show(frame: Frame) -> str:
    """Show the page."""
    head(
        "Incidents",
        "Each is one event that public reports tell, with a permanent number and a page of its own. "
        "What stands here was said in public; it is not a finding.",
    )
    wanted, order = _asked(frame)
    counted = incidents.page(frame.snapshot, wanted, order, 1)
    pages = max(1, -(-counted.total // PAGE))
    st.html(markup.status(_told(counted.total, counted.reports)))
    number = 1
    if pages > 1:
        number = st.pagination(pages, key="page", bind="query-params", max_visible_pages=5)
    found = incidents.page(frame.snapshot, wanted, order, number)
    if not found.cases:
        st.html(markup.note("No incident is like this: take a filter away, or search for fewer words."))
        return "Incidents"
    st.html(markup.cases(found.cases, lambda incident: frame.address("incident", incident=incident)))
    _echo(frame, wanted)
    return "Incidents"


def _told(total: int, reports: int) -> str:
    return f"{wording.plural(total, 'incident')}, told in {wording.plural(reports, 'report')}"


def _asked(frame: Frame) -> tuple[Wanted, str]:
    """Show the filters and return what they ask for; each stands in the address."""
    offered = incidents.choices(frame.snapshot)
    names = {name.lower(): code for code, name in NAMES.items() if code in codes.BEHAVIOUR}
    words = st.text_input(
        "Search titles and excerpts",
        key="q",
        type="search",
        bind="query-params",
        placeholder="for example: deleted database, or a number",
        max_chars=100,
    )
    left, right = st.columns(2)
    with left:
        behaviour = _choice("Behaviour", tuple(names), "behaviour")
        agent = _choice("Agent", offered.agents, "agent")
    with right:
        order = st.selectbox("Order", list(ORDERS), key="order", bind="query-params") or "newest"
        source = _choice("Source", offered.sources, "source")
    with st.expander("More filters"):
        left, right = st.columns(2)
        with left:
            action = _choice("Act", tuple(act.replace("_", " ") for act in offered.actions), "act")
            evidence = _least("Evidence, at least", "evidence")
            start = _choice("First reported from", offered.months, "from")
        with right:
            vendor = _choice("Vendor", offered.vendors, "vendor")
            gravity = _least("Gravity, at least", "gravity")
            end = _choice("First reported until", offered.months, "to")
        status = _choice("Status", offered.statuses, "status")
        every = st.toggle("Also incidents without a strict report", key="all", bind="query-params")
    wanted = Wanted(
        words=words or "",
        behaviour=names.get(behaviour or ""),
        action=action.replace(" ", "_") if action else None,
        agent=agent,
        vendor=vendor,
        source=source,
        status=status,
        evidence=evidence,
        gravity=gravity,
        start=start,
        end=end,
        strict=not every,
    )
    return wanted, order


def _choice(label: str, options: tuple[str, ...], key: str) -> str | None:
    chosen = st.selectbox(
        label, [ANY, *options], key=key, bind="query-params", format_func=visible, on_change=_first_page
    )
    return None if chosen in (None, ANY) else chosen


def _least(label: str, key: str) -> int:
    return int(st.selectbox(label, ["0", "1", "2", "3", "4"], key=key, bind="query-params", on_change=_first_page) or 0)


def _first_page() -> None:
    st.session_state.pop("page", None)


def _echo(frame: Frame, wanted: Wanted) -> None:
    st.header("Echo over time", anchor=False)
    rows = incidents.echo(frame.snapshot, wanted)
    drawn = echo_by_month(rows, snapshot=frame.id)
    if drawn is None:
        st.html(markup.note("No report of these incidents has a known month."))
        return
    first, later = (sum(row[name] for row in rows) for name in ("first_month", "later"))
    parts = (
        f"n = {wording.plural(first + later, 'report')} with a known month of the incidents above: {first:,} in the "
        f"month the incident was first reported, {later:,} later",
        "Counts of what was collected: no interval",
        "Coverage by month and source: page Sources",
    )
    figure(drawn, parts, frame)
