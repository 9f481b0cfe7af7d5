"""Labels: one row per report, text and instrument; a new instrument never overwrites an old judgement."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb

from warehouse.rows import Changed, batches, merge, scalar
from warehouse.schema.tables import TABLES


def register(con: duckdb.DuckDBPyConnection, row: Mapping[str, Any]) -> None:
    """Make an instrument the current one: the newest ordinal; one that already is stays as it is."""
    current = scalar(con, "SELECT instrument FROM instruments ORDER BY ordinal DESC LIMIT 1")
    if current == row["instrument"]:
        return
    ordinal = scalar(con, "SELECT coalesce(max(ordinal), 0) + 1 FROM instruments")
    merge(con, TABLES["instruments"], [{**row, "ordinal": ordinal}], update=("ordinal",))


def unlabelled(con: duckdb.DuckDBPyConnection, instrument: str, size: int) -> Iterator[list[dict[str, Any]]]:
    """Yield reports in batches whose present text this instrument has not judged."""
    return batches(con, f"SELECT r.* {_UNLABELLED} ORDER BY r.report_id", [instrument], size)


def count_unlabelled(con: duckdb.DuckDBPyConnection, instrument: str) -> int:
    """Return how many reports `unlabelled` would yield."""
    return int(scalar(con, f"SELECT count(*) {_UNLABELLED}", [instrument]))


_UNLABELLED = """
    FROM reports r WHERE (r.title <> '' OR r.text <> '') AND NOT EXISTS (
        SELECT 1 FROM labels l
        WHERE l.report_id = r.report_id AND l.text_hash = r.text_hash AND l.instrument = ?
    )
"""


def store(con: duckdb.DuckDBPyConnection, rows: Sequence[Mapping[str, Any]]) -> Changed:
    """Store labels; the caller owns the transaction."""
    return merge(con, TABLES["labels"], rows)
