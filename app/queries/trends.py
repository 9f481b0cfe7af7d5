"""The monthly series of any cut, and what coverage stands behind it."""

from datetime import date
from typing import Any

from app.keep import kept, reading
from warehouse.connect import Snapshot
from warehouse.rows import fetch, scalar
from warehouse.schema.models import Merge
from warehouse.trends.series import By, Series, monthly

Rows = tuple[dict[str, Any], ...]


@kept(96)
def series(snapshot: Snapshot, by: By | None, merge: Merge, start: str | None, end: str | None) -> Series:
    """Return the series of a cut; `start` and `end` as "2026-03", both included.

    Raises:
        ValueError: the last month lies before the first.
    """
    first, last = (date.fromisoformat(f"{month}-01") if month else None for month in (start, end))
    with reading(snapshot) as con:
        return monthly(con, by=by, start=first, end=last, merge=merge)


@kept(32)
def coverage(snapshot: Snapshot, start: str, end: str) -> Rows:
    """Return by platform and month what was read and how many reports are held; months as "2026-03"."""
    with reading(snapshot) as con:
        return tuple(
            fetch(
                con,
                """
                SELECT c.source, strftime(c.month, '%Y-%m') AS month, coalesce(h.reports, 0) AS reports,
                       c.state AS coverage
                FROM coverage_months c LEFT JOIN held_months h ON h.source = c.source AND h.month = c.month
                WHERE (h.reports IS NOT NULL OR c.state IN ('measured', 'partial'))
                  AND strftime(c.month, '%Y-%m') BETWEEN ? AND ?
                ORDER BY ALL
                """,
                [start, end],
            )
        )


@kept(4)
def volumes(snapshot: Snapshot) -> int:
    """Return how many counts of control posts, the denominators, the snapshot holds."""
    with reading(snapshot) as con:
        return int(scalar(con, "SELECT count(*) FROM volumes"))
