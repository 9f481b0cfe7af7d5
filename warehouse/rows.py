"""Rows in and out of DuckDB: MERGE on the natural key, so that storing twice changes nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from warehouse.schema.tables import Table

_ARROW: dict[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "JSON": pa.string(),
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"),
    "VARCHAR[]": pa.list_(pa.string()),
}
_INCOMING = "incoming_rows"


@dataclass(frozen=True)
class Changed:
    """How many rows a MERGE inserted and updated."""

    inserted: int = 0
    updated: int = 0


def merge(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    update: Sequence[str] = (),
    when: str = "",
) -> Changed:
    """Store rows by their natural key; the caller owns the transaction.

    Args:
        con: connection to the working file.
        table: declared table.
        rows: mappings with a value for each column (absent means NULL); of equal keys the last counts.
        update: columns to overwrite in rows already there, where they differ; none means: never touch them.
        when: further SQL condition for an update, over `target` and `source`.
    """
    if not rows:
        return Changed()
    by_key = {tuple(row[name] for name in table.key): row for row in rows}
    schema = pa.schema([(field.name, _ARROW[field.type]) for field in table.fields])
    incoming = pa.Table.from_pylist([{n: row.get(n) for n in table.columns} for row in by_key.values()], schema=schema)
    con.register(_INCOMING, incoming)
    keys = " AND ".join(f"target.{name} {_equal(name, by_key.values())} source.{name}" for name in table.key)
    columns = ", ".join(table.columns)
    values = ", ".join(f"source.{name}" for name in table.columns)
    matched = ""
    if update:
        sets = ", ".join(f"{name} = source.{name}" for name in update)
        differs = " OR ".join(f"target.{name} IS DISTINCT FROM source.{name}" for name in update)
        matched = f"WHEN MATCHED AND ({differs}) {f'AND ({when})' if when else ''} THEN UPDATE SET {sets}"
    try:
        actions = con.execute(
            f"MERGE INTO {table.name} AS target USING {_INCOMING} AS source ON {keys} {matched} "  # noqa: S608
            f"WHEN NOT MATCHED THEN INSERT ({columns}) VALUES ({values}) RETURNING merge_action"
        ).fetchall()
    finally:
        con.unregister(_INCOMING)
    inserted = sum(1 for (action,) in actions if action == "INSERT")
    return Changed(inserted, len(actions) - inserted)


def _equal(name: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the comparison of a key column: plain equality, which is far cheaper, unless a NULL must match."""
    return "IS NOT DISTINCT FROM" if any(row[name] is None for row in rows) else "="


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit what happens inside, or nothing of it."""
    con.execute("BEGIN")
    try:
        yield
    except BaseException:
        con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")


def fetch(
    con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
) -> list[dict[str, Any]]:
    """Run a query and return its rows as mappings."""
    cursor = con.execute(sql, parameters if isinstance(parameters, Mapping) else list(parameters))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def scalar(con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] = ()) -> Any:  # noqa: ANN401
    """Run a query that gives one row and return its first column."""
    row = con.execute(sql, list(parameters)).fetchone()
    return row[0] if row else None


def batches(
    con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] = (), size: int = 2000
) -> Iterator[list[dict[str, Any]]]:
    """Run a query on a cursor of its own and yield its rows in lists of at most `size`."""
    cursor = con.cursor()
    try:
        cursor.execute(sql, list(parameters))
        names = [column[0] for column in cursor.description or ()]
        while rows := cursor.fetchmany(size):
            yield [dict(zip(names, row, strict=True)) for row in rows]
    finally:
        cursor.close()
