"""Forgetting: a person's texts leave a DuckDB file for good, and only the count of their reports stays.

A report that is forgotten keeps its row, its date and its label under a number that leads nowhere (a tombstone), so
that no published count changes. The file is then written anew: DuckDB keeps freed blocks, and with them the text.
"""

import hashlib
import json
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from warehouse.ddl import quote
from warehouse.rows import merge, transaction
from warehouse.schema.tables import TABLES

# What a forgotten report's row becomes, by column; {salted} hides which text it was.
_BLANK = {
    "text_gone_at": "now()",
    "title": "''",
    "text": "''",
    "excerpt": "''",
    "url": "NULL",
    "author_key": "NULL",
    "engagement": "NULL",
    "payload": "NULL",
    "review_reason": "NULL",
    "spans": "'[]'",
    "found_at": "''",
    "given_id": "gone.new",
    "native_id": "gone.new",
    "text_hash": "left(sha256(concat({salt}, text_hash)), 32)",
    "expected_text_hash": "left(sha256(concat({salt}, expected_text_hash)), 32)",
    "content_hash": "left(sha256(concat({salt}, content_hash)), 32)",
    "link_reason": "'one of the two was forgotten'",
    "derived_reason": "'one of the two was forgotten'",
    "reason": "'of a forgotten report'",
}
_NAMES_REPORT = ("report_id", "linked_to", "review_of")
# Rows of these are made of the text itself: they go.
_DROPPED = ("evidence_spans", "report_facts", "blocking_keys", "copy_keys")
# What an incident takes from its best report's words or address; the next linking writes it anew from the others.
_OF_BEST = ("summary", "archived_url", "inputs_hash")


@dataclass(frozen=True)
class Erasure:
    """What is to be forgotten.

    Attributes:
        tombstones: report id -> the id that stands in its place.
        author_key: keyed hash of the author, if all of an author's posts go.
        needles: addresses and ids by which input set aside is found.
        salt: hides hashes of the texts; never stored.
    """

    tombstones: Mapping[str, str]
    author_key: str | None = None
    needles: tuple[str, ...] = ()
    salt: str = field(default_factory=lambda: secrets.token_hex(16))


def tombstones(report_ids: Sequence[str]) -> dict[str, str]:
    """Return a name for each report that says its platform and nothing else."""
    return {report: f"{report.split(':', 1)[0]}:forgotten/{secrets.token_hex(8)}" for report in sorted(set(report_ids))}


def hash_of(report_id: str) -> str:
    """Return the hash by which a forgotten report is recognised, should a source give it again."""
    return hashlib.sha256(report_id.encode()).hexdigest()


def apply(con: duckdb.DuckDBPyConnection, erasure: Erasure) -> int:
    """Forget in an open file of ours, whatever tables it has; return how many reports it held.

    The caller owns the transaction.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE gone (old VARCHAR, new VARCHAR)")
    con.executemany("INSERT INTO gone VALUES (?, ?)", [list(pair) for pair in erasure.tombstones.items()])
    tables = _columns(con)
    held = 0
    if "report_id" in tables.get("reports", {}):
        held = len(con.execute("SELECT 1 FROM reports JOIN gone ON report_id = old").fetchall())
    for name, columns in tables.items():
        _blank(con, name, columns, erasure)
    if "best_report_id" in tables.get("incidents", {}):
        sets = ", ".join(f"{column} = NULL" for column in _OF_BEST if column in tables["incidents"])
        if sets:
            con.execute(f"UPDATE incidents SET {sets} WHERE best_report_id IN (SELECT old FROM gone)")  # noqa: S608
    for name, columns in tables.items():
        _rename(con, name, columns, erasure)
    if "rejects" in tables and "head" in tables["rejects"]:
        for needle in erasure.needles:
            con.execute("UPDATE rejects SET head = '', detail = '' WHERE contains(head, ?)", [needle])
    if "erasures" in tables:
        remember(con, list(erasure.tombstones), erasure.author_key)
    con.execute("DROP TABLE gone")
    return held


def _columns(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Return the tables of the current database with their columns' types."""
    rows = con.execute(
        "SELECT c.table_name, c.column_name, c.data_type FROM duckdb_columns() c JOIN duckdb_tables() t "
        "USING (database_name, schema_name, table_name) "
        "WHERE c.database_name = current_database() AND c.schema_name = 'main' AND NOT t.temporary ORDER BY ALL"
    ).fetchall()
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        tables.setdefault(table, {})[column] = kind
    return tables


