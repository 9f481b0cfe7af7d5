"""Incidents as lists tell them, the best-evidenced first or by number, with links and short evidence spans."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import duckdb

from warehouse.present.inert import visible
from warehouse.rows import fetch

NUMBER: Final = 10
EXCERPTS: Final = 2
LINKS: Final = 4
LONGEST: Final = 420
WORD: Final = 40

Excerpt = tuple[str, tuple[tuple[int, int], ...]]


@dataclass(frozen=True)
class Case:
    """One incident as the pages tell it; an excerpt comes with its ranges to highlight."""

    incident: int
    title: str
    date: str | None
    agents: tuple[str, ...]
    behaviours: tuple[str, ...]
    evidence: int | None
    gravity: int | None
    status: str
    reports: int
    links: tuple[str, ...]
    excerpts: tuple[Excerpt, ...]


def strongest(con: duckdb.DuckDBPyConnection, number: int = NUMBER, *, month: date | None = None) -> tuple[Case, ...]:
    """Return the strict incidents with the strongest evidence, the newest first among equals.

    Args:
        con: connection to a snapshot.
        number: how many at most.
        month: first day of the month in which they were first reported; None for any time.
    """
    rows = con.execute(
        """
        SELECT incident FROM incidents
        WHERE is_strict AND incident_status <> 'withdrawn'
            AND ($2::DATE IS NULL OR first_reported_precision IN ('second', 'day', 'month')
                AND CAST(date_trunc('month', first_reported_at AT TIME ZONE 'UTC') AS DATE) = $2::DATE)
        ORDER BY evidence DESC NULLS LAST, first_reported_at DESC NULLS LAST, incident DESC
        LIMIT $1
        """,
        [number, month],
    ).fetchall()
    return told(con, [row[0] for row in rows])


def told(con: duckdb.DuckDBPyConnection, chosen: Sequence[int]) -> tuple[Case, ...]:
    """Return incidents by their numbers, in that order, each with a few links and excerpts."""
    rows = fetch(
        con,
        """
        SELECT incident, incident_title, evidence, gravity, incident_status, agent_names, behaviours_present, reports,
               CASE first_reported_precision
                    WHEN 'unknown' THEN NULL
                    WHEN 'year' THEN strftime(first_reported_at, '%Y')
                    WHEN 'month' THEN strftime(first_reported_at, '%Y-%m')
                    ELSE strftime(first_reported_at, '%Y-%m-%d') END AS date
        FROM incidents
        WHERE incident IN (SELECT unnest(?::BIGINT[]))
        """,
        [list(chosen)],
    )
    links: dict[int, list[str]] = {}
    for row in fetch(
        con,
        """
        SELECT l.incident, l.url
        FROM incident_links l JOIN incidents i USING (incident)
        WHERE l.incident IN (SELECT unnest(?::BIGINT[]))
        QUALIFY row_number() OVER (
            PARTITION BY l.incident
            ORDER BY l.report_id IS DISTINCT FROM i.best_report_id, l.created_at NULLS LAST, l.report_id
        ) <= ?
        ORDER BY l.incident, l.report_id IS DISTINCT FROM i.best_report_id, l.created_at NULLS LAST, l.report_id
        """,
        [list(chosen), LINKS],
    ):
        links.setdefault(row["incident"], []).append(row["url"])
    # The best report's own words; those of another report where its platform lets none be shown.
    spans: dict[int, list[dict[str, Any]]] = {}
    for row in fetch(
        con,
        """
        WITH told AS MATERIALIZED (
            SELECT ir.incident, ir.report_id, i.best_report_id
            FROM incident_reports ir JOIN incidents i USING (incident)
            WHERE ir.incident IN (SELECT unnest(?::BIGINT[]))
        )
        SELECT ir.incident, e.*
        FROM told ir JOIN evidence_spans e USING (report_id)
        QUALIFY dense_rank() OVER (
            PARTITION BY ir.incident ORDER BY e.report_id IS DISTINCT FROM ir.best_report_id, e.report_id
        ) = 1
        ORDER BY ir.incident, span_field, excerpt, span_start
        """,
        [list(chosen)],
    ):
        spans.setdefault(row["incident"], []).append(row)
    found = {
        row["incident"]: Case(
            incident=row["incident"],
            title=row["incident_title"] or f"Incident {row['incident']}",
            date=row["date"],
            agents=tuple(row["agent_names"] or ()),
            behaviours=tuple(row["behaviours_present"] or ()),
            evidence=row["evidence"],
            gravity=row["gravity"],
            status=row["incident_status"],
            reports=row["reports"],
            links=tuple(dict.fromkeys(links.get(row["incident"], ()))),
            excerpts=excerpts(spans.get(row["incident"], ())),
        )
        for row in rows
    }
    return tuple(found[number] for number in chosen if number in found)


def excerpts(rows: Sequence[Mapping[str, Any]]) -> tuple[Excerpt, ...]:
    """Return at most two excerpts: text before title, the richest first, none that repeats another."""
    ranges: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for row in rows:
        ranges.setdefault((row["span_field"], row["excerpt"]), []).append((row["span_start"], row["span_end"]))
    order = sorted(ranges, key=lambda key: (key[0] == "title", -len(ranges[key]), -len(key[1]), key[1]))
    shown: list[Excerpt] = []
    for key in order:
        text, found = key[1], ranges[key]
        if len(shown) == EXCERPTS:
            break
        if (
            any(all(text[start:end] in known for start, end in found) for known, _ in shown)
            or not visible(text).strip()
        ):
            continue
        shown.append(_shortened(text, found))
    return tuple(shown)


def _shortened(text: str, found: Sequence[tuple[int, int]]) -> Excerpt:
    """Cut a long excerpt to a window around the first thing found, at spaces, with marks of omission."""
    if len(text) <= LONGEST:
        return text, tuple(found)
    first = min(start for start, _ in found)
    at = max(0, min(first - LONGEST // 4, len(text) - LONGEST))
    space = text.rfind(" ", max(0, at - WORD), at)
    left = space + 1 if space >= 0 else at
    right = text.rfind(" ", left + LONGEST // 2, left + LONGEST) if left + LONGEST < len(text) else len(text)
    right = right if right > first else min(left + LONGEST, len(text))
    before, after = "… " if left else "", " …" if right < len(text) else ""
    moved = tuple(
        (max(start, left) - left + len(before), min(end, right) - left + len(before))
        for start, end in found
        if start < right and end > left
    )
    return f"{before}{text[left:right]}{after}", moved
