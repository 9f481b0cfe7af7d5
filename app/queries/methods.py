"""The funnel and the instruments of a snapshot."""

from typing import Any

from app.keep import kept, reading
from warehouse.connect import Snapshot
from warehouse.rows import fetch

Rows = tuple[dict[str, Any], ...]


@kept(4)
def funnel(snapshot: Snapshot) -> Rows:
    """Return the count at each step over all platforms; strict incidents in all are counted once."""
    with reading(snapshot) as con:
        return tuple(
            fetch(
                con,
                """
                SELECT step, step_order, CASE WHEN step = 'strict incidents'
                    THEN (SELECT count(*) FROM incidents WHERE is_strict) ELSE sum(n)::BIGINT END AS n
                FROM funnel GROUP BY step, step_order ORDER BY step_order
                """,
            )
        )


@kept(4)
def instruments(snapshot: Snapshot) -> Rows:
    """Return the instruments that judged here, the newest first."""
    with reading(snapshot) as con:
        return tuple(
            fetch(con, "SELECT instrument, registered_at, screen, card FROM instruments ORDER BY ordinal DESC LIMIT 20")
        )
