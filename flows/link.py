"""Linking new reports: each is compared with what the index finds for it, and only groups around a change form anew."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import duckdb

from classifiers.linking import LINKER, Filing, candidates, cluster, derive, facts, filings, find_links
from flows.identity import tracker
from warehouse import incidents, linking, numbers
from warehouse.rows import merge, transaction
from warehouse.rulings import Rulings, rulings
from warehouse.schema.models import MERGES, Derived, Link, Linkable
from warehouse.schema.tables import TABLES

if TYPE_CHECKING:
    from classifiers.encoder import Encoder

BATCH = 1000
_COPIES = ("exact", "near_duplicate")


def link(
    con: duckdb.DuckDBPyConnection, encoder: "Encoder", *, run_id: str, advance: Callable[[int], None] | None = None
) -> int:
    """Link what is pending and regroup what that touches; return how many incidents were opened.

    Each batch is stored by itself, so a killed run goes on where it stopped; grouping is one transaction.
    """
    waiting = linking.pending(con, LINKER)
    for first in range(0, len(waiting), BATCH):
        batch = waiting[first : first + BATCH]
        compare(con, batch, encoder, run_id=run_id)
        if advance:
            advance(len(batch))
    with transaction(con):
        return regroup(con, run_id=run_id)


def as_linkable(row: Mapping[str, Any]) -> Linkable:
    """Return what linking knows of a report from its row."""
    return Linkable(
        id=row["report_id"],
        title=row["title"],
        text=row["text"],
        created_at=row["created_at"],
        agents=tuple(agent["name"] for agent in json.loads(row["agents"] or "[]")),
        actions=tuple(row["actions"] or ()),
        url=row["url"],
        witness=tracker(row["platform"], row["channel"]) if row["kind"] == "first_hand" else None,
        kind=row["kind"],
    )


def compare(con: duckdb.DuckDBPyConnection, ids: Sequence[str], encoder: "Encoder", *, run_id: str) -> None:
    """Compare reports with each other and with what the index finds for them, and file them, in one transaction."""
    import numpy as np

    rows = linking.reports(con, ids)
    new = filings([as_linkable(row) for row in rows], encoder)
    held = linking.under(con, (key for filing in new for key in filing.keys))
    asked = {number for filing in new for number in candidates(filing, held)}
    fresh = {filing.report.id for filing in new}
    found = [row for row in linking.filed(con, asked) if row["report_id"] not in fresh]
    vectors = {filing.report.id: filing.vector for filing in new}
    vectors |= {row["report_id"]: np.frombuffer(row["vector"], np.float16).astype(np.float32) for row in found}
    links = find_links(
        [filing.report for filing in new], known=[as_linkable(row) for row in found], encoder=encoder, vectors=vectors
    )
    # A copy is found through the first of its kind: under keys of their own ten thousand of them would say no more.
    copies = {link.report_id for link in links if link.method in _COPIES}
    keys = {filing.report.id: filing.keys for filing in new if filing.report.id not in copies}
    hashes = {row["report_id"]: row["text_hash"] for row in rows}
    with transaction(con):
        linking.file(con, [_facts_row(filing, hashes[filing.report.id]) for filing in new], keys, links, run_id)


def _facts_row(filing: Filing, text_hash: str) -> dict[str, Any]:
    import numpy as np

    read = facts(filing.report)
    return {
        "report_id": filing.report.id,
        "text_hash": text_hash,
        "linker": LINKER,
        "occurred_at": read.occurred_at,
        "occurred_precision": read.occurred_precision,
        "disclosed_at": read.disclosed_at,
        "disclosed_precision": read.disclosed_precision,
        "several_agents": read.several_agents,
        "vector": filing.vector.astype(np.float16).tobytes(),
    }


def regroup(con: duckdb.DuckDBPyConnection, *, run_id: str) -> int:
    """Form the groups around what changed anew, number them and refresh their records; return how many were opened.

    Changed are reports newly filed, those that stood beside one that is no longer counted, and those that a decision
    names. A group can only change where one of its reports, or one linked with them, has: so the groups around a change
    are formed, and as long as a group at the border comes out other than before, those around it too. The caller owns
    the transaction.
    """
    decided = rulings(con)
    touched = linking.drop_unstrict(con) | linking.ungrouped(con) | decided.touched
    opened = 0
    if touched:
        around = linking.with_groups(con, touched)
        region = linking.with_groups(con, around | _neighbours(con, around, decided))
        while True:
            reports = [as_linkable(row) for row in linking.reports(con, sorted(region), filed=True)]
            edges = _edges(con, [report.id for report in reports], decided)
            groups = _clusters(reports, edges, decided, linking.crowds(con, region))
            changed = linking.regrouped(linking.stored_groups(con, region), groups)
            wider = linking.with_groups(con, region | _neighbours(con, changed, decided))
            if wider <= region:
                break
            region = wider
        order = [report.id for report in reports]
        opened = numbers.settle(
            con,
            order,
            groups["normal"],
            edges,
            run_id,
            derived=_derived(reports, groups["normal"], edges),
            splits=decided.splits,
        )
        linking.store_groupings(con, groups)
    con.execute("DELETE FROM applied_decisions")
    merge(con, TABLES["applied_decisions"], [{"review_id": review} for review in decided.ids])
    incidents.refresh(con)
    return opened


def _neighbours(con: duckdb.DuckDBPyConnection, ids: set[str], decided: Rulings) -> set[str]:
    found = linking.linked_with(con, ids)
    for tie in decided.together:
        if tie.report_id in ids or tie.linked_to in ids:
            found |= {tie.report_id, tie.linked_to}
    return found


def _edges(con: duckdb.DuckDBPyConnection, ids: Sequence[str], decided: Rulings) -> list[Link]:
    inside = set(ids)
    held = [tie for tie in decided.together if tie.report_id in inside and tie.linked_to in inside]
    return [*linking.links_among(con, ids), *held]


def _clusters(
    reports: Sequence[Linkable], edges: Sequence[Link], decided: Rulings, crowd: Mapping[str, float]
) -> dict[str, dict[str, str]]:
    ids = [report.id for report in reports]
    witnesses = {report.id: report.witness for report in reports}
    return {
        merge: cluster(ids, edges, merge, apart=decided.apart, witnesses=witnesses, crowd=crowd) for merge in MERGES
    }


def _derived(reports: Sequence[Linkable], groups: Mapping[str, str], edges: Sequence[Link]) -> dict[str, Derived]:
    members: dict[str, list[Linkable]] = {}
    for report in reports:
        members.setdefault(groups[report.id], []).append(report)
    copies: dict[str, list[tuple[str, str]]] = {}
    for edge in edges:
        if edge.method in _COPIES and groups[edge.report_id] == groups[edge.linked_to]:
            copies.setdefault(groups[edge.report_id], []).append((edge.report_id, edge.linked_to))
    found: dict[str, Derived] = {}
    for key, own in members.items():
        if len(own) > 1:
            found |= derive(own, copies.get(key, ()))
    return found
