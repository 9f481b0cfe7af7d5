"""Screenings and the reports they kept."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import duckdb

from warehouse.rows import Changed, Within, batches, merge
from warehouse.schema.tables import TABLES

# Of several texts of one post the fullest is kept, so that the order of arrival does not matter.
_FULLER = (
    "(length(source.title) + length(source.text), source.text_hash) "
    "> (length(target.title) + length(target.text), target.text_hash)"
)
_REPLACED = tuple(name for name in TABLES["reports"].columns if name not in {"report_id", "run_id"})


def unscreened(con: duckdb.DuckDBPyConnection, screen: str, mapper: str) -> Iterator[list[dict[str, Any]]]:
    """Yield raw items in batches that this screen, or this mapper, has not seen."""
    return batches(
        con,
        """
        SELECT r.source_id, r.given_id, r.content_hash, r.payload, r.mapper
        FROM raw_items r
        WHERE r.payload IS NOT NULL AND (r.mapper IS DISTINCT FROM ? OR NOT EXISTS (
            SELECT 1 FROM screenings s
            WHERE s.report_id = r.report_id AND s.text_hash = r.text_hash AND s.screen = ?
        ))
        ORDER BY r.source_id, r.given_id, r.content_hash
        """,
        [mapper, screen],
        size=5000,
    )


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
    return merge(con, TABLES["reports"], list(fullest.values()), update=_REPLACED, when=_FULLER)


def remap(con: duckdb.DuckDBPyConnection, items: Sequence[Mapping[str, Any]]) -> Changed:
    """Store which report and text raw items map to under a new mapper; the caller owns the transaction."""
    return merge(con, TABLES["raw_items"], items, update=("report_id", "created_at", "text_hash", "mapper"))


def _size(row: Mapping[str, Any]) -> tuple[int, str]:
    return len(row["title"]) + len(row["text"]), row["text_hash"]
