"""What is deleted at its source is deleted here."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb

from flows.exchange import SourceError
from flows.sources.base import Checks, Paid
from warehouse.erase import remember
from warehouse.rows import transaction

if TYPE_CHECKING:
    from flows.source_reader import Reader


def purge(con: duckdb.DuckDBPyConnection, given_ids: Sequence[str]) -> int:
    """Delete the texts of posts that are gone; return how many were held. The caller owns the transaction.

    The raw items go, whichever source or file brought them; of a report stays that there was one, without text, title,
    address or author, so that an incident's count of reports does not change behind a reader's back.

    Args:
        con: the warehouse.
        given_ids: ids under which sources gave them, or ids of reports; one that ends with / stands for every report
            of an account.
    """
    held = con.execute(
        "SELECT DISTINCT report_id FROM raw_items WHERE given_id IN (SELECT unnest($1)) "
        "OR report_id IN (SELECT unnest($1))",
        [list(given_ids)],
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
            "UPDATE reports SET title = '', text = '', url = NULL, author_key = NULL, publish_text = 'none', "
            "text_gone_at = now() WHERE report_id IN (SELECT unnest(?))",
            [reports],
        )
        # A dump or an archive may still hold it.
        remember(con, reports)
    return len(reports)


def recheck(reader: "Reader", source: Checks) -> None:
    """Ask a source for reports of its platform kept here, another share of them each day, and purge what is gone.

    Posts that another source or a file brought under the platform's own ids are asked for too.
    """
    run = reader.run
    with run.lock:
        rows = run.con.execute(
            "SELECT min(i.given_id) FROM raw_items i JOIN reports r USING (report_id) "
            "WHERE i.payload IS NOT NULL AND r.platform = $platform AND starts_with(i.given_id, $platform || ':') "
            "GROUP BY i.report_id ORDER BY hash(i.report_id, current_date), i.report_id LIMIT $most",
            {"platform": reader.entry.platform, "most": source.recheck_limit},
        ).fetchall()
    given = [row[0] for row in rows]
    if given and isinstance(source, Paid):
        # Paid for before it is asked: a stop in between must not be forgotten.
        (stream,) = reader.source.streams()
        standing = reader.held(stream)
        number, note = source.reserve(len(given), standing.note)
        reader.store(stream, replace(standing, note=note))
        given = given[:number]
    if not given:
        return
    try:
        known = source.still_public(given)
    except SourceError as error:
        reader.details.append(f"re-check: {error}")
        return
    gone = [name for name, public in known.items() if not public]
    with run.lock, transaction(run.con):
        reader.add(gone=purge(run.con, gone))
