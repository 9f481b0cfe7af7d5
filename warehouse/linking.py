"""What linking keeps between runs: the index of blocking keys, links, groups, and which reports are still to be linked.

A report is linked once its text stands in `report_facts` under the present linker. New ones are compared with what the
index finds under their keys; afterwards only the groups around what changed are formed anew.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from warehouse.rows import Changed, fetch, merge, scalar
from warehouse.schema.models import MERGES, Link
from warehouse.schema.tables import TABLES

Numbers: TypeAlias = NDArray[np.int64]
INDEXES: Final = ("blocking_keys", "copy_keys")
# Reports kept under one key: the latest. Twice as many may pile up before the older ones are dropped.
PER_KEY: Final = 32
_IDS: Final = "(SELECT unnest(?::VARCHAR[]))"
_REPORT: Final = """
    SELECT r.report_id, r.platform, r.channel, r.title, r.text, r.text_hash, r.url, r.created_at,
           l.kind, l.agents, l.actions
"""


def pending(con: duckdb.DuckDBPyConnection, linker: str) -> list[str]:
    """Return the strict reports whose present text this linker has not read, oldest first."""
    rows = con.execute(
        """
        SELECT r.report_id
        FROM current_labels l JOIN reports r USING (report_id)
        LEFT JOIN report_facts f ON f.report_id = r.report_id AND f.text_hash = r.text_hash AND f.linker = ?
        WHERE l.is_strict AND f.report_id IS NULL
        ORDER BY r.created_at NULLS LAST, r.report_id
        """,
        [linker],
    ).fetchall()
    return [report for (report,) in rows]


def reports(con: duckdb.DuckDBPyConnection, ids: Sequence[str], *, filed: bool = False) -> list[dict[str, Any]]:
    """Return what linking reads of strict reports, oldest first; `filed`: only of those it has read before."""
    return fetch(
        con,
        f"{_REPORT} FROM reports r JOIN current_labels l USING (report_id) "
        f"{'SEMI JOIN report_facts f USING (report_id)' if filed else ''} "
        f"WHERE l.is_strict AND r.report_id IN {_IDS} ORDER BY r.created_at NULLS LAST, r.report_id",
        [list(ids)],
    )


def filed(con: duckdb.DuckDBPyConnection, numbers: Collection[int]) -> list[dict[str, Any]]:
    """Return reports by the number under which they were filed, as `reports` and with their stored vector."""
    return fetch(
        con,
        f"{_REPORT}, f.filed, f.vector FROM report_facts f JOIN reports r USING (report_id) "
        "JOIN current_labels l USING (report_id) WHERE f.filed IN (SELECT unnest(?::BIGINT[])) AND l.is_strict "
        "ORDER BY r.created_at NULLS LAST, r.report_id",
        [sorted(numbers)],
    )


def next_number(con: duckdb.DuckDBPyConnection) -> int:
    """Return the number under which the next report is filed."""
    return int(scalar(con, "SELECT coalesce(max(filed), 0) + 1 FROM report_facts"))


def under(con: duckdb.DuckDBPyConnection, index: str, keys: Collection[int]) -> tuple[Numbers, Numbers]:
    """Return what is filed under these keys in one of `INDEXES`: keys and reports by number, both of shape (entries,).

    The index is read whole, so the more keys are asked for at once the less each of them costs.
    """
    asked = pa.table({"block_key": np.fromiter(keys, np.int64, len(keys))})
    con.register("asked_keys", asked)
    try:
        found = con.execute(
            f"SELECT block_key, filed FROM {index} SEMI JOIN asked_keys USING (block_key)"  # noqa: S608
        ).fetchnumpy()
    finally:
        con.unregister("asked_keys")
    return np.asarray(found["block_key"], np.int64), np.asarray(found["filed"], np.int64)


def release_copies(con: duckdb.DuckDBPyConnection) -> None:
    """Have copies read again whose earlier text is gone or counts no more; the caller owns the transaction.

    What a copy tells is told by the earliest of its kind alone: without it nothing would stand for them.
    """
    con.execute(
        """
        DELETE FROM report_facts WHERE vector IS NULL AND report_id NOT IN (
            SELECT l.report_id FROM links l
            JOIN report_facts f ON f.report_id = l.linked_to
            JOIN reports r ON r.report_id = f.report_id AND r.text_hash = f.text_hash
            JOIN current_labels c ON c.report_id = f.report_id AND c.is_strict
            WHERE l.link_method IN ('exact', 'near_duplicate')
        )
        """
    )


def file(
    con: duckdb.DuckDBPyConnection,
    facts: Sequence[Mapping[str, Any]],
    keys: Mapping[str, Sequence[tuple[int, str, int]]],
    links: Sequence[Link],
    run_id: str,
    *,
    copies: Collection[str] = (),
) -> None:
    """File newly read reports: facts with their numbers, keys and links; the caller owns the transaction.

    What was known of an earlier text of theirs goes, and they and those beside them stand in no group until the next
    grouping.

    Args:
        con: the working file.
        facts: rows of `report_facts`.
        keys: by the name of the index, what stands there from now on: key, report id, number.
        links: what was found to link them.
        run_id: the run that does it.
        copies: reports filed before that are now known to be copies of an earlier one, which tells their event for
            them: their keys are those given, and of their links only those of copies stay.
    """
    ids = [row["report_id"] for row in facts]
    old = sorted(copies)
    beside = sorted(with_groups(con, [*ids, *old]))
    con.execute(f"DELETE FROM groupings WHERE report_id IN {_IDS}", [beside])  # noqa: S608
    for index in INDEXES:
        con.execute(f"DELETE FROM {index} WHERE report_id IN {_IDS}", [[*ids, *old]])  # noqa: S608
    for column in ("report_id", "linked_to"):
        con.execute(f"DELETE FROM links WHERE {column} IN {_IDS}", [ids])  # noqa: S608
        con.execute(f"DELETE FROM links WHERE {column} IN {_IDS} AND link_method = 'same_event'", [old])  # noqa: S608
    con.execute(f"UPDATE report_facts SET vector = NULL WHERE report_id IN {_IDS}", [old])  # noqa: S608
    changing = [name for name in TABLES["report_facts"].columns if name != "report_id"]
    merge(con, TABLES["report_facts"], facts, update=changing)
    for index in INDEXES:
        _add_keys(con, index, keys[index])
    store_links(con, links, run_id)


def _add_keys(con: duckdb.DuckDBPyConnection, index: str, keys: Sequence[tuple[int, str, int]]) -> None:
    names = TABLES[index].columns
    kinds = (pa.int64(), pa.string(), pa.int64())
    columns = [pa.array([row[at] for row in keys], kind) for at, kind in enumerate(kinds)]
    con.register("new_keys", pa.table(columns, names=list(names)))
    try:
        con.execute(f"INSERT INTO {index} SELECT * FROM new_keys")  # noqa: S608
        # However many reports share a key, a bounded number of them stays under it.
        con.execute(
            "CREATE OR REPLACE TEMP TABLE crowded AS SELECT block_key, list_sort(list(filed))[-?] AS oldest "  # noqa: S608
            f"FROM {index} SEMI JOIN new_keys USING (block_key) GROUP BY block_key HAVING count(*) > ?",
            [PER_KEY, 2 * PER_KEY],
        )
    finally:
        con.unregister("new_keys")
    if scalar(con, "SELECT count(*) FROM crowded"):
        con.execute(
            f"DELETE FROM {index} USING crowded "  # noqa: S608
            f"WHERE {index}.block_key = crowded.block_key AND {index}.filed < crowded.oldest"
        )
    con.execute("DROP TABLE crowded")


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


def links_among(con: duckdb.DuckDBPyConnection, ids: Collection[str]) -> list[Link]:
    """Return every edge found so far that runs between two of these reports."""
    asked = sorted(ids)
    rows = fetch(
        con,
        "SELECT report_id, linked_to, link_method AS method, link_score AS score, merge, link_reason AS reason "
        "FROM links WHERE report_id IN (SELECT unnest(?::VARCHAR[])) AND linked_to IN (SELECT unnest(?::VARCHAR[])) "
        "ORDER BY ALL",
        [asked, asked],
    )
    return [Link.model_validate(row) for row in rows]


def crowds(con: duckdb.DuckDBPyConnection, ids: Collection[str]) -> dict[str, float]:
    """Return how many like reports of other events each of these has, as expected by all its links to strict ones."""
    rows = con.execute(
        """
        WITH ends AS (
            SELECT report_id AS report, linked_to AS other, link_score FROM links WHERE link_method = 'same_event'
            UNION ALL
            SELECT linked_to, report_id, link_score FROM links WHERE link_method = 'same_event'
        )
        SELECT report, sum(1 - link_score) FROM ends SEMI JOIN (SELECT unnest(?::VARCHAR[]) AS report) USING (report)
        SEMI JOIN report_facts f ON f.report_id = ends.other
        GROUP BY report ORDER BY report
        """,
        [sorted(ids)],
    ).fetchall()
    return dict(rows)


def ungrouped(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Return filed strict reports that stand in no group yet."""
    rows = con.execute(
        "SELECT f.report_id FROM report_facts f JOIN current_labels l USING (report_id) "
        "ANTI JOIN groupings g ON g.report_id = f.report_id WHERE l.is_strict"
    ).fetchall()
    return {report for (report,) in rows}


