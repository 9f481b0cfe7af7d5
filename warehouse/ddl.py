"""SQL generated from the declared tables: CREATE TABLE, COMMENT ON, views."""

from collections.abc import Iterable
from importlib.resources import files

import duckdb

from warehouse.schema.fields import Field
from warehouse.schema.tables import TABLES, Table


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
    """Create or replace the trend views and the questions to history; a snapshot keeps some of the views as tables."""
    tables = {
        name for (name,) in con.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'").fetchall()
    }
    for file, sql in trend_views():
        if _view_name(file) not in tables:
            con.execute(sql)
    con.execute((files("warehouse") / "history.sql").read_text("utf-8"))


def fill_rollups(con: duckdb.DuckDBPyConnection) -> None:
    """Compute the tables of a snapshot that are views in the working file: read in milliseconds, whatever the size."""
    for file, sql in trend_views():
        table = TABLES.get(_view_name(file))
        if table is None:
            continue
        columns = ", ".join(table.columns)
        select = sql.partition(f"VIEW {table.name} AS\n")[2].rstrip().rstrip(";")
        con.execute(f"INSERT INTO {table.name} SELECT {columns} FROM ({select}) ORDER BY {', '.join(table.key)}")  # noqa: S608


def _view_name(file: str) -> str:
    """Return `daily_counts` for `32_daily_counts.sql`."""
    return file.removesuffix(".sql").split("_", 1)[1]


def create_all(con: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> None:
    """Create tables with their comments, as declared now."""
    for table in tables:
        con.execute(create_table(table))
        for statement in comments(table):
            con.execute(statement)
