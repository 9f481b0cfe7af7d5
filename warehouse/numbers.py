"""Permanent numbers of incidents: given once, never reused, every change of them written down.

Each group of reports under normal merging has one number. A group that holds several keeps the oldest, and the others
redirect to it. An incident whose reports fall into several groups leaves its number to the group of the report it was
opened with; each other group gets back the oldest number that was opened with one of its reports and redirects now, or
a new one. A number that redirects always leads to where the report stands that it was opened with.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import duckdb

from warehouse.rows import fetch, merge, scalar
from warehouse.schema.models import Derived, Link
from warehouse.schema.tables import TABLES

_JOINED: Final = tuple(
    name for name in TABLES["incident_reports"].columns if name not in {"report_id", "linked_at", "run_id"}
)


@dataclass
class _Ledger:
    """What is known of the numbers that some groups hold or held."""

    run_id: str
    held: dict[str, int]
    earlier: dict[str, list[int]]
    opener: dict[int, str]
    redirects: dict[int, int]
    changes: list[dict[str, Any]] = field(default_factory=list)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def note(
        self, change: str, incident: int, reason: str, *, report: str | None = None, other: int | None = None
    ) -> None:
        """Write a change down."""
        row = {"changed_at": self.now, "change": change, "incident": incident, "report_id": report}
        self.changes.append({**row, "other_incident": other, "reason": reason, "run_id": self.run_id})


def settle(
    con: duckdb.DuckDBPyConnection,
    order: Sequence[str],
    groups: Mapping[str, str],
    links: Iterable[Link],
    run_id: str,
    *,
    derived: Mapping[str, Derived] | None = None,
    splits: Mapping[str, int] | None = None,
) -> int:
    """Give every report of `order` its incident; the caller owns the transaction.

    Args:
        con: connection to the working file.
        order: report ids, oldest first: new numbers are given in this order. Groups must be whole.
        groups: report id -> group key under normal merging.
        links: all edges among these reports, from which each report's own link is chosen.
        run_id: the run that does it.
        derived: report id -> the report that it passes on.
        splits: report id -> number of the incident that a decision split it from.

    Returns:
        How many new numbers were given.
    """
    ledger = _ledger(con, order, run_id)
    members: dict[str, list[str]] = defaultdict(list)
    for report in order:
        members[groups.get(report, report)].append(report)
    numbers, opened = _numbered(con, ledger, members, splits or {})
    best = _best_links(links)
    rows = []
    for key, reports in members.items():
        inside = set(reports)
        for report in reports:
            link = next((link for link in best.get(report, ()) if _other(link, report) in inside), None)
            row = _joined(report, numbers[key], link, first=report == reports[0])
            found = (derived or {}).get(report)
            if found:
                row |= {
                    "derived_from": found.derived_from,
                    "derived_method": found.method,
                    "derived_reason": found.reason,
                }
            rows.append({**row, "linked_at": ledger.now, "run_id": run_id})
            before = ledger.held.get(report)
            if before == numbers[key]:
                continue
            if before is not None and before not in ledger.redirects:
                ledger.note("left", before, "its reports tell several events", report=report)
            ledger.note("joined", numbers[key], row["link_reason"], report=report)
    merge(con, TABLES["incident_reports"], rows, update=_JOINED)
    _write_changes(con, ledger.changes)
    return opened


def _numbered(
    con: duckdb.DuckDBPyConnection, ledger: _Ledger, members: Mapping[str, Sequence[str]], splits: Mapping[str, int]
) -> tuple[dict[str, int], int]:
    """Return group -> number, and how many are new; redirects and openings are written."""
    claims: dict[int, list[str]] = defaultdict(list)
    for key, reports in members.items():
        for number in sorted({ledger.held[report] for report in reports if report in ledger.held}):
            claims[number].append(key)
    kept: dict[str, list[int]] = defaultdict(list)
    for number, keys in claims.items():
        opener = ledger.opener.get(number)
        # Without the report it was opened with: the group with most of its reports, then the oldest.
        winner = max(
            keys,
            key=lambda key: (
                opener in members[key],
                sum(ledger.held.get(report) == number for report in members[key]),
                -keys.index(key),
            ),
        )
        kept[winner].append(number)
    numbers: dict[str, int] = {}
    opened = 0
    for key, reports in members.items():
        own = sorted(kept.get(key, ()))
        left = {ledger.held[report] for report in reports if report in ledger.held}
        back = _redirecting(ledger, reports)
        if not own and back is None:
            number = _open(con, ledger)
            opened += 1
        elif back is not None and (not own or back < own[0]):
            number = back
            _reopen(con, ledger, back)
        else:
            number = own[0]
        numbers[key] = number
        for other in own:
            if other != number:
                _redirect(con, ledger, other, number)
        if not own:
            for before in sorted(left - {number}):
                decided = any(splits.get(report) == before for report in reports)
                reason = "a decision" if decided else "what is known now tells two events"
                ledger.note("split", before, reason, other=number)
    _lead_home(con, ledger, {report: numbers[key] for key, reports in members.items() for report in reports})
    return numbers, opened


def _redirecting(ledger: _Ledger, reports: Sequence[str]) -> int | None:
    """Return the oldest number that was opened with one of these reports and redirects now."""
    inside = set(reports)
    return min(
        (
            number
            for report in reports
            for number in ledger.earlier.get(report, ())
            if number in ledger.redirects and ledger.opener.get(number) in inside
        ),
        default=None,
    )


def _lead_home(con: duckdb.DuckDBPyConnection, ledger: _Ledger, stands: Mapping[str, int]) -> None:
    """Let every number that redirects lead to where the report stands that it was opened with."""
    for number, into in sorted(ledger.redirects.items()):
        home = stands.get(ledger.opener.get(number, ""))
        if home is not None and home not in (into, number):
            con.execute("UPDATE merges SET into_incident = ? WHERE from_incident = ?", [home, number])
            ledger.redirects[number] = home
            ledger.note("merged", number, "the report it was opened with stands there now", other=home)


def _ledger(con: duckdb.DuckDBPyConnection, order: Sequence[str], run_id: str) -> _Ledger:
    ids = list(order)
    held = dict(
        con.execute(
            "SELECT report_id, incident FROM incident_reports WHERE report_id IN (SELECT unnest(?::VARCHAR[]))", [ids]
        ).fetchall()
    )
    earlier: dict[str, list[int]] = defaultdict(list)
    for report, number in con.execute(
        "SELECT DISTINCT report_id, incident FROM incident_changes "
        "WHERE change = 'joined' AND report_id IN (SELECT unnest(?::VARCHAR[]))",
        [ids],
    ).fetchall():
        earlier[report].append(number)
    numbers = sorted({*held.values(), *(number for found in earlier.values() for number in found)})
    opener = dict(
        con.execute(
            "SELECT incident, arg_min(report_id, change_number) FROM incident_changes "
            "WHERE change = 'joined' AND incident IN (SELECT unnest(?::BIGINT[])) GROUP BY incident",
            [numbers],
        ).fetchall()
    )
    redirects = dict(
        con.execute(
            "SELECT from_incident, into_incident FROM merges WHERE from_incident IN (SELECT unnest(?::BIGINT[]))",
            [numbers],
        ).fetchall()
    )
    return _Ledger(run_id, held, earlier, opener, redirects)


def _joined(report: str, number: int, link: Link | None, *, first: bool) -> dict[str, Any]:
    method, score, reason, to = "same_event", 0.5, "joined through other reports that tell the same event", None
    if first:
        method, score, reason = "origin", 1.0, "the earliest report of this incident here"
    elif link:
        method, score, reason, to = link.method, link.score, link.reason, _other(link, report)
    row = {"incident": number, "report_id": report, "link_method": method, "link_score": score}
    return {**row, "link_reason": reason, "linked_to": to}


def _other(link: Link, report: str) -> str:
    return link.linked_to if link.report_id == report else link.report_id


def _best_links(links: Iterable[Link]) -> Mapping[str, Sequence[Link]]:
    """Return each report's links, the best first: its own to an earlier report before those of later ones to it."""
    found: dict[str, list[Link]] = defaultdict(list)
    for link in links:
        if link.merge != "loose":
            found[link.report_id].append(link)
            found[link.linked_to].append(link)
    return {
        report: sorted(
            own,
            key=lambda link, report=report: (  # type: ignore[misc]
                link.method != "review",
                link.report_id != report,
                -link.score,
                _other(link, report),
            ),
        )
        for report, own in found.items()
    }


