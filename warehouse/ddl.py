"""SQL generated from the declared tables: CREATE TABLE, COMMENT ON, views."""

from collections.abc import Iterable
from importlib.resources import files

import duckdb

from warehouse.schema.fields import Field
from warehouse.schema.tables import Table


def quote(text: str) -> str:
    """Return text as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def create_table(table: Table, columns: Iterable[Field] | None = None) -> str:
    """Return CREATE TABLE for a table, or for some of its columns; no constraints, so that DuckLake takes it too."""
    fields = table.fields if columns is None else tuple(columns)
    lines = ",\n".join(f"    {field.name} {field.type}" for field in fields)
    return f"CREATE TABLE {table.name} (\n{lines}\n);"


def comments(table: Table, columns: Iterable[Field] | None = None) -> list[str]:
    """Return COMMENT ON statements for a table and its columns."""
    fields = table.fields if columns is None else tuple(columns)
    return [
        f"COMMENT ON TABLE {table.name} IS {quote(table.description)};",
        *(f"COMMENT ON COLUMN {table.name}.{field.name} IS {quote(describe(field))};" for field in fields),
    ]


def describe(field: Field) -> str:
    """Return a field's meaning with its unit and vocabulary, as comments and the dictionary print it."""
    unit = f" [{field.unit}]" if field.unit else ""
    codes = f" (codes: {field.vocabulary})" if field.vocabulary else ""
    return f"{field.description}{unit}{codes}"


def trend_views() -> list[tuple[str, str]]:
    """Return (file name, SQL) of every trend view, in the order of their file names."""
    folder = files("warehouse") / "trends"
    return sorted((item.name, item.read_text("utf-8")) for item in folder.iterdir() if item.name.endswith(".sql"))


def create_views(con: duckdb.DuckDBPyConnection) -> None:
    """Create or replace the trend views and the questions to history: the same in the working file and in snapshots."""
    for _, sql in trend_views():
        con.execute(sql)
    con.execute((files("warehouse") / "history.sql").read_text("utf-8"))


def create_all(con: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> None:
    """Create tables with their comments, as declared now."""
    for table in tables:
        con.execute(create_table(table))
        for statement in comments(table):
            con.execute(statement)
