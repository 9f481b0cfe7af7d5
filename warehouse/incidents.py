"""Incidents: permanent numbers, the reports joined under them, and what their records derive from the labels.

Numbers are given once and never reused. When a later report ties two incidents together, the younger number
redirects to the older one (table `merges`).
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb

from warehouse.rows import Changed, fetch, merge, scalar
from warehouse.schema.models import Link
from warehouse.schema.tables import TABLES

_MERGES: tuple[str, ...] = ("tight", "normal", "loose")


def linkable(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return every report now held to be a strict positive, oldest first, and whether it was linked before."""
    return fetch(
        con,
        """
        SELECT r.report_id, r.platform, r.channel, r.title, r.text, r.url, r.created_at, l.kind, l.agents, l.actions,
               i.incident IS NOT NULL AS linked
        FROM current_labels l JOIN reports r USING (report_id)
        LEFT JOIN incident_reports i USING (report_id)
        WHERE l.is_strict
        ORDER BY r.created_at NULLS LAST, r.report_id
        """,
    )


def stored_links(con: duckdb.DuckDBPyConnection) -> list[Link]:
    """Return every edge found so far."""
    rows = fetch(
        con, "SELECT report_id, linked_to, link_method, link_score, merge, link_reason FROM links ORDER BY ALL"
    )
    return [
        Link(
            report_id=row["report_id"],
            linked_to=row["linked_to"],
            method=row["link_method"],
            score=row["link_score"],
            merge=row["merge"],
            reason=row["link_reason"],
        )
        for row in rows
    ]


def store_links(con: duckdb.DuckDBPyConnection, links: Sequence[Link], run_id: str) -> Changed:
    """Store edges between reports; the caller owns the transaction."""
    now = datetime.now(UTC)
    rows = [
        {
            "report_id": link.report_id,
            "linked_to": link.linked_to,
            "link_method": link.method,
            "link_score": link.score,
            "merge": link.merge,
            "link_reason": link.reason,
            "linked_at": now,
            "run_id": run_id,
        }
        for link in links
    ]
    return merge(con, TABLES["links"], rows)


def store_groupings(con: duckdb.DuckDBPyConnection, groups: Mapping[str, Mapping[str, str]]) -> Changed:
    """Replace the groups of each merge setting (`{setting: {report_id: group_key}}`) where they differ."""
    rows = [
        {"merge": setting, "report_id": report, "group_key": key}
        for setting in _MERGES
        for report, key in groups[setting].items()
    ]
    changed = merge(con, TABLES["groupings"], rows, update=("group_key",))
    con.execute(
        "DELETE FROM groupings WHERE report_id NOT IN (SELECT unnest(?::VARCHAR[]))",
        [sorted({row["report_id"] for row in rows})],
    )
    return changed


def assign(
    con: duckdb.DuckDBPyConnection,
    order: Sequence[str],
    groups: Mapping[str, str],
    links: Iterable[Link],
    run_id: str,
) -> int:
    """Give every report of `order` its incident: the number its group has, the oldest of several, or a new one.

    Args:
        con: connection; the caller owns the transaction.
        order: report ids, oldest first: new numbers are given in this order.
        groups: report id -> group key under normal merging.
        links: all edges, from which each report's own link is chosen.
        run_id: the run that does it.

    Returns:
        How many numbers were given.
    """
    held: dict[str, int] = dict(con.execute("SELECT report_id, incident FROM incident_reports").fetchall())
    members: dict[str, list[str]] = defaultdict(list)
    for report in order:
        members[groups.get(report, report)].append(report)
    opened = 0
    now = datetime.now(UTC)
    redirects: dict[int, int] = {}
    rows: list[dict[str, Any]] = []
    best = _best_links(links)
    for reports in members.values():
        numbers = sorted({_follow(redirects, held[report]) for report in reports if report in held})
        if numbers:
            number = numbers[0]
            for other in numbers[1:]:
                redirects[other] = number
                _redirect(con, other, number, run_id, now)
        else:
            number = _next_number(con)
            opened += 1
            con.execute(
                "INSERT INTO incidents (incident, incident_status, is_strict, reports, opened_at, run_id) "
                "VALUES (?, 'reported', false, 0, ?, ?)",
                [number, now, run_id],
            )
        inside = set(reports)
        for report in reports:
            if report in held:
                continue
            link = next((link for link in best.get(report, ()) if link.linked_to in inside), None)
            rows.append(
                {
                    "incident": number,
                    "report_id": report,
                    "link_method": link.method if link else "origin",
                    "link_score": link.score if link else 1.0,
                    "link_reason": link.reason if link else "the earliest report of this incident here",
                    "linked_to": link.linked_to if link else None,
                    "linked_at": now,
                    "run_id": run_id,
                }
            )
    # A later group of this call may have redirected a number that an earlier one gave.
    merge(con, TABLES["incident_reports"], [{**row, "incident": _follow(redirects, row["incident"])} for row in rows])
    return opened


