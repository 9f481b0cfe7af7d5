"""Linking new reports: each is compared with what the index finds for it, and only groups around a change form anew."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import duckdb

from classifiers.linking import LINKER, Entry, Held, Index, Stored, cluster, compare_new, derive, facts
from flows.identity import tracker
from warehouse import incidents, linking, numbers
from warehouse.rows import merge, transaction
from warehouse.rulings import Rulings, rulings
from warehouse.schema.models import MERGES, Derived, Link, Linkable
from warehouse.schema.tables import TABLES

if TYPE_CHECKING:
    from classifiers.encoder import Encoder

BATCH = 1000
WIDEST = 8000
_HELD_PER_ASKING = 250
_COPIES = ("exact", "near_duplicate")


def link(
    con: duckdb.DuckDBPyConnection,
    encoder: "Encoder | None",
    *,
    run_id: str,
    advance: Callable[[int], None] | None = None,
) -> int:
    """Link what is pending and regroup what that touches; return how many incidents were opened.

    Without an encoder the shipped one is loaded, once something is to be read. Each batch is stored by itself, so a
    killed run goes on where it stopped; grouping is one transaction.
    """
    with transaction(con):
        linking.release_copies(con)
    waiting = linking.pending(con, LINKER)
    size = batch_size(linking.next_number(con))
    for first in range(0, len(waiting), size):
        batch = waiting[first : first + size]
        compare(con, batch, encoder, run_id=run_id)
        if advance:
            advance(len(batch))
    with transaction(con):
        return regroup(con, run_id=run_id)


def batch_size(held: int) -> int:
    """Return how many reports are read at once, by how many are held.

    A batch reads the index whole: as it grows, so does the batch, and the share of one report stays the same.
    """
    return min(max(BATCH, held // _HELD_PER_ASKING), WIDEST)


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


def compare(con: duckdb.DuckDBPyConnection, ids: Sequence[str], encoder: "Encoder | None", *, run_id: str) -> None:
    """Compare reports with each other and with what the index finds for them, and file them, in one transaction."""
    rows = linking.reports(con, ids)
    found = compare_new([as_linkable(row) for row in rows], _index(con), encoder=encoder)
    hashes = {row["report_id"]: row["text_hash"] for row in rows}
    keys = {
        "copy_keys": [(key, entry.report.id, entry.number) for entry in found.entries for key in entry.copies],
        "blocking_keys": [(key, entry.report.id, entry.number) for entry in found.entries for key in entry.events],
    }
    new = [entry for entry in found.entries if entry.report.id in hashes]
    facts_rows = [_facts_row(entry, hashes[entry.report.id]) for entry in new]
    copies = {entry.report.id for entry in found.entries} - set(hashes)
    with transaction(con):
        linking.file(con, facts_rows, keys, found.links, run_id, copies=copies)


def _index(con: duckdb.DuckDBPyConnection) -> Index:
    import numpy as np

    def filed(numbers: Collection[int]) -> dict[int, Stored]:
        return {
            row["filed"]: Stored(
                as_linkable(row),
                None if row["vector"] is None else np.frombuffer(row["vector"], np.float16).astype(np.float32),
            )
            for row in linking.filed(con, numbers)
        }

    return Index(
        copies=lambda keys: Held(*linking.under(con, "copy_keys", keys)),
        events=lambda keys: Held(*linking.under(con, "blocking_keys", keys)),
        filed=filed,
        first=linking.next_number(con),
    )


def _facts_row(entry: Entry, text_hash: str) -> dict[str, Any]:
    import numpy as np

    read = facts(entry.report)
    return {
        "report_id": entry.report.id,
        "text_hash": text_hash,
        "linker": LINKER,
        "filed": entry.number,
        "occurred_at": read.occurred_at,
        "occurred_precision": read.occurred_precision,
        "disclosed_at": read.disclosed_at,
        "disclosed_precision": read.disclosed_precision,
        "several_agents": read.several_agents,
        "vector": None if entry.vector is None else entry.vector.astype(np.float16).tobytes(),
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