def _blank(con: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str], erasure: Erasure) -> None:
    keys = [key for key in _NAMES_REPORT if key in columns]
    if not keys:
        return
    if name in _DROPPED or name not in TABLES:
        # A table we do not know (of a private file that is built anew anyway) keeps nothing of it.
        for key in keys:
            con.execute(f"DELETE FROM {name} WHERE {key} IN (SELECT old FROM gone)")  # noqa: S608
        return
    sets = ", ".join(
        f"{column} = {value.format(salt=quote(erasure.salt))}" for column, value in _BLANK.items() if column in columns
    )
    if sets:
        for key in keys:
            con.execute(f"UPDATE {name} SET {sets} FROM gone WHERE {name}.{key} = gone.old")  # noqa: S608
    if "publish_text" in columns:
        con.execute(f"UPDATE {name} SET publish_text = 'none' FROM gone WHERE report_id = gone.old")  # noqa: S608


def _rename(con: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str], erasure: Erasure) -> None:
    """Put the tombstone wherever a report's id stands: as a value, in a list, in JSON."""
    for column, kind in columns.items():
        if kind == "VARCHAR":
            con.execute(f"UPDATE {name} SET {column} = gone.new FROM gone WHERE {name}.{column} = gone.old")  # noqa: S608
        elif kind == "VARCHAR[]":
            for old, new in erasure.tombstones.items():
                con.execute(
                    f"UPDATE {name} SET {column} = list_transform({column}, lambda x: if(x = ?, ?, x)) "  # noqa: S608
                    f"WHERE list_contains({column}, ?)",
                    [old, new, old],
                )
        if kind == "JSON" or column == "decided_value":
            for old, new in erasure.tombstones.items():
                con.execute(
                    f"UPDATE {name} SET {column} = replace({column}::VARCHAR, ?, ?) "  # noqa: S608
                    f"WHERE contains({column}::VARCHAR, ?)",
                    [json.dumps(old), json.dumps(new), json.dumps(old)],
                )
    if erasure.author_key and "author_key" in columns:
        con.execute(f"UPDATE {name} SET author_key = NULL WHERE author_key = ?", [erasure.author_key])  # noqa: S608


def remember(con: duckdb.DuckDBPyConnection, report_ids: Sequence[str], author_key: str | None = None) -> None:
    """Note by hash what is not to be collected again; the caller owns the transaction."""
    now = datetime.now(UTC)
    rows: list[dict[str, Any]] = [
        {"erased": hash_of(report), "erased_what": "report", "erased_at": now, "n": 1} for report in report_ids
    ]
    if author_key:
        rows.append({"erased": author_key, "erased_what": "author", "erased_at": now, "n": len(report_ids)})
    merge(con, TABLES["erasures"], rows)


def rewrite(path: Path, change: Callable[[duckdb.DuckDBPyConnection], Any]) -> Any:  # noqa: ANN401
    """Change a DuckDB file and write it anew, so that nothing of what was deleted is left in it.

    The file is replaced in one rename: killed before, it is as it was. Nobody else may write it meanwhile.

    Returns:
        What `change` returned.
    """
    work, fresh = path.with_name(f".{path.name}.erasing"), path.with_name(f".{path.name}.fresh")
    try:
        _drop(work, fresh)
        shutil.copyfile(path, work)
        wal = path.with_name(f"{path.name}.wal")
        if wal.exists():
            shutil.copyfile(wal, work.with_name(f"{work.name}.wal"))
        work.chmod(0o600)
        with duckdb.connect() as con:
            con.execute("SET TimeZone = 'UTC'")
            con.execute(f"ATTACH {quote(str(work))} AS old")
            con.execute("USE old")
            with transaction(con):
                changed = change(con)
            con.execute(f"ATTACH {quote(str(fresh))} AS fresh")
            con.execute("COPY FROM DATABASE old TO fresh")
            con.execute("USE memory")
            con.execute("DETACH fresh")
            con.execute("DETACH old")
        fresh.chmod(path.stat().st_mode & 0o777)
        fresh.replace(path)
        wal.unlink(missing_ok=True)
    finally:
        _drop(work, fresh)
    return changed


def _drop(*paths: Path) -> None:
    for path in paths:
        for one in (path, path.with_name(f"{path.name}.wal")):
            with suppress(OSError):
                one.unlink(missing_ok=True)


def rewrite_lines(path: Path, erasure: Erasure) -> int:
    """Forget in a file of JSON lines: ids become tombstones, the words go; return how many lines changed."""
    changed = 0
    lines = []
    for line in path.read_text("utf-8").splitlines():
        told = json.loads(line)
        text = json.dumps(told, ensure_ascii=False)
        if any(json.dumps(old, ensure_ascii=False) in text for old in erasure.tombstones):
            changed += 1
            for old, new in erasure.tombstones.items():
                text = text.replace(json.dumps(old, ensure_ascii=False), json.dumps(new))
            told = json.loads(text)
            for name in ("title", "text", "excerpt", "review_reason", "url"):
                if name in told:
                    told[name] = None
            line = json.dumps(told, ensure_ascii=False)
        lines.append(line)
    if changed:
        part = path.with_name(f".{path.name}.part")
        part.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        part.chmod(path.stat().st_mode & 0o777)
        part.replace(path)
    return changed
