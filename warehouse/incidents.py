"""Incidents' records, kept equal to what their reports, labels and people's decisions say now."""

from collections import defaultdict
from typing import Any, Final

import duckdb

from warehouse.record import RECORD, record
from warehouse.rows import Changed, fetch, merge
from warehouse.rulings import Sayings, sayings
from warehouse.schema.tables import TABLES

_NOT_DERIVED: Final = {"incident", "opened_at", "run_id"}
_DERIVED: Final = tuple(name for name in TABLES["incidents"].columns if name not in _NOT_DERIVED)
# Everything that a record is derived from, by incident: where it did not change, the record is as it was.
_INPUTS: Final = """
    SELECT i.incident,
           count(*)::VARCHAR || '-' || bit_xor(hash({
               'report': i.report_id, 'derived': i.derived_from, 'text': r.text_hash, 'publish': r.publish_text,
               'url': r.url, 'at': r.created_at, 'precision': r.created_precision, 'author': r.author_key,
               'label': l, 'occurred': f.occurred_at, 'disclosed': f.disclosed_at, 'several': f.several_agents
           }))::VARCHAR AS inputs
    FROM incident_reports i
    JOIN reports r USING (report_id)
    LEFT JOIN current_labels l USING (report_id)
    LEFT JOIN report_facts f USING (report_id)
    GROUP BY i.incident
"""


def refresh(con: duckdb.DuckDBPyConnection) -> Changed:
    """Derive the record of every incident whose reports, labels or decisions changed; the others are not touched.

    The caller owns the transaction.
    """
    said = sayings(con)
    inputs: dict[int, str] = dict(con.execute(_INPUTS).fetchall())
    held: dict[int, str | None] = dict(con.execute("SELECT incident, inputs_hash FROM incidents").fetchall())
    now = {number: _inputs(inputs.get(number), said.get(number)) for number in held}
    changed = [number for number in sorted(held) if held[number] != now[number]]
    reports = _reports(con, changed)
    rows = [
        {**record(number, reports.get(number, []), said.get(number)), "inputs_hash": now[number]} for number in changed
    ]
    return merge(con, TABLES["incidents"], rows, update=_DERIVED)


def _inputs(reports: str | None, said: Sayings | None) -> str:
    return f"{RECORD} {reports or 'none'} {sorted(said.by.items()) if said else ''}"


def _reports(con: duckdb.DuckDBPyConnection, numbers: list[int]) -> dict[int, list[dict[str, Any]]]:
    """Return the reports of some incidents, oldest first; the text only of those that a summary may quote."""
    rows = fetch(
        con,
        """
        SELECT i.incident, i.derived_from, r.report_id, r.platform, r.channel, r.author_key, r.url, r.publish_text,
               r.created_at, r.created_precision, l.* EXCLUDE (report_id), f.occurred_at, f.occurred_precision,
               f.disclosed_at, f.disclosed_precision, f.several_agents,
               CASE WHEN quotable THEN r.title END AS title, CASE WHEN quotable THEN r.text END AS text
        FROM incident_reports i
        JOIN reports r USING (report_id)
        LEFT JOIN current_labels l USING (report_id)
        LEFT JOIN report_facts f USING (report_id),
        LATERAL (SELECT l.is_strict AND r.publish_text <> 'none' AND l.evidence >= 1 AS quotable)
        WHERE i.incident IN (SELECT unnest(?::BIGINT[]))
        ORDER BY i.incident, r.created_at NULLS LAST, r.report_id
        """,
        [numbers],
    )
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["incident"]].append(row)
    return found
