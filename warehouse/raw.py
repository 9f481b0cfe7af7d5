"""Raw items, rejects, cursors and coverage: a page and its cursor are stored in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import duckdb

from warehouse.erase import hash_of
from warehouse.lake import is_lake
from warehouse.rows import Changed, Within, merge, scalar
from warehouse.schema.tables import TABLES

_COUNTED = {"items": "raw_items", "rejected": "rejects"}


def position(con: duckdb.DuckDBPyConnection, source_id: str, stream: str) -> str | None:
    """Return where reading of a stream goes on, None for one never read."""
    found: str | None = scalar(
        con, "SELECT position FROM cursors WHERE source_id = ? AND stream = ?", [source_id, stream]
    )
    return found


def store_page(
    con: duckdb.DuckDBPyConnection,
    *,
    items: Sequence[Mapping[str, Any]],
    rejects: Sequence[Mapping[str, Any]],
    cursor: Mapping[str, Any],
    coverage: Sequence[Mapping[str, Any]] = (),
) -> Changed:
    """Store a page, what was set aside of it, its coverage and the new cursor; the caller owns the transaction.

    What was forgotten is not stored again: an item says its report and, where known, its author (`author_key`).
    """
    kept = _not_forgotten(con, items)
    # The hash covers the time of publication: the same item has the same time.
    changed = merge(con, TABLES["raw_items"], kept, within=Within.of("created_at", kept))
    merge(con, TABLES["rejects"], rejects)
    merge(con, TABLES["coverage"], coverage, update=("to_at", "coverage", "posts"))
    merge(con, TABLES["cursors"], [cursor], update=("position", "updated_at", "run_id"))
    return changed


def _not_forgotten(con: duckdb.DuckDBPyConnection, items: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    if not items:
        return items
    marks: list[set[str]] = [{hash_of(item["report_id"]), item.get("author_key") or ""} for item in items]
    sql = "SELECT erased FROM erasures WHERE erased IN (SELECT unnest(?::VARCHAR[]))"
    gone = {erased for (erased,) in con.execute(sql, [sorted(set().union(*marks))]).fetchall()}
    return [item for item, mark in zip(items, marks, strict=True) if not gone & mark]


def counts(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return how many items were read, under how many ids, and how many posts they are.

    Telling ids and posts apart takes every item: of a lake only what its catalogue knows is told.
    """
    if is_lake(con):
        return {name: scalar(con, f"SELECT count(*) FROM {table}") for name, table in _COUNTED.items()}  # noqa: S608
    row = con.execute(
        "SELECT count(*), count(DISTINCT (source_id, given_id)), count(DISTINCT report_id) FROM raw_items"
    ).fetchone() or (0, 0, 0)
    rejected = scalar(con, "SELECT count(*) FROM rejects")
    return {"items": row[0], "ids": row[1], "posts": row[2], "duplicates": row[1] - row[2], "rejected": rejected}


def coverage_row(
    source_id: str,
    stream: str,
    platform: str,
    state: str,
    posts: int,
    span: tuple[datetime | None, datetime | None],
    run: str,
) -> dict[str, Any]:
    """Return one row of table `coverage`; a span without bounds is one nobody stated."""
    return {
        "source_id": source_id,
        "stream": stream,
        "platform": platform,
        "from_at": span[0],
        "to_at": span[1],
        "coverage": state,
        "posts": posts,
        "run_id": run,
    }
