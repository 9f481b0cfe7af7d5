"""How many posts of a control kind there were: counts of spans, counted anew or added up piece by piece."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from warehouse.rows import fetch, merge
from warehouse.schema.tables import TABLES

_TABLE = TABLES["volumes"]


def store(con: duckdb.DuckDBPyConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store counts; a span counted before is counted anew. The caller owns the transaction."""
    merge(con, _TABLE, rows, update=("to_at", "posts", "count_method", "inclusion_p"))


def add(con: duckdb.DuckDBPyConnection, source_id: str, rows: Sequence[Mapping[str, Any]], *, first: bool) -> None:
    """Add counts of parts of spans to what one source has; with `first` what it had is forgotten before.

    The caller owns the transaction, and moves the cursor in it: no part is added twice.
    """
    if first:
        con.execute("DELETE FROM volumes WHERE source_id = ?", [source_id])
    held = fetch(con, "SELECT platform, control, from_at, posts FROM volumes WHERE source_id = ?", [source_id])
    before = {_span(row): row["posts"] for row in held}
    store(con, [{**row, "posts": row["posts"] + before.get(_span(row), 0)} for row in rows])


def _span(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["platform"], row["control"], row["from_at"]
