"""The private review file X.review.duckdb: the queue, and of the working file's tables only the rows it is about.

It holds texts: mode 600, built in a private folder, renamed into place whole, made anew at every publish, so that
what is purged from the working file leaves it too. Tables and views have the working file's names and columns: a
question to the one can be asked of the other. Authors' keys are left out.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import duckdb

from warehouse import ddl
from warehouse.connect import Snapshot, WarehouseError, connect_snapshot
from warehouse.rows import fetch, merge
from warehouse.schema.tables import TABLES

LONGEST: Final = 300
"""Informative questions kept in the queue."""
_WHOLE: Final = ("instruments", "platforms", "reviews", "audit_draws", "audit_strata")
_OF_REPORTS: Final = ("labels", "incident_reports")
_VIEWS: Final = ("decisions", "decision_outcomes", "current_labels")

ReadRaw = Callable[[str, str], dict[str, Any] | None]
"""Maps a raw item (source id, payload) to a row of table `reports`, or to None if it cannot be read."""


def review_file(db: Path) -> Path:
    """Return where a working file's review file lies: X.duckdb -> X.review.duckdb."""
    return db.with_suffix(".review.duckdb")


@contextmanager
def open_review(db: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the review file for reading, locked down as a snapshot is.

    Raises:
        WarehouseError: there is none yet, or it is damaged.
    """
    path = review_file(db)
    if not path.is_file():
        msg = f"{path} is not there yet: run `offscript publish --db {db}`"
        raise WarehouseError(msg)
    con = connect_snapshot(Snapshot("review", path))
    try:
        yield con
    finally:
        con.close()


def write_review_file(con: duckdb.DuckDBPyConnection, db: Path, read_raw: ReadRaw, *, longest: int = LONGEST) -> int:
    """Write the review file of a working file in place of the one before; return how many questions it asks."""
    queue = fetch(con, (files("warehouse") / "review" / "queue.sql").read_text("utf-8"), [longest])
    asked = {name for row in queue for name in (row["report_id"], row["other_report_id"]) if name}
    rejected = _rejected(con, queue, read_raw)
    folder = Path(tempfile.mkdtemp(prefix=f".{db.stem}.review-", dir=db.parent))
    building = folder / "building.duckdb"
    try:
        _copy(con, building, sorted(asked))
        copy = duckdb.connect(str(building))
        try:
            copy.execute("SET TimeZone = 'UTC'")
            merge(copy, TABLES["reports"], rejected)
            texts = copy.execute("SELECT report_id FROM reports WHERE title <> '' OR text <> ''").fetchall()
            held = {name for (name,) in texts}
            # A draw whose text is gone can no longer be answered; it stays in `audit_draws`.
            kept = [row for row in queue if row["report_id"] in held]
            merge(copy, TABLES["review_queue"], kept)
            for name, sql in ddl.trend_views():
                if name.partition("_")[2].removesuffix(".sql") in _VIEWS:
                    copy.execute(sql)
            copy.execute("CHECKPOINT")
        finally:
            copy.close()
        building.chmod(0o600)
        building.replace(review_file(db))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return len(kept)


def _copy(con: duckdb.DuckDBPyConnection, building: Path, asked: Sequence[str]) -> None:
    con.execute(f"ATTACH {ddl.quote(str(building))} AS building")
    try:
        for name in ("review_queue", "reports", "incidents", *_WHOLE, *_OF_REPORTS):
            con.execute(ddl.create_table(TABLES[name]).replace("CREATE TABLE ", "CREATE TABLE building.", 1))
        names = {name: ", ".join(TABLES[name].columns) for name in TABLES}
        con.execute(
            f"INSERT INTO building.reports SELECT {names['reports']} "  # noqa: S608
            "FROM (SELECT * REPLACE (CAST(NULL AS VARCHAR) AS author_key) FROM reports) "
            "WHERE report_id IN (SELECT unnest(?::VARCHAR[])) AND (title <> '' OR text <> '')",
            [asked],
        )
        # Without its text: so that what became of every decision can be told from this file too.
        con.execute(
            f"INSERT INTO building.reports SELECT {names['reports']} "  # noqa: S608
            "FROM (SELECT * REPLACE ('' AS title, '' AS text, CAST(NULL AS VARCHAR) AS author_key) FROM reports) "
            "WHERE report_id IN (SELECT review_of FROM reviews) "
            "AND report_id NOT IN (SELECT report_id FROM building.reports)"
        )
        for name in _WHOLE:
            con.execute(f"INSERT INTO building.{name} SELECT {names[name]} FROM {name}")  # noqa: S608
        for name in _OF_REPORTS:
            con.execute(
                f"INSERT INTO building.{name} SELECT {names[name]} FROM {name} "  # noqa: S608
                "WHERE report_id IN (SELECT unnest(?::VARCHAR[]))",
                [asked],
            )
        con.execute(
            f"INSERT INTO building.incidents SELECT {names['incidents']} FROM incidents "  # noqa: S608
            "WHERE incident IN (SELECT incident FROM building.incident_reports)"
        )
    finally:
        con.execute("DETACH building")


def _rejected(
    con: duckdb.DuckDBPyConnection, queue: Sequence[dict[str, Any]], read_raw: ReadRaw
) -> list[dict[str, Any]]:
    """Return the audited posts that the screen rejected as rows of `reports`, mapped from their raw items."""
    audited = {row["report_id"]: row["text_hash"] for row in queue if row["question"] == "audit"}
    items = fetch(
        con,
        "SELECT report_id, source_id, payload, text_hash FROM raw_items i "
        "WHERE report_id IN (SELECT unnest(?::VARCHAR[])) "
        "AND NOT EXISTS (SELECT 1 FROM reports r WHERE r.report_id = i.report_id) "
        "ORDER BY report_id, fetched_at, content_hash",
        [sorted(audited)],
    )
    rows: dict[str, dict[str, Any]] = {}
    for item in items:
        row = read_raw(item["source_id"], item["payload"])
        # The text that was drawn, of several under one id.
        if row is not None and row["text_hash"] == audited.get(row["report_id"]):
            rows[row["report_id"]] = {**row, "author_key": None}
    return list(rows.values())
