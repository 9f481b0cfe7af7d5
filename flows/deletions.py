"""What is deleted at its source is deleted here."""

from collections.abc import Mapping, Sequence

import duckdb

from flows.sources.base import Checks
from warehouse.rows import fetch, transaction


def purge(con: duckdb.DuckDBPyConnection, source_id: str, given_ids: Sequence[str]) -> int:
    """Delete the texts of posts that are gone; return how many were held. The caller owns the transaction.

    The raw items go; of a report stays that there was one, without text, title, address or author, so that an
    incident's count of reports does not change behind a reader's back.

    Args:
        con: the warehouse.
        source_id: the source that says so.
        given_ids: its ids, or ids of reports: a post that another source brought too is gone there as well. One that
            ends with / stands for every report of an account.
    """
    held = con.execute(
        "SELECT DISTINCT report_id FROM raw_items WHERE (source_id = $1 AND given_id IN (SELECT unnest($2))) "
        "OR report_id IN (SELECT unnest($2))",
        [source_id, list(given_ids)],
    ).fetchall()
    if accounts := [given for given in given_ids if given.endswith("/")]:
        held += con.execute(
            "SELECT DISTINCT report_id FROM raw_items WHERE regexp_extract(report_id, '^.*/') IN (SELECT unnest(?))",
            [accounts],
        ).fetchall()
    reports = sorted({report for (report,) in held})
    if reports:
        con.execute("DELETE FROM raw_items WHERE report_id IN (SELECT unnest(?))", [reports])
        con.execute(
            "UPDATE reports SET title = '', text = '', url = NULL, author_key = NULL, publish_text = 'none' "
            "WHERE report_id IN (SELECT unnest(?))",
            [reports],
        )
    return len(reports)


def recheck(con: duckdb.DuckDBPyConnection, source_id: str, source: Checks, limit: int = 500) -> Mapping[str, bool]:
    """Ask a source for its reports kept here, another share of them each day, and purge what is gone.

    Returns:
        What the source said of each id asked.
    """
    rows = fetch(
        con,
        "SELECT min(i.given_id) AS given_id FROM raw_items i JOIN reports r USING (report_id) WHERE i.source_id = ? "
        "GROUP BY i.report_id ORDER BY hash(i.report_id, current_date), i.report_id LIMIT ?",
        [source_id, limit],
    )
    known = source.still_public([row["given_id"] for row in rows])
    gone = [given for given, public in known.items() if not public]
    with transaction(con):
        purge(con, source_id, gone)
    return known
