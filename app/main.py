"""The dashboard's entry: the pages and their addresses.

`OFFSCRIPT_DB` names the working file (default data/offscript.duckdb); only its published snapshots are read.
"""

from pathlib import Path

import streamlit as st

from app import markup
from app.frame import framed, working_file
from app.views import behaviours, data, incident, incidents, methods, overview, review, sources, trends

ICON = Path(__file__).parent / "icon.svg"


def main() -> None:
    """Show the page asked for."""
    st.set_page_config(page_title="Offscript", page_icon=str(ICON), layout="centered", menu_items={})
    st.html(markup.STYLE)
    pages = [
        st.Page(framed(overview.show), title="Overview", default=True),
        # The default page lives at the root alone; who types its name must find it all the same.
        st.Page(framed(overview.show), title="Overview", url_path="overview", visibility="hidden"),
        st.Page(framed(trends.show), title="Trends", url_path="trends"),
        st.Page(framed(behaviours.show), title="Behaviours", url_path="behaviours"),
        st.Page(framed(incidents.show), title="Incidents", url_path="incidents"),
        st.Page(framed(incident.show), title="Incident", url_path="incident", visibility="hidden"),
        st.Page(framed(sources.show), title="Sources", url_path="sources"),
        st.Page(framed(methods.show), title="Methods", url_path="methods"),
        st.Page(framed(data.show), title="Data", url_path="data"),
    ]
    if review.enabled():
        pages.append(st.Page(_review, title="Review", url_path="review"))
    st.navigation(pages, position="top").run()


def _review() -> None:
    review.show(working_file())


main()
