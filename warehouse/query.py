"""Read-only SQL over a snapshot, with limits on time, memory and rows."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from warehouse.connect import WarehouseError, open_snapshot

ROWS = 10_000
SECONDS = 30.0
_READS = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}


@dataclass(frozen=True)
class Answer:
    """The rows of a query; `cut` says that there were more than the limit."""

    snapshot: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    cut: bool


def query(db: Path, sql: str, *, snapshot_id: str | None = None, rows: int = ROWS, seconds: float = SECONDS) -> Answer:
    """Run one SELECT on the published snapshot.

    Raises:
        WarehouseError: not exactly one reading statement, a SQL error, or a limit was reached.
    """
    with open_snapshot(db, snapshot_id) as (con, snapshot):
        try:
            statements = con.extract_statements(sql)
        except duckdb.Error as error:
            raise WarehouseError(_first_line(error)) from error
        if len(statements) != 1 or statements[0].type not in _READS:
            msg = "one SELECT at a time: a snapshot is read-only"
            raise WarehouseError(msg)
        timer = threading.Timer(seconds, con.interrupt)
        timer.start()
        try:
            cursor = con.execute(sql)
            found = cursor.fetchmany(rows + 1)
            columns = tuple(column[0] for column in cursor.description or ())
        except duckdb.InterruptException as error:
            msg = f"stopped after {seconds:g} s: narrow the query, or read the snapshot file with DuckDB itself"
            raise WarehouseError(msg) from error
        except duckdb.Error as error:
            raise WarehouseError(_first_line(error)) from error
        finally:
            timer.cancel()
    return Answer(snapshot.id, columns, found[:rows], len(found) > rows)


def _first_line(error: duckdb.Error) -> str:
    text = str(error).strip()
    return "\n".join(text.splitlines()[:6])
