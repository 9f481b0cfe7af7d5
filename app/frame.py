"""What every page stands in: one snapshot a view, its name and address at the foot, and plain words when there is none.

`current` is resolved anew on each run: a new snapshot appears at the next click or reload, and always whole. An
address with `snapshot=ID` stays with that snapshot as long as it is kept, also over the next pages.
"""

import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import streamlit as st

from app import markup
from app.keep import kept, reading
from warehouse.connect import Snapshot, WarehouseError, find_snapshot
from warehouse.present import wording
from warehouse.present.charts import Figure
from warehouse.rows import fetch, scalar

DEFAULT_DB: Final = "data/offscript.duckdb"
PIN: Final = "snapshot"
_ID: Final = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
_PINNED: Final = "pinned-snapshot"
_LOG = logging.getLogger("offscript")


def working_file() -> Path:
    """Return the working file beside which snapshots are published; the pages never open it."""
    return Path(os.environ.get("OFFSCRIPT_DB") or DEFAULT_DB)


@dataclass(frozen=True)
class Frame:
    """The snapshot a view is made from; `pinned` where the address asks for it by name."""

    db: Path
    snapshot: Snapshot
    published: str
    fingerprint: str
    version: str
    posts: int
    pinned: bool

    @property
    def id(self) -> str:
        """The snapshot's id."""
        return self.snapshot.id

    def address(self, page: str, **parameters: object) -> str:
        """Return the relative address of a page, with the snapshot where it is pinned."""
        asked = {name: str(value) for name, value in parameters.items() if value not in (None, "")}
        if self.pinned:
            asked[PIN] = self.id
        return f"{page}?{urlencode(asked)}" if asked else page or "."


def framed(show: Callable[[Frame], str]) -> Callable[[], None]:
    """Return a page that shows itself in its frame, or says why there is nothing to show.

    Args:
        show: shows the page and returns what it is called in a citation.
    """

    def page() -> None:
        db = working_file()
        frame = _current(db)
        if frame is None:
            return
        if frame.pinned:
            _pinned(frame)
        try:
            name = show(frame)
        except WarehouseError as error:
            _unreadable(db, frame.id, error)
            return
        _foot(frame, name)

    return page


def _current(db: Path) -> Frame | None:
    """Return the frame of the snapshot asked for, or show why there is none."""
    pin = st.query_params.get(PIN) or st.session_state.get(_PINNED)
    if pin is not None and not _ID.fullmatch(pin):
        pin = None
    try:
        snapshot = find_snapshot(db, pin)
    except WarehouseError:
        if pin is not None:
            _gone(pin)
        else:
            trouble(
                "No snapshot yet",
                f"Nothing is published for {db} yet. The dashboard shows published snapshots only: "
                "run the sample, or your own import, and reload this page.",
                f"offscript run --sample --db {db}",
            )
        return None
    if pin is not None:
        st.session_state[_PINNED] = st.query_params[PIN] = pin
    try:
        frame = _frame(db, snapshot, pin is not None)
    except WarehouseError as error:
        _unreadable(db, snapshot.id, error)
        return None
    if frame.posts == 0:
        trouble(
            "The warehouse is empty",
            f"Snapshot {frame.id} holds no posts yet. Run the sample, or import some, and reload this page.",
            f"offscript run --sample --db {db}",
        )
        return None
    return frame


@kept(8)
def _frame(db: Path, snapshot: Snapshot, pinned: bool) -> Frame:
    with reading(snapshot) as con:
        info = fetch(con, "SELECT snapshot, published_at, fingerprint, version FROM snapshot_info")
        if len(info) != 1:
            msg = f"{snapshot.path} does not say which snapshot it is"
            raise WarehouseError(msg)
        return Frame(
            db=db,
            snapshot=Snapshot(info[0]["snapshot"], snapshot.path),
            published=f"{info[0]['published_at']:%Y-%m-%d %H:%M} UTC",
            fingerprint=info[0]["fingerprint"],
            version=info[0]["version"],
            posts=int(scalar(con, "SELECT coalesce(sum(n), 0) FROM funnel WHERE step = 'posts'")),
            pinned=pinned,
        )


def _unreadable(db: Path, snapshot: str, error: WarehouseError) -> None:
    # The reason goes to the operator's log: a reader can do nothing with it.
    _LOG.error("%s", error)
    trouble(
        "This snapshot cannot be read",
        f"Snapshot {snapshot} is missing, cut off or damaged. The working file and older snapshots are not "
        "touched by this: compare its checksum, then publish again.",
        f"offscript publish --db {db}",
    )


def _gone(pin: str) -> None:
    st.title("Offscript", anchor=False)
    st.header("This snapshot is no longer kept here", anchor=False)
    st.html(markup.lead(f"The address asks for snapshot {pin}, which is not, or no longer, on this server."))
    st.button("Show the newest snapshot", on_click=_unpin)


def _pinned(frame: Frame) -> None:
    newest = find_snapshot(frame.db)
    if newest.id == frame.id:
        return
    text = f"This address is fixed to snapshot {frame.id}, published {frame.published}. A newer one exists."
    st.html(markup.banner("An earlier snapshot", text))
    st.button("Show the newest snapshot", on_click=_unpin)


def _unpin() -> None:
    st.session_state.pop(_PINNED, None)
    st.query_params.pop(PIN, None)


def trouble(title: str, text: str, command: str) -> None:
    """Show what is wrong and what to do about it, in place of a page."""
    st.title("Offscript", anchor=False)
    st.header(title, anchor=False)
    st.html(markup.lead(text))
    st.code(command, language=None)


def head(title: str, lead: str) -> None:
    """Show a page's title and its first sentence."""
    st.title(title, anchor=False)
    st.html(markup.lead(lead))


def permanent(frame: Frame) -> str:
    """Return the address of this view, fixed to its snapshot."""
    base = (st.context.url or "").split("?")[0]
    asked = [(name, value) for name in st.query_params if name != PIN for value in st.query_params.get_all(name)]
    return f"{base}?{urlencode([*asked, (PIN, frame.id)])}"


def _foot(frame: Frame, name: str) -> None:
    st.header("Cite and check", anchor=False)
    cited = f"{name}. {wording.citation(frame.id, frame.published)} {permanent(frame)}"
    st.code(cited, language=None, wrap_lines=True)
    st.html(
        markup.note(
            f"The address opens this view on this snapshot. Content fingerprint {frame.fingerprint[:16]}…, Offscript "
            f"{frame.version}. The file {frame.id}.sha256 beside the snapshot holds its checksum (sha256sum --check). "
            "Links, labels and figures: CC BY 4.0; excerpts remain their authors’."  # noqa: RUF001
        )
    )


def figure(drawn: Figure | None, parts: tuple[str, ...], frame: Frame) -> None:
    """Show a chart with its text alternative, its caption, its rows and its files."""
    if drawn is None:
        return
    st.altair_chart(drawn.chart, width="stretch", alt=drawn.description)
    st.html(markup.note(wording.caption(parts, frame.id)))
    with st.expander("Data and picture"):
        stem = f"offscript-{drawn.name}-{frame.id}"
        with st.container(horizontal=True):
            for label, data, suffix, kind in (
                ("CSV", drawn.csv, "csv", "text/csv"),
                ("SVG", drawn.svg, "svg", "image/svg+xml"),
                ("PNG", drawn.png, "png", "image/png"),
            ):
                st.download_button(
                    label, data, f"{stem}.{suffix}", kind, key=f"{drawn.name}-{suffix}", on_click="ignore"
                )
        st.html(markup.table(drawn.rows, f"Data of the chart {drawn.name}"))
