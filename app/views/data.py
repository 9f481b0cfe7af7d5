"""The data to take away: tables and snapshot as files, their dictionary, a read-only SQL box, how to read them."""
# ruff: noqa: RUF001 - printed text keeps its typography: apostrophe.

import threading
from functools import partial
from typing import Final

import streamlit as st

from app import markup
from app.frame import Frame, head
from app.queries import data
from warehouse.connect import WarehouseError
from warehouse.ddl import describe
from warehouse.present import wording
from warehouse.present.charts import to_csv
from warehouse.present.snippets import FIGURE, snippets
from warehouse.query import Answer, query
from warehouse.schema.tables import TABLES

SHOWN: Final = 200
SECONDS: Final = 10.0
LARGEST: Final = 200 * 2**20
_SUFFIXES: Final = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet", "jsonl": "application/jsonl"}
# At most two at once: the pages of other readers go first.
_ROOM = threading.BoundedSemaphore(2)


def show(frame: Frame) -> str:
    """Show the page."""
    head(
        "Data",
        "Everything the pages show, to take away: one read-only DuckDB file, and its tables as CSV, Parquet and JSON "
        "Lines. Ids, links, labels and figures; no texts.",
    )
    _tables(frame)
    _box(frame)
    _snippets(frame)
    return "Data"


def _tables(frame: Frame) -> None:
    st.header("Files", anchor=False)
    sizes = data.sizes(frame.snapshot)
    name = st.selectbox("Table", list(sizes), index=list(sizes).index("incidents"), key="table", bind="query-params")
    table = TABLES[name or "incidents"]
    rows = sizes[table.name]
    st.html(markup.note(f"{wording.sentence(table.description)}. {wording.plural(rows, 'row')}."))
    if rows > data.ROWS:
        st.html(markup.note("Too large to be made here: offscript export DIR writes it, or take the snapshot."))
    with st.container(horizontal=True):
        if rows <= data.ROWS:
            for suffix, kind in _SUFFIXES.items():
                st.download_button(
                    suffix.upper() if suffix != "parquet" else "Parquet",
                    partial(data.file, frame.snapshot, table.name, suffix),
                    f"offscript-{table.name}-{frame.id}.{suffix}",
                    kind,
                    key=f"{table.name}-{suffix}",
                    on_click="ignore",
                )
        if frame.snapshot.path.stat().st_size <= LARGEST:
            st.download_button(
                "The whole snapshot, DuckDB",
                frame.snapshot.path.read_bytes,
                f"{frame.id}.duckdb",
                "application/octet-stream",
                on_click="ignore",
            )
    with st.expander(f"What the columns of {table.name} mean"):
        columns = [
            {"Column": f"{field.name}\n{field.type}", "Meaning": describe(field)}
            for field in table.fields
            if field.sensitivity == "public"
        ]
        st.html(markup.table(columns, f"Columns of {table.name}"))


def _box(frame: Frame) -> None:
    st.header("Ask in SQL", anchor=False)
    st.html(
        markup.note(
            f"One SELECT, in DuckDB’s SQL, on this snapshot: at most {SECONDS:g} seconds and 10,000 rows. It can read "
            "nothing but the snapshot and change nothing. The address keeps your question."
        )
    )
    sql = st.text_area("SQL", value=FIGURE, key="sql", bind="query-params", height=120, max_chars=4000)
    if not st.button("Run"):
        return
    with st.spinner("Running"), _ROOM:
        try:
            answer = query(frame.db, sql or "", snapshot_id=frame.id, seconds=SECONDS)
        except WarehouseError as error:
            st.html(markup.banner("No answer", ""))
            st.code(str(error), language=None, wrap_lines=True)
            return
    _answer(frame, answer)


def _answer(frame: Frame, answer: Answer) -> None:
    cut = ", cut there" if answer.cut else ""
    shown = f"; the first {SHOWN} are shown" if len(answer.rows) > SHOWN else ""
    st.html(markup.status(f"{wording.plural(len(answer.rows), 'row')}{cut}{shown}. Snapshot {answer.snapshot}."))
    # Two columns may have one name: each keeps a place of its own.
    names = [
        name if answer.columns.index(name) == at else f"{name} ({at + 1})" for at, name in enumerate(answer.columns)
    ]
    rows = [dict(zip(names, row, strict=True)) for row in answer.rows]
    if rows:
        st.download_button(
            "CSV", partial(to_csv, rows), f"offscript-query-{frame.id}.csv", "text/csv", on_click="ignore"
        )
        st.html(markup.table(rows[:SHOWN], "Answer", wide=len(names) > 6))


def _snippets(frame: Frame) -> None:
    st.header("Read it elsewhere", anchor=False)
    st.html(markup.note("The same figure, strict incidents by month, in other programs:"))
    for name, _, text in snippets(".", f"{frame.id}.duckdb"):
        st.subheader(name, anchor=False)
        st.code(text, language=None, wrap_lines=True)