def drop_unstrict(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Take reports that are no longer strict out of their groups; return who stood beside them."""
    gone = [
        report
        for (report,) in con.execute(
            "SELECT DISTINCT g.report_id FROM groupings g "
            "ANTI JOIN (SELECT report_id FROM current_labels WHERE is_strict) l USING (report_id)"
        ).fetchall()
    ]
    if not gone:
        return set()
    beside = with_groups(con, gone) | linked_with(con, gone)
    for table in ("groupings", "report_facts", *INDEXES):
        con.execute(f"DELETE FROM {table} WHERE report_id IN {_IDS}", [gone])  # noqa: S608
    return beside - set(gone)


def with_groups(con: duckdb.DuckDBPyConnection, ids: Iterable[str]) -> set[str]:
    """Return reports and all who share an incident, or a group under any merge setting, with them."""
    asked = sorted(set(ids))
    rows = con.execute(
        "SELECT other.report_id FROM groupings own JOIN groupings other "
        "ON other.merge = own.merge AND other.group_key = own.group_key "
        "WHERE own.report_id IN (SELECT unnest(?::VARCHAR[])) "
        "UNION SELECT other.report_id FROM incident_reports own JOIN incident_reports other USING (incident) "
        "WHERE own.report_id IN (SELECT unnest(?::VARCHAR[]))",
        [asked, asked],
    ).fetchall()
    return {report for (report,) in rows} | set(asked)


def linked_with(con: duckdb.DuckDBPyConnection, ids: Iterable[str]) -> set[str]:
    """Return who is linked with any of these reports, however weakly."""
    asked = sorted(set(ids))
    rows = con.execute(
        f"SELECT linked_to FROM links WHERE report_id IN {_IDS} "  # noqa: S608
        f"UNION SELECT report_id FROM links WHERE linked_to IN {_IDS}",
        [asked, asked],
    ).fetchall()
    return {report for (report,) in rows}


def stored_groups(con: duckdb.DuckDBPyConnection, ids: Collection[str]) -> dict[str, dict[str, str]]:
    """Return `{setting: {report_id: group_key}}` of these reports as stored."""
    found: dict[str, dict[str, str]] = {setting: {} for setting in MERGES}
    for setting, report, key in con.execute(
        f"SELECT merge, report_id, group_key FROM groupings WHERE report_id IN {_IDS}",  # noqa: S608
        [sorted(ids)],
    ).fetchall():
        found[setting][report] = key
    return found


def store_groupings(con: duckdb.DuckDBPyConnection, groups: Mapping[str, Mapping[str, str]]) -> Changed:
    """Store the groups of some reports under each merge setting (`{setting: {report_id: group_key}}`)."""
    rows = [
        {"merge": setting, "report_id": report, "group_key": key}
        for setting in MERGES
        for report, key in groups[setting].items()
    ]
    return merge(con, TABLES["groupings"], rows, update=("group_key",))


def regrouped(before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]) -> set[str]:
    """Return the reports whose company is not the same as before under some setting."""
    changed: set[str] = set()
    for setting in MERGES:
        old, new = _company(before[setting]), _company(after[setting])
        changed |= {report for report, company in new.items() if old.get(report) != company}
    return changed


def _company(groups: Mapping[str, str]) -> dict[str, frozenset[str]]:
    members: dict[str, set[str]] = defaultdict(set)
    for report, key in groups.items():
        members[key].add(report)
    whole = {key: frozenset(reports) for key, reports in members.items()}
    return {report: whole[key] for report, key in groups.items()}
