"""The best-evidenced incidents of a snapshot, with their links and short evidence spans."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from warehouse.present.inert import visible
from warehouse.rows import fetch

NUMBER: Final = 10
EXCERPTS: Final = 2
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
    status: str
    reports: int
    links: tuple[str, ...]
    excerpts: tuple[Excerpt, ...]


def strongest(con: duckdb.DuckDBPyConnection, number: int = NUMBER) -> tuple[Case, ...]:
    """Return the strict incidents with the strongest evidence, the newest first among equals."""
    rows = fetch(
        con,
        """
        SELECT incident, incident_title, evidence, incident_status, best_report_id, agent_names, behaviours_present,
               reports,
               CASE first_reported_precision
                    WHEN 'unknown' THEN NULL
                    WHEN 'year' THEN strftime(first_reported_at, '%Y')
                    WHEN 'month' THEN strftime(first_reported_at, '%Y-%m')
                    ELSE strftime(first_reported_at, '%Y-%m-%d') END AS date
        FROM incidents
        WHERE is_strict AND incident_status <> 'withdrawn'
        ORDER BY evidence DESC NULLS LAST, first_reported_at DESC NULLS LAST, incident DESC
        LIMIT ?
        """,
        [number],
    )
    chosen = [row["incident"] for row in rows]
    links: dict[int, list[str]] = {}
    for row in fetch(
        con,
        """
        SELECT l.incident, l.url
        FROM incident_links l JOIN incidents i USING (incident)
        WHERE l.incident IN (SELECT unnest(?::BIGINT[]))
        ORDER BY l.incident, l.report_id <> i.best_report_id, l.created_at NULLS LAST, l.report_id
        """,
        [chosen],
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
        ORDER BY ir.incident, e.report_id <> ir.best_report_id, e.report_id, span_field, excerpt, span_start
        """,
        [chosen],
    ):
        own = spans.setdefault(row["incident"], [])
        if not own or own[0]["report_id"] == row["report_id"]:
            own.append(row)
    return tuple(
        Case(
            incident=row["incident"],
            title=row["incident_title"] or f"Incident {row['incident']}",
            date=row["date"],
            agents=tuple(row["agent_names"] or ()),
            behaviours=tuple(row["behaviours_present"] or ()),
            evidence=row["evidence"],
            status=row["incident_status"],
            reports=row["reports"],
            links=tuple(dict.fromkeys(links.get(row["incident"], ()))),
            excerpts=excerpts(spans.get(row["incident"], ())),
        )
        for row in rows
    )


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
