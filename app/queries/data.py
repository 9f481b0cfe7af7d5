"""What can be taken away: sizes of the published tables, and a table as a file."""

from app.keep import kept, reading
from warehouse.connect import Snapshot, WarehouseError
from warehouse.export import table_file
from warehouse.rows import scalar
from warehouse.schema.tables import PUBLISHED, TABLES

# A table is made in memory when it is asked for: larger ones are for `offscript export`.
ROWS = 500_000


@kept(4)
def sizes(snapshot: Snapshot) -> dict[str, int]:
    """Return how many rows each published table has, by name; tables that this snapshot lacks are left out."""
    with reading(snapshot) as con:
        there = {
            row[0]
            for row in con.execute(
                "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database()"
            ).fetchall()
        }
        return {
            table.name: scalar(con, f"SELECT count(*) FROM {table.name}")  # noqa: S608
            for table in PUBLISHED
            if table.name in there
        }


def file(snapshot: Snapshot, table: str, suffix: str) -> bytes:
    """Return a published table as a csv, parquet or jsonl file.

    Raises:
        WarehouseError: the table is too large to be made in memory.
    """
    if sizes(snapshot)[table] > ROWS:
        msg = f"{table} has more than {ROWS:,} rows: offscript export DIR"
        raise WarehouseError(msg)
    with reading(snapshot) as con:
        return table_file(con, TABLES[table], suffix)
