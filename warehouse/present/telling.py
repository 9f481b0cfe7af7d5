"""One incident in full: its record, the reports that tell it, why they are one, and where every word comes from."""

import json
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from warehouse.present.cases import Excerpt, excerpts
from warehouse.record import read_probabilities
from warehouse.rows import fetch, scalar

REPORTS: Final = 100


@dataclass(frozen=True)
class Telling:
    """One report of an incident: what it says by its label, why it is here, and how it came here."""

    report_id: str
    platform: str
    channel: str | None
    url: str | None
    date: str | None
    precision: str
    best: bool
    label: dict[str, Any]
    link: dict[str, Any]
    excerpts: tuple[Excerpt, ...]
    provenance: dict[str, Any]


@dataclass(frozen=True)
class Incident:
    """An incident's record (its columns by name), its reports in the order of their dates, what was decided on it.

    `reports_in_all` may be more than `reports` holds: the earliest are shown.
    """

    number: int
    record: dict[str, Any]
    reports: tuple[Telling, ...]
    reports_in_all: int
    merged: tuple[dict[str, Any], ...]
    decisions: tuple[dict[str, Any], ...]


def follow(con: duckdb.DuckDBPyConnection, number: int) -> int | None:
    """Return the number under which an incident is kept today: its own, or the one it was merged into."""
    if scalar(con, "SELECT count(*) FROM incident_reports WHERE incident = ?", [number]):
        return number
    into = scalar(con, "SELECT into_incident FROM merges WHERE from_incident = ?", [number])
    if into is not None:
        return int(into)
    return number if scalar(con, "SELECT count(*) FROM incidents WHERE incident = ?", [number]) else None


def incident(con: duckdb.DuckDBPyConnection, number: int) -> Incident | None:
    """Return an incident by its number, or None where there is none; merged numbers are not followed here."""
    rows = fetch(con, "SELECT * FROM incidents WHERE incident = ?", [number])
    if not rows:
        return None
    return Incident(
        number=number,
        record=read_probabilities(rows[0]),
        reports=_reports(con, number, rows[0]["best_report_id"]),
        reports_in_all=scalar(con, "SELECT count(*) FROM incident_reports WHERE incident = ?", [number]),
        merged=tuple(
            fetch(
                con,
                "SELECT from_incident, merged_at, reason FROM merges WHERE into_incident = ? ORDER BY merged_at, 1",
                [number],
            )
        ),
        decisions=tuple(
            fetch(
                con,
                "SELECT review_of, decision, decided_value, reviewer, reviewed_at FROM decisions "
                "WHERE review_of = 'incident:' || ? OR review_of IN "
                "(SELECT report_id FROM incident_reports WHERE incident = ?) ORDER BY reviewed_at, review_id",
                [str(number), number],
            )
        ),
    )


def _reports(con: duckdb.DuckDBPyConnection, number: int, best: str | None) -> tuple[Telling, ...]:
    # Chosen first: a join of all labels with all reports for one incident's few would take most of a second.
    chosen = [
        row[0]
        for row in con.execute(
            "SELECT report_id FROM reports "
            "WHERE report_id IN (SELECT report_id FROM incident_reports WHERE incident = ?) "
            "ORDER BY created_at NULLS LAST, report_id LIMIT ?",
            [number, REPORTS],
        ).fetchall()
    ]
    rows = fetch(
        con,
        """
        SELECT r.report_id, r.platform, r.channel, r.url, r.created_at, r.created_precision, r.source_id, r.text_hash,
               r.run_id, u.command, u.started_at AS run_started_at, u.version, u.queries,
               l.instrument, l.judged_at, l.kind, l.is_strict, l.p_strict, l.behaviours_present, l.behaviours_unsure,
               l.actions, l.evidence, l.gravity, l.score, l.spans,
               ir.* EXCLUDE (incident, report_id, run_id)
        FROM (SELECT * FROM incident_reports WHERE incident = $number) ir
        JOIN (SELECT * FROM reports WHERE report_id IN (SELECT unnest($chosen::VARCHAR[]))) r USING (report_id)
        LEFT JOIN (SELECT * FROM current_labels WHERE report_id IN (SELECT unnest($chosen::VARCHAR[]))) l
            ON l.report_id = r.report_id
        LEFT JOIN runs u ON u.run_id = r.run_id
        ORDER BY r.created_at NULLS LAST, r.report_id
        """,
        {"number": number, "chosen": chosen},
    )
    spans: dict[str, list[dict[str, Any]]] = {}
    for row in fetch(
        con,
        "SELECT * FROM evidence_spans WHERE report_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY ALL",
        [chosen],
    ):
        spans.setdefault(row["report_id"], []).append(row)
    return tuple(_telling(row, best, spans.get(row["report_id"], [])) for row in rows)


def _telling(row: dict[str, Any], best: str | None, spans: list[dict[str, Any]]) -> Telling:
    label = ("kind", "is_strict", "p_strict", "behaviours_present", "behaviours_unsure", "actions")
    scales = ("evidence", "gravity", "score")
    # The last three where the snapshot has them: older ones do not.
    link = ("link_method", "link_score", "link_reason", "linked_to", "derived_from", "derived_method", "derived_reason")
    came = ("source_id", "run_id", "command", "run_started_at", "version", "queries", "instrument", "judged_at")
    rules = sorted({str(span["rule"]) for span in json.loads(row["spans"] or "[]")})
    return Telling(
        report_id=row["report_id"],
        platform=row["platform"],
        channel=row["channel"],
        url=row["url"],
        date=day(row["created_at"], row["created_precision"]),
        precision=row["created_precision"],
        best=row["report_id"] == best,
        label={name: row[name] for name in (*label, *scales)},
        link={name: row.get(name) for name in link},
        excerpts=excerpts(spans),
        provenance={**{name: row[name] for name in (*came, "text_hash")}, "rules": rules},
    )


def day(at: Any, precision: str) -> str | None:  # noqa: ANN401
    """Return a date as exactly as it is known, None where it is not."""
    if at is None or precision == "unknown":
        return None
    return f"{at:{({'year': '%Y', 'month': '%Y-%m'}).get(precision, '%Y-%m-%d')}}"
