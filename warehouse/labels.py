"""Labels: one row per report, text and instrument; a new instrument never overwrites an old judgement."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb

from warehouse.rows import Changed, batches, fetch, merge, scalar
from warehouse.schema.tables import TABLES


def current(con: duckdb.DuckDBPyConnection) -> str | None:
    """Return the instrument whose word counts now, None before the first one."""
    found: str | None = scalar(con, "SELECT arg_max(instrument, ordinal) FROM instruments")
    return found


def current_card(con: duckdb.DuckDBPyConnection) -> str | None:
    """Return the card of that instrument, as JSON."""
    found: str | None = scalar(con, "SELECT arg_max(card, ordinal) FROM instruments")
    return found


def announce(con: duckdb.DuckDBPyConnection, row: Mapping[str, Any]) -> None:
    """Make an instrument known. Its word counts nothing until it has read every text and takes over."""
    merge(con, TABLES["instruments"], [row])


def take_over(con: duckdb.DuckDBPyConnection, instrument: str, *, run_id: str) -> str | None:
    """Make an instrument the current one and store the break; return which one it replaces, None if none.

    The break says how many texts both have judged and how many were strict by each, so that a series can be read
    across it. Reports whose text is no longer held keep the older label. The caller owns the transaction.
    """
    before = current(con)
    if before == instrument:
        return None
    con.execute(
        "UPDATE instruments SET ordinal = (SELECT coalesce(max(ordinal), 0) + 1 FROM instruments) WHERE instrument = ?",
        [instrument],
    )
    if before is None:
        return None
    counts = fetch(
        con,
        """
        SELECT count(n.instrument) AS rejudged, count(*) - count(n.instrument) AS not_rejudged,
               count(*) FILTER (o.is_strict AND n.instrument IS NOT NULL) AS strict_before,
               count(*) FILTER (n.is_strict) AS strict_after
        FROM labels o JOIN reports r USING (report_id, text_hash)
        LEFT JOIN labels n ON n.report_id = o.report_id AND n.text_hash = o.text_hash AND n.instrument = ?
        WHERE o.instrument = ?
        """,
        [instrument, before],
    )[0]
    row = {"instrument": instrument, "second_instrument": before, "changed_at": datetime.now(UTC), "run_id": run_id}
    merge(con, TABLES["instrument_changes"], [{**row, **counts}], update=("changed_at", *counts, "run_id"))
    return before


def unlabelled(con: duckdb.DuckDBPyConnection, instrument: str, size: int) -> Iterator[list[dict[str, Any]]]:
    """Yield reports in batches whose present text is held and not judged by this instrument."""
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
