"""The list of incidents: search, filters, order and one page of it at a time, all in SQL."""

from dataclasses import dataclass
from typing import Any, Final

import duckdb

from app.keep import kept, reading
from warehouse.connect import Snapshot
from warehouse.present.cases import Case, told
from warehouse.rows import fetch, scalar

PAGE: Final = 20
WORDS: Final = 6
ORDERS: Final = {
    "newest": "first_reported_at DESC NULLS LAST",
    "oldest": "first_reported_at NULLS LAST",
    "evidence": "evidence DESC NULLS LAST, first_reported_at DESC NULLS LAST",
    "gravity": "gravity DESC NULLS LAST, first_reported_at DESC NULLS LAST",
    "most reports": "reports DESC, first_reported_at DESC NULLS LAST",
}
Rows = tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Wanted:
    """What a reader asks for; months as "2026-03"; nothing asked means all strict incidents."""

    words: str = ""
    behaviour: str | None = None
    action: str | None = None
    agent: str | None = None
    vendor: str | None = None
    source: str | None = None
    status: str | None = None
    evidence: int = 0
    gravity: int = 0
    start: str | None = None
    end: str | None = None
    strict: bool = True


@dataclass(frozen=True)
class Found:
    """One page of the incidents asked for, out of `total`, which `reports` reports tell."""

    cases: tuple[Case, ...]
    total: int
    reports: int


@dataclass(frozen=True)
class Choices:
    """What there is to choose from in a snapshot, each in alphabetical order; months from first to last."""

    agents: tuple[str, ...]
    vendors: tuple[str, ...]
    actions: tuple[str, ...]
    statuses: tuple[str, ...]
    sources: tuple[str, ...]
    months: tuple[str, ...]


def _where(wanted: Wanted) -> tuple[str, list[Any]]:
    """Return the SQL condition over `incidents i`, and its parameters."""
    parts, values = ["true"], list[Any]()

    def add(sql: str, *given: object) -> None:
        parts.append(sql)
        values.extend(given)

    if wanted.strict:
        add("i.is_strict")
    for word in wanted.words.casefold().split()[:WORDS]:
        if word.lstrip("#№").isdigit():
            add("(i.incident = ? OR contains(lower(i.incident_title), ?))", int(word.lstrip("#№")), word)
            continue
        add(
            "(contains(lower(i.incident_title), ?) OR i.incident IN (SELECT ir.incident FROM evidence_spans e "
            "JOIN incident_reports ir USING (report_id) WHERE contains(lower(e.excerpt), ?)))",
            word,
            word,
        )
    for column, value in (
        ("behaviours_present", wanted.behaviour),
        ("actions", wanted.action),
        ("agent_names", wanted.agent),
        ("vendors", wanted.vendor),
    ):
        if value:
            add(f"list_contains(i.{column}, ?)", value)
    if wanted.source:
        add(
            "i.incident IN (SELECT ir.incident FROM incident_reports ir JOIN reports r USING (report_id) "
            "WHERE r.platform = ?)",
            wanted.source,
        )
    if wanted.status:
        add("i.incident_status = ?", wanted.status)
    for column, least in (("evidence", wanted.evidence), ("gravity", wanted.gravity)):
        if least:
            add(f"i.{column} >= ?", least)
    # A date known to the year only is in no month.
    month = "i.first_reported_precision IN ('second', 'day', 'month') AND strftime(i.first_reported_at, '%Y-%m')"
    if wanted.start:
        add(f"{month} >= ?", wanted.start)
    if wanted.end:
        add(f"{month} <= ?", wanted.end)
    return " AND ".join(parts), values


@kept(256)
def page(snapshot: Snapshot, wanted: Wanted, order: str, number: int) -> Found:
    """Return one page of incidents; `number` counts from 1."""
    where, values = _where(wanted)
    with reading(snapshot) as con:
        total, reports = fetch_one(
            con,
            f"SELECT count(*), coalesce(sum(i.reports), 0) FROM incidents i WHERE {where}",  # noqa: S608
            values,
        )
        chosen = con.execute(
            f"SELECT i.incident FROM incidents i WHERE {where} "  # noqa: S608
            f"ORDER BY {ORDERS[order]}, i.incident DESC LIMIT ? OFFSET ?",
            [*values, PAGE, PAGE * (number - 1)],
        ).fetchall()
        return Found(told(con, [row[0] for row in chosen]), total, int(reports))


def fetch_one(con: duckdb.DuckDBPyConnection, sql: str, values: list[Any]) -> tuple[Any, ...]:
    """Return the one row of a query that has one."""
    return con.execute(sql, values).fetchone() or ()


@kept(64)
def echo(snapshot: Snapshot, wanted: Wanted) -> Rows:
    """Return by month how many reports tell these incidents: in the month they were first reported, and later."""
    where, values = _where(wanted)
    with reading(snapshot) as con:
        return tuple(
            fetch(
                con,
                f"""
                WITH told AS (
                    SELECT date_trunc('month', r.created_at) AS month,
                           date_trunc('month', i.first_reported_at) AS first_month
                    FROM incidents i JOIN incident_reports ir USING (incident) JOIN reports r USING (report_id)
                    WHERE r.created_precision IN ('second', 'day', 'month')
                      AND i.first_reported_precision IN ('second', 'day', 'month') AND {where}
                )
                SELECT strftime(month, '%Y-%m') AS month,
                       count(*) FILTER (WHERE month <= first_month) AS first_month,
                       count(*) FILTER (WHERE month > first_month) AS later
                FROM told GROUP BY ALL ORDER BY ALL
                """,  # noqa: S608
                values,
            )
        )


@kept(4)
def choices(snapshot: Snapshot) -> Choices:
    """Return what a reader can filter by."""
    with reading(snapshot) as con:

        def names(expression: str) -> tuple[str, ...]:
            sql = f"SELECT DISTINCT {expression} AS name FROM incidents WHERE is_strict ORDER BY lower(name)"  # noqa: S608
            return tuple(row[0] for row in con.execute(sql).fetchall() if row[0])

        sources = con.execute(
            "SELECT DISTINCT r.platform FROM reports r JOIN incident_reports USING (report_id) ORDER BY 1"
        ).fetchall()
        known = scalar(
            con,
            "SELECT [strftime(min(first_reported_at), '%Y-%m'), strftime(max(first_reported_at), '%Y-%m')] "
            "FROM incidents WHERE is_strict AND first_reported_precision IN ('second', 'day', 'month')",
        )
        return Choices(
            agents=names("unnest(agent_names)"),
            vendors=names("unnest(vendors)"),
            actions=names("unnest(actions)"),
            statuses=names("incident_status"),
            sources=tuple(row[0] for row in sources),
            months=months(known[0], known[1]) if known and known[0] else (),
        )


def months(first: str, last: str) -> tuple[str, ...]:
    """Return every month from the first to the last, both as "2026-03"."""
    start, end = (int(month[:4]) * 12 + int(month[5:7]) - 1 for month in (first, last))
    return tuple(f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(start, end + 1))
