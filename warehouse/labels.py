"""Labels: one row per report, text and instrument; a new instrument never overwrites an old judgement."""

import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb

from warehouse.lake import is_shared, turn
from warehouse.rows import Changed, batches, fetch, merge, scalar
from warehouse.schema.tables import TABLES

# Into so many shares the reports are divided for processes that judge side by side.
SHARES = 16


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


def unlabelled(
    con: duckdb.DuckDBPyConnection, instrument: str, size: int, share: int | None = None
) -> Iterator[list[dict[str, Any]]]:
    """Yield reports in batches, of one share if given, whose text is held and this instrument has not judged."""
    part = "" if share is None else f"AND hash(r.report_id) % {SHARES} = {int(share)}"
    return batches(con, f"SELECT r.* {_UNLABELLED} {part} ORDER BY r.report_id", [instrument], size)


def shares(con: duckdb.DuckDBPyConnection) -> Generator[int | None, None, None]:
    """Yield what this process is to judge: everything, or on a shared lake share by share what no other judges now.

    When it ends every share has been this process's at some time, so everything is judged, whoever judged it.
    """
    if not is_shared(con):
        yield None
        return
    first = os.getpid() % SHARES
    left = []
    for share in (*range(first, SHARES), *range(first)):
        with turn(con, f"label {share}", wait=False) as mine:
            if mine:
                yield share
            else:
                left.append(share)
    for share in left:
        with turn(con, f"label {share}"):
            yield share


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
