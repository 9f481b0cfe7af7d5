"""What people decided about incidents: which reports tell one event, which do not, and what only a person can say."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from typing import Any, Final

import duckdb

from warehouse.rows import fetch
from warehouse.schema import codes
from warehouse.schema.models import Link

INCIDENT: Final = "incident:"
_JOINING: Final = ("same", "not_same", "split")
Pair = tuple[str, str]


@dataclass(frozen=True)
class Rulings:
    """Decisions in force on which reports tell one event.

    Attributes:
        together: links that must hold, under every merge setting.
        apart: pairs that must never share a group, under any setting.
        touched: reports named by decisions that linking has not taken account of, or that were taken back since.
        ids: the decisions, to be remembered once they are applied.
        splits: report -> number of the incident it was split from.
    """

    together: tuple[Link, ...]
    apart: tuple[Pair, ...]
    touched: frozenset[str]
    ids: tuple[str, ...]
    splits: dict[str, int]


@dataclass(frozen=True)
class _Ruling:
    review_id: str
    same: tuple[Pair, ...]
    apart: tuple[Pair, ...]
    reports: frozenset[str]
    split_from: int | None = None


def rulings(con: duckdb.DuckDBPyConnection) -> Rulings:
    """Read the decisions `same`, `not_same` and `split` in force.

    Where two contradict each other, also by way of third reports, the later one holds and the earlier one is void. A
    split names lists of reports: each list tells one event, no two lists the same; reports that the incident had on
    that day and that stand in no list belong to none of the lists.
    """
    in_force = _parsed(con, "SELECT * FROM decisions WHERE decision IN ('same', 'not_same', 'split')")
    applied = {review for (review,) in con.execute("SELECT review_id FROM applied_decisions").fetchall()}
    present = {ruling.review_id for ruling in in_force}
    gone = applied - present
    void = _parsed(con, "SELECT * FROM reviews WHERE review_id IN (SELECT unnest(?))", [sorted(gone)]) if gone else []
    touched = {report for ruling in in_force if ruling.review_id not in applied for report in ruling.reports} | {
        report for ruling in void for report in ruling.reports
    }
    together, apart = _consistent(in_force)
    return Rulings(
        together=together,
        apart=apart,
        touched=frozenset(touched),
        ids=tuple(sorted(present)),
        splits={
            report: ruling.split_from
            for ruling in reversed(in_force)
            if ruling.split_from is not None
            for report in ruling.reports
        },
    )


def _parsed(con: duckdb.DuckDBPyConnection, sql: str, parameters: Iterable[Any] = ()) -> list[_Ruling]:
    """Return rulings, the latest first; a decision that cannot be read decides nothing."""
    rows = fetch(con, f"{sql} ORDER BY reviewed_at DESC, review_id DESC", list(parameters))
    return [found for row in rows if (found := _ruling(con, row))]


def _ruling(con: duckdb.DuckDBPyConnection, row: dict[str, Any]) -> _Ruling | None:
    kind, of, value = row["decision"], row["review_of"], row["decided_value"] or ""
    if kind in ("same", "not_same"):
        pairs: tuple[Pair, ...] = ((of, value),)
        if not value or of == value:
            return None
        same, apart = (pairs, ()) if kind == "same" else ((), pairs)
        return _Ruling(row["review_id"], same, apart, frozenset({of, value}))
    number = incident_of(of)
    lists = _lists(value)
    if kind != "split" or number is None or not lists:
        return None
    # The parts as they stood when it was decided: what joined later is a matter of linking again.
    held = {
        report
        for (report,) in con.execute(
            "SELECT report_id FROM members_as_of(?::TIMESTAMPTZ) WHERE incident = ?", [row["reviewed_at"], number]
        ).fetchall()
    }
    named = {report for part in lists for report in part}
    heads = [part[0] for part in lists]
    within = tuple((report, part[0]) for part in lists for report in part[1:])
    between = [*combinations(heads, 2), *((report, head) for report in sorted(held - named) for head in heads)]
    return _Ruling(row["review_id"], within, tuple(between), frozenset(named | held), number)


def _lists(value: str) -> list[list[str]]:
    try:
        read = json.loads(value)
    except json.JSONDecodeError:
        return []
    if not isinstance(read, list) or not all(isinstance(part, list) for part in read):
        return []
    seen: set[str] = set()
    lists = []
    for part in read:
        own = [str(report) for report in part if str(report) not in seen]
        seen.update(own)
        if own:
            lists.append(own)
    return lists


def _consistent(in_force: Iterable[_Ruling]) -> tuple[tuple[Link, ...], tuple[Pair, ...]]:
    """Return what must hold together and apart; rulings are heard latest first, and what contradicts is void."""
    above: dict[str, str] = {}

    def top(report: str) -> str:
        above.setdefault(report, report)
        while above[report] != report:
            report = above[report]
        return report

    links: list[Link] = []
    apart: list[Pair] = []
    for ruling in in_force:
        for left, right in ruling.same:
            one, other = sorted((top(left), top(right)))
            if any({top(a), top(b)} == {one, other} for a, b in apart):
                continue
            above[other] = one
            reason = f"decision {ruling.review_id}: the same event"
            pair = {"report_id": left, "linked_to": right, "reason": reason}
            links.append(Link.model_validate({**pair, "method": "review", "score": 1.0, "merge": "tight"}))
        apart += [(left, right) for left, right in ruling.apart if top(left) != top(right)]
    return tuple(links), tuple(apart)


def incident_of(review_of: str | None) -> int | None:
    """Return the number in `incident:NUMBER`, None for anything else."""
    number = (review_of or "").removeprefix(INCIDENT)
    return int(number) if (review_of or "").startswith(INCIDENT) and number.isdigit() else None


@dataclass(frozen=True)
class Sayings:
    """What people decided about one incident's record, by name of the decision; the latest of each."""

    values: dict[str, str]
    by: dict[str, str]

    def code(self, name: str, vocabulary: str, otherwise: str) -> str:
        """Return the decided code, or `otherwise` where none, or none of the vocabulary, was decided."""
        value = self.values.get(name)
        return value if value in codes.VOCABULARIES[vocabulary] else otherwise

    def address(self, name: str) -> str | None:
        """Return the decided public address, None where there is none."""
        value = self.values.get(name, "").strip()
        return value if value.startswith(("https://", "http://")) else None

    def verification(self) -> tuple[str, str | None, datetime | None]:
        """Return status, method and day of the decided verification, given as code or as JSON of the three."""
        value = self.values.get("verification", "")
        try:
            read = json.loads(value)
        except json.JSONDecodeError:
            read = {"status": value}
        if not isinstance(read, dict) or read.get("status") not in codes.VERIFICATION:
            return "unchecked", None, None
        found = moment(str(read.get("at") or ""))
        return str(read["status"]), str(read["method"]) if read.get("method") else None, found[0] if found else None


