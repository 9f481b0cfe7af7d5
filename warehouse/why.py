"""The audit trail of one incident: down to reports, links, labels, spans, raw items and runs, and up to the figures.

Works on a snapshot, which has the public part, and on a working file, which also has the raw items.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import duckdb

from warehouse.connect import WarehouseError
from warehouse.numbers import follow
from warehouse.record import read_probabilities, with_p
from warehouse.rows import fetch, scalar

Trail = dict[str, Any]


def trail(con: duckdb.DuckDBPyConnection, number: int) -> Trail:
    """Return everything that stands behind an incident and every figure it counts in, as plain JSON values.

    Raises:
        WarehouseError: no incident ever had this number.
    """
    stands = follow(con, number)
    if stands is None:
        last = scalar(con, "SELECT max(incident) FROM incidents")
        msg = f"no incident has the number {number}; numbers given so far: 1 to {last or 0}"
        raise WarehouseError(msg)
    private = bool(scalar(con, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'raw_items' AND NOT internal"))
    (found,) = fetch(con, "SELECT * FROM incidents WHERE incident = ?", [stands])
    found.pop("inputs_hash", None)
    names = [number, stands]
    return {
        "asked": number,
        "incident": stands,
        "redirected": stands != number,
        "record": read_probabilities(found),
        "reports": [_report(con, row, private=private) for row in _members(con, stands)],
        "figures": _figures(con, stands),
        "decisions": fetch(
            con,
            "SELECT review_id, review_of, decision, decided_value, reviewer, reviewed_at FROM decisions WHERE "
            "review_of IN (SELECT 'incident:' || unnest(?::BIGINT[])) "
            "OR review_of IN (SELECT report_id FROM incident_reports WHERE incident = ?) ORDER BY reviewed_at",
            [names, stands],
        ),
        "history": fetch(
            con,
            "SELECT changed_at, change, incident, report_id, other_incident, reason, run_id FROM incident_changes "
            "WHERE incident IN (SELECT unnest(?::BIGINT[])) OR other_incident IN (SELECT unnest(?::BIGINT[])) "
            "ORDER BY change_number",
            [names, names],
        ),
    }


def as_of(con: duckdb.DuckDBPyConnection, number: int, moment: datetime) -> Trail:
    """Return how a number stood at a moment: given or not, what it redirected to, the reports it had.

    Raises:
        WarehouseError: the number had not been given by then.
    """
    rows = fetch(con, "SELECT * FROM incidents_as_of(?::TIMESTAMPTZ) WHERE incident = ?", [moment, number])
    if not rows:
        msg = f"no incident had the number {number} on {moment:%Y-%m-%d %H:%M} UTC"
        raise WarehouseError(msg)
    stands = rows[0]["redirects_to"] or number
    members = fetch(
        con,
        "SELECT report_id, since FROM members_as_of(?::TIMESTAMPTZ) WHERE incident = ? ORDER BY since, report_id",
        [moment, stands],
    )
    return {"asked": number, "as_of": moment, "incident": stands, **rows[0], "members": members}


def _members(con: duckdb.DuckDBPyConnection, number: int) -> list[dict[str, Any]]:
    return fetch(
        con,
        """
        SELECT i.report_id, r.platform, r.url, r.created_at, r.created_precision, i.link_method, i.link_score,
               i.link_reason, i.linked_to, i.linked_at, i.run_id AS linked_by, i.derived_from, i.derived_method,
               i.derived_reason, r.source_id, r.run_id AS collected_by,
               l.* EXCLUDE (report_id, text_hash, label_status, run_id), l.run_id AS judged_by
        FROM incident_reports i JOIN reports r USING (report_id) LEFT JOIN current_labels l USING (report_id)
        WHERE i.incident = ?
        ORDER BY r.created_at NULLS LAST, i.report_id
        """,
        [number],
    )


def _report(con: duckdb.DuckDBPyConnection, row: dict[str, Any], *, private: bool) -> dict[str, Any]:
    # A snapshot of before may lack the second.
    for name in ("behaviours", "action_probabilities", "agents", "spans"):
        if name in row:
            row[name] = json.loads(row[name] or "null")
    if private:
        row["raw_items"] = fetch(
            con,
            "SELECT source_id, given_id, content_hash, mapper, found_at, fetched_at, run_id FROM raw_items "
            "WHERE report_id = ? ORDER BY fetched_at",
            [row["report_id"]],
        )
    else:
        row["excerpts"] = fetch(
            con,
            "SELECT span_rule, span_field, span_start, span_end, excerpt FROM evidence_spans WHERE report_id = ? "
            "ORDER BY ALL",
            [row["report_id"]],
        )
    runs = {row["collected_by"], row["judged_by"], row["linked_by"]} | {
        item["run_id"] for item in row.get("raw_items", ())
    }
    row["runs"] = fetch(
        con,
        "SELECT run_id, command, started_at, version, queries, instrument, run_state FROM runs "
        "WHERE run_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY started_at",
        [sorted(run for run in runs if run)],
    )
    return row


def _figures(con: duckdb.DuckDBPyConnection, number: int) -> list[dict[str, Any]]:
    """Return, for each merge setting, the groups its reports stand in and the monthly count each is one of."""
    return fetch(
        con,
        """
        WITH own AS (
            SELECT DISTINCT g.merge, g.group_key
            FROM groupings g JOIN incident_reports i USING (report_id) WHERE i.incident = ?
        )
        SELECT g.merge, g.group_key, g.is_strict, g.month, g.reports, g.platforms, g.sources, g.agents, g.vendors,
               g.behaviours, g.incident AS counted_as,
               CASE WHEN g.is_strict THEN m.incidents END AS one_of,
               (SELECT list(c.source || ': ' || c.state ORDER BY c.source) FROM coverage_months c
                WHERE c.month = g.month AND list_contains(g.platforms, c.source)) AS coverage
        FROM own JOIN group_facts g USING (merge, group_key)
        LEFT JOIN monthly_incidents m ON m.merge = g.merge AND m.month = g.month
        ORDER BY CASE g.merge WHEN 'tight' THEN 0 WHEN 'normal' THEN 1 ELSE 2 END, g.group_key
        """,
        [number],
    )


def told(found: Mapping[str, Any]) -> str:
    """Return a trail in plain sentences, from the incident down to the raw items and back up to the figures."""
    record = found["record"]
    lines = [f"incident {found['incident']}: {record['incident_title']}"]
    if found["redirected"]:
        lines.append(f"number {found['asked']} redirects to it")
    lines += [
        record["summary"] or "no strict report of it is held at present",
        f"status {record['incident_status']} ({record['status_reason']}); evidence {record['evidence_tier']}, "
        f"gravity {record['gravity']}; {record['reports']} reports, {record['echo']} of them pass on another; "
        f"{record['sources']} sources, {record['independent_sources']} independent",
        f"principal {record['principal']}, subject {record['subject']}, several agents {record['several_agents']}, "
        f"verification {record['verification']}",
        "",
    ]
    for report in found["reports"]:
        lines += _report_lines(report)
    lines.append("counts in")
    for figure in found["figures"]:
        month = f"{figure['month']:%Y-%m}" if figure["month"] else "no month (its date is not known well enough)"
        share = f", one of {figure['one_of']} incidents" if figure["one_of"] else ", not counted as strict"
        cuts = ", ".join([*figure["behaviours"], *figure["agents"], *figure["vendors"], *figure["platforms"]])
        cover = ", ".join(figure["coverage"] or ()) or "unknown"
        lines.append(f"  {figure['merge']}: {month}{share}; group of {figure['reports']}; coverage {cover}")
        lines.append(f"    cuts: {cuts}")
    for decision in found["decisions"]:
        lines.append(
            f"decision {decision['review_id']} by {decision['reviewer']}, {decision['reviewed_at']:%Y-%m-%d}: "
            f"{decision['decision']} = {decision['decided_value']} on {decision['review_of']}"
        )
    lines.append("history")
    for change in found["history"]:
        what = change["report_id"] or (f"other number {change['other_incident']}" if change["other_incident"] else "")
        moment = f"{change['changed_at']:%Y-%m-%d %H:%M}"
        lines.append(f"  {moment} {change['incident']} {change['change']} {what}: {change['reason']}")
    return "\n".join(lines)


def _report_lines(report: Mapping[str, Any]) -> list[str]:
    when = f"{report['created_at']:%Y-%m-%d}" if report["created_at"] else "no date"
    lines = [f"report {report['report_id']}, {when} ({report['created_precision']}), {report['url'] or 'no address'}"]
    tie = f" with {report['linked_to']}" if report["linked_to"] else ""
    lines.append(f"  joined: {report['link_method']}{tie}, {report['link_score']:.2f}: {report['link_reason']}")
    if report["derived_from"]:
        lines.append(f"  passes on {report['derived_from']} ({report['derived_method']}): {report['derived_reason']}")
    if report["instrument"]:
        sure = {**(report["behaviours"] or {}), **(report.get("action_probabilities") or {})}
        told = [with_p(code, sure) for code in (*report["behaviours_present"], *report["actions"])]
        lines.append(
            f"  label: {report['kind']}, p {report['p_strict']:.2f}, evidence {report['evidence']}, "
            f"gravity {report['gravity']}, score {report['score']}, "
            f"{', '.join(told) or 'no code'}; {report['instrument']}"
        )
    else:
        lines.append("  label: none by the present instrument")
    rules = sorted({span["rule"] for span in report.get("spans") or ()})
    if rules:
        lines.append(f"  because of: {', '.join(rules)}")
    excerpts = dict.fromkeys(" ".join(item["excerpt"].split()) for item in report.get("excerpts", ()))
    lines += [f"  “{excerpt}”" for excerpt in list(excerpts)[:3]]
    lines += [
        f"  raw: {item['source_id']} {item['given_id']} ({item['found_at']}), read {item['fetched_at']:%Y-%m-%d %H:%M}"
        for item in report.get("raw_items", ())
    ]
    lines += [
        f"  run {run['run_id']}: {run['command']}, version {run['version']}, queries {run['queries'] or 'none'}"
        for run in report["runs"]
    ]
    return lines
