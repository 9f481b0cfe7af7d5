"""Figures kept in a lake: what `publish` rolled up, beside the rows it was counted from, in schema `published`.

Who reads the lake itself has every series from tables of a few thousand rows, whatever the lake holds, as of the last
publishing; the views of the same names count anew. No table here has a row for a post.
"""

from pathlib import Path
from typing import Final

import duckdb

from warehouse.ddl import create_table
from warehouse.lake import NAME
from warehouse.schema.tables import PUBLISHED

SCHEMA: Final = f"{NAME}.published"
FIGURES: Final = tuple(
    table for table in PUBLISHED if not table.working and not {"report_id", "incident"} & set(table.columns)
)
_GIVEN: Final = "rolled_up"


def keep_figures(con: duckdb.DuckDBPyConnection, snapshot: Path) -> None:
    """Put the figures of a snapshot in the place of those before; the caller owns the transaction."""
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    with duckdb.connect(str(snapshot), read_only=True) as copy:
        for table in FIGURES:
            name = f"{SCHEMA}.{table.name}"
            if _columns(con, table.name) == list(table.columns):
                con.execute(f"DELETE FROM {name}")  # noqa: S608
            else:
                con.execute(f"DROP TABLE IF EXISTS {name}")
                con.execute(create_table(table).replace(f"CREATE TABLE {table.name}", f"CREATE TABLE {name}", 1))
            con.register(_GIVEN, copy.execute(f"FROM {table.name}").to_arrow_table())
            con.execute(f"INSERT INTO {name} BY NAME FROM {_GIVEN}")
            con.unregister(_GIVEN)


def _columns(con: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [
        name
        for (name,) in con.execute(
            "SELECT column_name FROM duckdb_columns() WHERE database_name = ? AND schema_name = 'published' "
            "AND table_name = ? ORDER BY column_index",
            [NAME, table],
        ).fetchall()
    ]