def sayings(con: duckdb.DuckDBPyConnection) -> dict[int, Sayings]:
    """Return what was decided on incidents, under the number each stands under now; the latest decision counts."""
    redirects = dict(con.execute("SELECT from_incident, into_incident FROM merges").fetchall())
    rows = fetch(
        con,
        "SELECT * FROM decisions WHERE starts_with(review_of, ?) AND NOT list_contains(?, decision) "
        "ORDER BY reviewed_at, review_id",
        [INCIDENT, list(_JOINING)],
    )
    found: dict[int, Sayings] = {}
    for row in rows:
        number = incident_of(row["review_of"])
        if number is None:
            continue
        # A decision on a number that redirects is about the event, which stands under the other number now.
        own = found.setdefault(redirects.get(number, number), Sayings({}, {}))
        own.values[row["decision"]] = row["decided_value"] or ""
        own.by[row["decision"]] = f"decision {row['review_id']} by {row['reviewer']} on {row['reviewed_at']:%Y-%m-%d}"
    return found


def moment(value: str) -> tuple[datetime, str] | None:
    """Return a stated date with its precision: 2026-03-05, 2026-03 or 2026."""
    for length, form, precision in ((10, "%Y-%m-%d", "day"), (7, "%Y-%m", "month"), (4, "%Y", "year")):
        if len(value) == length:
            try:
                return datetime.strptime(value, form).replace(tzinfo=UTC), precision
            except ValueError:
                return None
    return None