def _open(con: duckdb.DuckDBPyConnection, ledger: _Ledger) -> int:
    number = _take(con, "incident", 1)
    con.execute(
        "INSERT INTO incidents (incident, incident_status, is_strict, reports, opened_at, run_id) "
        "VALUES (?, 'reported', false, 0, ?, ?)",
        [number, ledger.now, ledger.run_id],
    )
    ledger.note("opened", number, "reports that tell an event not known before")
    return number


def _redirect(con: duckdb.DuckDBPyConnection, ledger: _Ledger, other: int, number: int) -> None:
    reason = "a later report or a decision ties both"
    # Reports that are no longer counted, and so stand in no group, follow their number.
    for (report,) in con.execute("SELECT report_id FROM incident_reports WHERE incident = ?", [other]).fetchall():
        if report not in ledger.held:
            ledger.note("joined", number, reason, report=report)
    con.execute("UPDATE incident_reports SET incident = ? WHERE incident = ?", [number, other])
    con.execute("UPDATE merges SET into_incident = ? WHERE into_incident = ?", [number, other])
    row = {"from_incident": other, "into_incident": number, "merged_at": ledger.now, "reason": reason}
    merge(con, TABLES["merges"], [{**row, "run_id": ledger.run_id}])
    for before, into in list(ledger.redirects.items()):
        if into == other:
            ledger.redirects[before] = number
    for (before,) in con.execute(
        "SELECT from_incident FROM merges WHERE into_incident = ? AND from_incident <> ?", [number, other]
    ).fetchall():
        if _last_target(con, ledger, before) != number:
            ledger.note("merged", before, reason, other=number)
    ledger.redirects[other] = number
    ledger.note("merged", other, reason, other=number)


