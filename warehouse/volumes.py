"""How many posts of a control kind there were: counts of spans, counted anew or added up piece by piece."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from warehouse.rows import fetch, merge
from warehouse.schema.tables import TABLES

_TABLE = TABLES["volumes"]


@dataclass(frozen=True)
class Total:
    """Posts of a control kind in a time, estimated where spans were drawn to be counted.

    Attributes:
        posts: each counted span weighted by one over its probability (Horvitz and Thompson 1952).
        error: standard error of `posts`, for spans drawn independently: the root of the sum of (1 - p) / p² · posts².
        hours: of the spans that could have been drawn.
    """

    source_id: str
    platform: str
    control: str
    posts: float
    error: float
    hours: float


def totals(con: duckdb.DuckDBPyConnection, start: datetime, end: datetime) -> list[Total]:
    """Return what each source counted of each control kind in a time; those of one platform overlap: never add them."""
    rows = con.execute(
        "SELECT source_id, platform, control, coalesce(sum(posts / inclusion_p), 0), "
        "sqrt(coalesce(sum((1 - inclusion_p) / inclusion_p ** 2 * posts ** 2), 0)), "
        "sum(epoch(to_at) - epoch(from_at)) / 3600 "
        "FROM volumes WHERE from_at >= ? AND to_at <= ? GROUP BY ALL ORDER BY ALL",
        [start, end],
    ).fetchall()
    return [Total(*row) for row in rows]


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
