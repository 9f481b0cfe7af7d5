"""Texts past their term: deleted, while what was judged of them stays and is counted as before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb

from warehouse.rows import fetch, scalar


@dataclass(frozen=True)
class Purged:
    """What went, by platform: rows of {platform, term_days, texts, items, held, oldest}; lines set aside; the sum."""

    rows: list[dict[str, Any]]
    set_aside: int

    @property
    def purged(self) -> int:
        """Texts that went, of reports, of posts that were not kept, and of input set aside."""
        return sum(int(row["texts"]) + int(row["items"]) for row in self.rows) + self.set_aside


def purge_past_term(
    con: duckdb.DuckDBPyConnection, terms: Mapping[str, int | None], *, audit_days: int | None, now: datetime
) -> Purged:
    """Delete texts held longer than their platform's term, and those of posts not kept after the audit's term.

    The term runs from the last time a source gave the text. The caller owns the transaction.

    Args:
        con: connection to the working file.
        terms: days by platform; None has no term. A platform that is not named has the shortest term.
        audit_days: days for posts that the screen dropped (kept for measuring what it misses) and for input set aside.
        now: the time of day.
    """
    shortest = min((days for days in terms.values() if days is not None), default=None)
    platforms = [name for (name,) in con.execute("SELECT DISTINCT platform FROM screenings ORDER BY 1").fetchall()]
    rows = []
    for platform in platforms:
        days = terms.get(platform, shortest)
        texts = _reports(con, platform, now - timedelta(days=days), now) if days is not None else 0
        least = min((term for term in (days, audit_days) if term is not None), default=None)
        items = _dropped(con, platform, now - timedelta(days=least)) if least is not None else 0
        held = fetch(
            con,
            "SELECT count(*) FILTER (text_gone_at IS NULL) AS held, "
            "count(*) FILTER (text_gone_at IS NOT NULL) AS gone FROM reports WHERE platform = ?",
            [platform],
        )[0]
        rows.append({"platform": platform, "term_days": days, "texts": texts, "items": items, **held})
    return Purged(rows, _set_aside(con, now - timedelta(days=audit_days)) if audit_days is not None else 0)


def _reports(con: duckdb.DuckDBPyConnection, platform: str, before: datetime, now: datetime) -> int:
    con.execute(
        "CREATE OR REPLACE TEMP TABLE past AS SELECT r.report_id FROM reports r "
        "LEFT JOIN raw_items i USING (report_id) WHERE r.platform = ? AND r.text_gone_at IS NULL "
        "GROUP BY 1 HAVING coalesce(max(i.fetched_at), TIMESTAMPTZ '1970-01-01') < ?",
        [platform, before],
    )
    con.execute("UPDATE raw_items SET payload = NULL WHERE report_id IN (FROM past)")
    con.execute(
        "UPDATE reports SET title = '', text = '', publish_text = 'none', text_gone_at = ? "
        "WHERE report_id IN (FROM past)",
        [now],
    )
    count = int(scalar(con, "SELECT count(*) FROM past"))
    con.execute("DROP TABLE past")
    return count


def _dropped(con: duckdb.DuckDBPyConnection, platform: str, before: datetime) -> int:
    """Delete what the sources gave and the screen did not keep."""
    return int(
        scalar(
            con,
            "UPDATE raw_items SET payload = NULL WHERE payload IS NOT NULL AND fetched_at < ? "
            "AND split_part(report_id, ':', 1) = ? AND report_id NOT IN (SELECT report_id FROM reports)",
            [before, platform],
        )
    )


def _set_aside(con: duckdb.DuckDBPyConnection, before: datetime) -> int:
    return int(
        scalar(
            con,
            "UPDATE rejects SET head = '' WHERE head <> '' "
            "AND run_id IN (SELECT run_id FROM runs WHERE started_at < ?)",
            [before],
        )
    )
