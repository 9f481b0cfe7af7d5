"""The dashboard's entry: finds the current snapshot and shows a page of it, or says plainly why it cannot.

`OFFSCRIPT_DB` names the working file (default data/offscript.duckdb); only its published snapshot is read.
"""

import logging
import os
from pathlib import Path

import streamlit as st

from app import markup
from app.queries import Overview, load
from app.views import overview, review
from warehouse.connect import WarehouseError, find_snapshot

ICON = Path(__file__).parent / "icon.svg"
DEFAULT_DB = "data/offscript.duckdb"
_LOG = logging.getLogger("offscript")


def main() -> None:
    """Show the page asked for."""
    st.set_page_config(page_title="Offscript", page_icon=str(ICON), layout="centered", menu_items={})
    st.html(markup.STYLE)
    pages = [st.Page(_overview, title="Offscript", default=True)]
    if review.enabled():
        pages.append(st.Page(_review, title="Review", url_path="review"))
    st.navigation(pages, position="hidden").run()


def _db() -> Path:
    return Path(os.environ.get("OFFSCRIPT_DB") or DEFAULT_DB)


def _overview() -> None:
    found = _current(_db())
    if found is not None:
        overview.show(found)


def _review() -> None:
    review.show(_db())


def _current(db: Path) -> Overview | None:
    """Return what the current snapshot holds, or show why there is nothing to show.

    `current` is resolved anew on each run: a new snapshot appears at the next click or reload, and always whole.
    """
    try:
        snapshot = find_snapshot(db)
    except WarehouseError:
        trouble(
            "No snapshot yet",
            f"Nothing is published for {db} yet. The dashboard shows published snapshots only: "
            "run the sample, or your own import, and reload this page.",
            f"offscript run --sample --db {db}",
        )
        return None
    try:
        found = load(snapshot)
    except WarehouseError as error:
        # The reason goes to the operator's log: a reader can do nothing with it.
        _LOG.error("%s", error)
        trouble(
            "This snapshot cannot be read",
            f"Snapshot {snapshot.id} is missing, cut off or damaged. The working file and older snapshots are not "
            "touched by this: compare its checksum, then publish again.",
            f"offscript publish --db {db}",
        )
        return None
    if found.posts == 0:
        trouble(
            "The warehouse is empty",
            f"Snapshot {found.snapshot} holds no posts yet. Run the sample, or import some, and reload this page.",
            f"offscript run --sample --db {db}",
        )
        return None
    return found


def trouble(title: str, text: str, command: str) -> None:
    """Show what is wrong and what to do about it, in place of a page."""
    st.title("Offscript")
    st.header(title, anchor=False)
    st.html(markup.lead(text))
    st.code(command, language="shell")


main()
