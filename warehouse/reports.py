"""Screenings and the reports they kept."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from warehouse.lake import is_lake
from warehouse.layout import next_row
from warehouse.rows import Changed, Within, batches, merge, transaction
from warehouse.schema.tables import TABLES

# Of several texts of one post the fullest is kept, so that the order of arrival does not matter.
_FULLER = (
    "(length(source.title) + length(source.text), source.text_hash) "
    "> (length(target.title) + length(target.text), target.text_hash)"
)
_REPLACED = tuple(name for name in TABLES["reports"].columns if name not in {"report_id", "run_id"})


# A lake numbers its rows in the order of their commits: below the number noted by the last whole pass all are screened,
# so neither they nor their screenings are read again. A post that another source gives again, with the same text and by
# and large the same time, is one of them.
#
# `fetched_at` adds no condition, a month before the last pass being long enough for any reading: by it a lake passes
# over the files of the past, which it cannot do by the numbers of rows.
_SINCE = """
        AND r.rowid >= $from_row AND r.fetched_at >= $fetched
        AND NOT EXISTS (
            SELECT 1 FROM screenings s
            WHERE s.report_id = r.report_id AND s.text_hash = r.text_hash AND s.screen = $screen
                AND s.screened_at >= $since
        )
        AND NOT EXISTS (
            SELECT 1 FROM raw_items o
            WHERE o.report_id = r.report_id AND o.text_hash = r.text_hash AND o.mapper = $mapper
                AND o.rowid < $from_row AND o.created_at BETWEEN $first AND $last
        )
        AND NOT EXISTS (
            SELECT 1 FROM raw_items o
            WHERE o.report_id = r.report_id AND o.text_hash = r.text_hash AND o.mapper = $mapper
                AND o.rowid < $from_row AND o.created_at IS NULL
        )
"""
_EVER = """
        AND (r.mapper IS DISTINCT FROM $mapper OR NOT EXISTS (
            SELECT 1 FROM screenings s
            WHERE s.report_id = r.report_id AND s.text_hash = r.text_hash AND s.screen = $screen
        ))
"""
# A date to the month may stand for any day of it; the clocks of two machines may differ.
_A_MONTH, _SKEW = timedelta(days=31), timedelta(days=1)
_PASSES = "screen"


def unscreened(con: duckdb.DuckDBPyConnection, screen: str, mapper: str) -> Iterator[list[dict[str, Any]]]:
    """Yield raw items in batches that this screen, or this mapper, has not seen."""
    given: dict[str, Any] = {"screen": screen, "mapper": mapper}
    where = _EVER
    done = _done(con, screen, mapper) if is_lake(con) else None
    if done:
        fetched = done[1] - _A_MONTH
        span = con.execute(
            "SELECT min(created_at), max(created_at) FROM raw_items WHERE rowid >= ? AND fetched_at >= ?",
            [done[0], fetched],
        )
        first, last = span.fetchone() or (None, None)
        bounds = {"first": first and first - _A_MONTH, "last": last and last + _A_MONTH}
        where = _SINCE
        given |= {"from_row": done[0], "fetched": fetched, "since": done[1] - _SKEW, **bounds}
    return batches(
        con,
        "SELECT r.source_id, r.given_id, r.content_hash, r.payload, r.mapper FROM raw_items r "  # noqa: S608
        f"WHERE r.payload IS NOT NULL {where} ORDER BY r.source_id, r.given_id, r.content_hash",
        given,
        size=5000,
    )


@contextmanager
def whole_pass(con: duckdb.DuckDBPyConnection, screen: str, mapper: str) -> Iterator[None]:
    """Note, once everything `unscreened` gave is screened, up to where a lake's raw items are; a file needs no note."""
    began = datetime.now(UTC)
    upto = next_row(con, "raw_items")
    yield
    if upto is not None:
        row = {"source_id": _PASSES, "stream": f"{screen} {mapper}", "position": str(upto), "updated_at": began}
        with transaction(con):
            merge(con, TABLES["cursors"], [row], update=("position", "updated_at"))


def forget_passes(con: duckdb.DuckDBPyConnection) -> None:
    """Let the next pass look at everything, where rows have got new numbers; the caller owns the transaction."""
    con.execute("DELETE FROM cursors WHERE source_id = ?", [_PASSES])


def _done(con: duckdb.DuckDBPyConnection, screen: str, mapper: str) -> tuple[int, datetime] | None:
    """Return the number below which every raw item is screened, and when the pass that saw to it began."""
    row = con.execute(
        "SELECT CAST(position AS BIGINT), updated_at FROM cursors WHERE source_id = ? AND stream = ?",
        [_PASSES, f"{screen} {mapper}"],
    ).fetchone()
    return (int(row[0]), row[1]) if row else None


def store_screened(
    con: duckdb.DuckDBPyConnection,
    screenings: Sequence[Mapping[str, Any]],
    kept: Sequence[Mapping[str, Any]],
    since: datetime | None = None,
) -> Changed:
    """Store what the screen said, and the posts it kept as reports; the caller owns the transaction.

    Args:
        con: connection to the working file.
        screenings: rows of table `screenings`.
        kept: rows of table `reports`.
        since: when this pass over what `unscreened` gave began: only what it stored itself can be there already.
    """
    latest = max((row["screened_at"] for row in screenings), default=None)
    within = Within("screened_at", since, latest) if since and latest else None
    merge(con, TABLES["screenings"], screenings, within=within)
    # Within one batch too, the fullest text of a post must be the one that counts.
    fullest: dict[str, Mapping[str, Any]] = {}
    for row in kept:
        held = fullest.get(row["report_id"])
        if held is None or _size(row) > _size(held):
            fullest[row["report_id"]] = row
    return _store_reports(con, list(fullest.values()))


def _store_reports(con: duckdb.DuckDBPyConnection, rows: Sequence[Mapping[str, Any]]) -> Changed:
    """Store reports that are new, and the fuller text of those that are held: their own rows are all that is read."""
    asked = "SELECT report_id, created_at FROM reports WHERE report_id IN (SELECT unnest(?::VARCHAR[]))"
    held = dict(con.execute(asked, [[row["report_id"] for row in rows]]).fetchall())
    fresh = [row for row in rows if row["report_id"] not in held]
    again = [row for row in rows if row["report_id"] in held]
    inserted = merge(con, TABLES["reports"], fresh, within=Within.of("created_at", fresh))
    times = list(held.values())
    # A row without a time is outside every span.
    there = Within("created_at", min(times), max(times)) if times and None not in times else None
    updated = merge(con, TABLES["reports"], again, update=_REPLACED, when=_FULLER, within=there)
    return Changed(inserted.inserted, updated.updated)


def remap(con: duckdb.DuckDBPyConnection, items: Sequence[Mapping[str, Any]]) -> Changed:
    """Store which report and text raw items map to under a new mapper; the caller owns the transaction."""
    return merge(con, TABLES["raw_items"], items, update=("report_id", "created_at", "text_hash", "mapper"))


def _size(row: Mapping[str, Any]) -> tuple[int, str]:
    return len(row["title"]) + len(row["text"]), row["text_hash"]