def _best_links(links: Iterable[Link]) -> dict[str, list[Link]]:
    by_report: dict[str, list[Link]] = defaultdict(list)
    for link in links:
        if link.merge != "loose":
            by_report[link.report_id].append(link)
    for found in by_report.values():
        found.sort(key=lambda link: (-link.score, link.linked_to))
    return by_report


def _follow(redirects: Mapping[int, int], number: int) -> int:
    while number in redirects:
        number = redirects[number]
    return number


def _next_number(con: duckdb.DuckDBPyConnection) -> int:
    found = scalar(con, "SELECT next_value FROM counters WHERE name = 'incident'")
    if found is None:
        con.execute("INSERT INTO counters (name, next_value) VALUES ('incident', 2)")
        return 1
    con.execute("UPDATE counters SET next_value = next_value + 1 WHERE name = 'incident'")
    return int(found)


def _redirect(con: duckdb.DuckDBPyConnection, other: int, number: int, run_id: str, now: datetime) -> None:
    con.execute("UPDATE incident_reports SET incident = ? WHERE incident = ?", [number, other])
    con.execute("UPDATE merges SET into_incident = ? WHERE into_incident = ?", [number, other])
    row = {
        "from_incident": other,
        "into_incident": number,
        "merged_at": now,
        "reason": "a later report ties both",
        "run_id": run_id,
    }
    merge(con, TABLES["merges"], [row])


def refresh(con: duckdb.DuckDBPyConnection) -> Changed:
    """Derive every incident's record from its reports' current labels; rows that do not change are not touched."""
    reports = fetch(
        con,
        """
        SELECT i.incident, r.report_id, r.platform, r.created_at, r.created_precision,
               l.is_strict, l.p_strict, l.behaviours_present, l.actions, l.evidence, l.gravity, l.score, l.agents
        FROM incident_reports i JOIN reports r USING (report_id) LEFT JOIN current_labels l USING (report_id)
        ORDER BY i.incident, r.created_at NULLS LAST, r.report_id
        """,
    )
    by_incident: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in reports:
        by_incident[row["incident"]].append(row)
    known = {number for (number,) in con.execute("SELECT incident FROM incidents").fetchall()}
    rows = [_record(number, by_incident.get(number, [])) for number in sorted(known)]
    derived = [
        name
        for name in TABLES["incidents"].columns
        if name not in {"incident", "incident_status", "opened_at", "run_id"}
    ]
    return merge(con, TABLES["incidents"], rows, update=derived)


def _record(number: int, reports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    strict = [row for row in reports if row["is_strict"]]
    dated = [row for row in reports if row["created_at"] is not None]
    # As in view group_facts: a date known to the year only counts where there is no better one.
    dated = [row for row in dated if row["created_precision"] != "year"] or dated
    best = max(
        strict,
        key=lambda row: (row["evidence"] or 0, row["score"] or 0, row["p_strict"] or 0.0, row["report_id"]),
        default=None,
    )
    agents = _named_agents(strict)
    return {
        "incident": number,
        "incident_title": _title(agents, _union(strict, "actions"), _union(strict, "behaviours_present")),
        "first_reported_at": dated[0]["created_at"] if dated else None,
        "first_reported_precision": dated[0]["created_precision"] if dated else "unknown",
        "last_reported_at": dated[-1]["created_at"] if dated else None,
        "best_report_id": best["report_id"] if best else None,
        "agent_names": sorted({agent["name"] for agent in agents}),
        "vendors": sorted({agent["vendor"] for agent in agents if agent["vendor"]}),
        "behaviours_present": _union(strict, "behaviours_present"),
        "actions": _union(strict, "actions"),
        "evidence": max((row["evidence"] or 0 for row in strict), default=0),
        "gravity": max((row["gravity"] or 0 for row in strict), default=0),
        "score": max((row["score"] or 0 for row in strict), default=0),
        "p_strict": max((row["p_strict"] or 0.0 for row in strict), default=0.0),
        "is_strict": bool(strict),
        "reports": len(reports),
    }


def _union(reports: Iterable[Mapping[str, Any]], column: str) -> list[str]:
    return sorted({code for row in reports for code in row[column] or ()})


def _named_agents(reports: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [agent for row in reports for agent in json.loads(row["agents"] or "[]")]


def _title(agents: Sequence[Mapping[str, Any]], actions: Sequence[str], behaviours: Sequence[str]) -> str:
    """Return a neutral title of codes, not of the post's words: those are somebody else's."""
    names = list(dict.fromkeys(agent["name"] for agent in agents))[:2]
    codes = [*actions, *(code for code in behaviours if code not in actions)][:3]
    told = ", ".join(code.replace("_", " ") for code in codes) or "an act outside instructions"
    return f"{' and '.join(names) or 'an unnamed AI system'}: {told}"
