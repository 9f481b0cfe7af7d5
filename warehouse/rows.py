"""Rows in and out of DuckDB: MERGE on the natural key, so that storing twice changes nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from warehouse.ddl import quote
from warehouse.lake import turn
from warehouse.schema.tables import Table

_ARROW: dict[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "JSON": pa.string(),
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "BLOB": pa.binary(),
    "DATE": pa.date32(),
    "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"),
    "VARCHAR[]": pa.list_(pa.string()),
}
_INCOMING = "incoming_rows"


@dataclass(frozen=True)
class Within:
    """Where a MERGE has to look: rows held with one of the keys have a time from `first` to `last`, or none at all.

    Without it every row held is compared with each page, and a post costs the more the more are stored. With it the
    database skips, by the bounds it keeps of each block of rows (each file, in a lake), whatever lies elsewhere.
    """

    column: str
    first: datetime
    last: datetime

    @classmethod
    def of(cls, column: str, rows: Iterable[Mapping[str, Any]]) -> "Within | None":
        """Return the span of the rows' own times, for a column that is the same wherever the key is; None without."""
        times = [at for row in rows if (at := row[column]) is not None]
        return cls(column, min(times), max(times)) if times else None


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
    within: Within | None = None,
) -> Changed:
    """Store rows by their natural key; the caller owns the transaction.

    Args:
        con: connection to the working file.
        table: declared table.
        rows: mappings with a value for each column (absent means NULL); of equal keys the last counts.
        update: columns to overwrite in rows already there, where they differ; none means: never touch them.
        when: further SQL condition for an update, over `target` and `source`.
        within: where alone such rows can be; rows held without a time there are looked at too, and not updated.
    """
    if not rows:
        return Changed()
    by_key = {tuple(row[name] for name in table.key): row for row in rows}
    schema = pa.schema([(field.name, _ARROW[field.type]) for field in table.fields])
    incoming = pa.Table.from_pylist([{n: row.get(n) for n in table.columns} for row in by_key.values()], schema=schema)
    con.register(_INCOMING, incoming)
    keys = " AND ".join(f"target.{name} {_equal(name, by_key.values())} source.{name}" for name in table.key)
    given, bounds, parameters = _INCOMING, "", []
    if within:
        given = (
            f"(SELECT * FROM {_INCOMING} AS source WHERE NOT EXISTS "  # noqa: S608
            f"(SELECT 1 FROM {table.name} AS target WHERE target.{within.column} IS NULL AND {keys}))"
        )
        bounds = f"AND target.{within.column} BETWEEN ? AND ?"
        parameters = [within.first, within.last]
    held = f"SELECT count(*) FROM {table.name}"  # noqa: S608
    columns = ", ".join(table.columns)
    values = ", ".join(f"source.{name}" for name in table.columns)
    matched = ""
    if update:
        sets = ", ".join(f"{name} = source.{name}" for name in update)
        differs = " OR ".join(f"target.{name} IS DISTINCT FROM source.{name}" for name in update)
        matched = f"WHEN MATCHED AND ({differs}) {f'AND ({when})' if when else ''} THEN UPDATE SET {sets}"
    try:
        before = scalar(con, held) if update else 0
        changed = scalar(
            con,
            f"MERGE INTO {table.name} AS target USING {given} AS source ON {keys} {bounds} {matched} "  # noqa: S608
            f"WHEN NOT MATCHED THEN INSERT ({columns}) VALUES ({values})",
            parameters,
        )
    finally:
        con.unregister(_INCOMING)
    # A lake refuses RETURNING: what a MERGE did is told from how many rows there are now.
    inserted = scalar(con, held) - before if update else changed
    return Changed(inserted, changed - inserted)


def _equal(name: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the comparison of a key column: plain equality, which is far cheaper, unless a NULL must match."""
    return "IS NOT DISTINCT FROM" if any(row[name] is None for row in rows) else "="


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit what happens inside, or nothing of it; on a shared lake, when no other process's transaction runs."""
    with turn(con):
        con.execute("BEGIN")
        try:
            yield
        except BaseException:
            con.execute("ROLLBACK")
            raise
        con.execute("COMMIT")


def cursor(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return a second connection to the same warehouse, in which names mean the same."""
    other = con.cursor()
    path = scalar(con, "SELECT current_setting('search_path')")
    if path:
        other.execute(f"SET search_path = {quote(path)}")
    return other


def fetch(
    con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
) -> list[dict[str, Any]]:
    """Run a query and return its rows as mappings; parameters by place (`?`) or by name (`$name`)."""
    cursor = con.execute(sql, dict(parameters) if isinstance(parameters, Mapping) else list(parameters))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def scalar(con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] = ()) -> Any:  # noqa: ANN401
    """Run a query that gives one row and return its first column."""
    row = con.execute(sql, list(parameters)).fetchone()
    return row[0] if row else None


def batches(
    con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = (), size: int = 2000
) -> Iterator[list[dict[str, Any]]]:
    """Run a query on a cursor of its own and yield its rows in lists of at most `size`."""
    reading = cursor(con)
    try:
        reading.execute(sql, dict(parameters) if isinstance(parameters, Mapping) else list(parameters))
        names = [column[0] for column in reading.description or ()]
        while rows := reading.fetchmany(size):
            yield [dict(zip(names, row, strict=True)) for row in rows]
    finally:
        reading.close()
