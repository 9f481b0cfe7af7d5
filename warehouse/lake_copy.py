"""A lake as one DuckDB file, and such a file as a lake: for backups, and for moving from the one to the other."""

from pathlib import Path

import duckdb

from warehouse.connect import WarehouseError, open_lake, pinned
from warehouse.ddl import create_table, quote
from warehouse.lake import Lake
from warehouse.migrate import applied, migrations
from warehouse.reports import forget_passes
from warehouse.rows import scalar, transaction
from warehouse.schema.tables import WORKING


def copy_out(lake: Lake, db: Path, path: Path) -> dict[str, int]:
    """Write one moment of a lake into a new DuckDB file; return the rows of its tables."""
    path.unlink(missing_ok=True)
    with open_lake(lake) as con, pinned(con, db) as held:
        held.execute(f"ATTACH {quote(str(path))} AS copied")
        for table in WORKING:
            held.execute(create_table(table).replace("CREATE TABLE ", "CREATE TABLE copied.", 1))
            held.execute(f"INSERT INTO copied.{table.name} SELECT {', '.join(table.columns)} FROM {table.name}")  # noqa: S608
        tables = {
            table.name: int(scalar(held, f"SELECT count(*) FROM {table.name}"))  # noqa: S608
            for table in WORKING
        }
        held.execute("DETACH copied")
    path.chmod(0o600)
    return tables


def copy_in(lake: Lake, path: Path) -> None:
    """Make a lake hold what a DuckDB file holds, and nothing else, in one transaction.

    Raises:
        WarehouseError: the file has another schema than this version.
    """
    with duckdb.connect(str(path), read_only=True) as con:
        held = applied(con)
    if held != len(migrations()):
        msg = f"{path} has schema {held}, this version {len(migrations())}: restore it as a file first, back up that"
        raise WarehouseError(msg)
    with open_lake(lake) as con:
        con.execute(f"ATTACH {quote(str(path))} AS given (READ_ONLY)")
        with transaction(con):
            for table in WORKING:
                con.execute(f"DELETE FROM {table.name}")  # noqa: S608
                columns = ", ".join(table.columns)
                con.execute(f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM given.{table.name}")  # noqa: S608
            forget_passes(con)
        con.execute("DETACH given")