def _last_target(con: duckdb.DuckDBPyConnection, ledger: _Ledger, number: int) -> int | None:
    for change in reversed(ledger.changes):
        if change["change"] == "merged" and change["incident"] == number:
            return int(change["other_incident"])
    found = scalar(
        con,
        "SELECT other_incident FROM incident_changes WHERE change = 'merged' AND incident = ? "
        "ORDER BY change_number DESC LIMIT 1",
        [number],
    )
    return None if found is None else int(found)


def _reopen(con: duckdb.DuckDBPyConnection, ledger: _Ledger, number: int) -> None:
    con.execute("DELETE FROM merges WHERE from_incident = ?", [number])
    into = ledger.redirects.pop(number)
    ledger.note("reopened", number, "what tied the two no longer holds", other=into)


def _take(con: duckdb.DuckDBPyConnection, name: str, count: int) -> int:
    """Return the next of `count` numbers of a counter and move it on."""
    found = scalar(con, "SELECT next_value FROM counters WHERE name = ?", [name])
    if found is None:
        con.execute("INSERT INTO counters (name, next_value) VALUES (?, ?)", [name, 1 + count])
        return 1
    con.execute("UPDATE counters SET next_value = next_value + ? WHERE name = ?", [count, name])
    return int(found)


def _write_changes(con: duckdb.DuckDBPyConnection, changes: Sequence[Mapping[str, Any]]) -> None:
    if changes:
        first = _take(con, "incident_change", len(changes))
        numbered = [{"change_number": first + at, **change} for at, change in enumerate(changes)]
        merge(con, TABLES["incident_changes"], numbered)


def follow(con: duckdb.DuckDBPyConnection, number: int) -> int | None:
    """Return the number an incident stands under now, None for one that was never given."""
    row = fetch(
        con,
        "SELECT coalesce(m.into_incident, i.incident) AS stands FROM incidents i "
        "LEFT JOIN merges m ON m.from_incident = i.incident WHERE i.incident = ?",
        [number],
    )
    return int(row[0]["stands"]) if row else None
