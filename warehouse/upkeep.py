"""Upkeep of a lake: small files become large ones, and what was deleted goes from its files and from its catalogue."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import duckdb

from warehouse import erase
from warehouse.connect import lake_at, open_lake
from warehouse.lake import CATALOGUE, NAME, is_lake, turn, vacuum
from warehouse.layout import SETTLED
from warehouse.rows import transaction

# DuckLake keeps the smallest and largest value of each column of a table, and never lets go of one that was deleted.
# They become those of the files that are there. They must not become NULL: the next commit would take its own values
# for those of the whole table, and rows outside them would not be found any more.
_BOUNDS: Final = f"""
UPDATE {CATALOGUE}.ducklake_table_column_stats AS held SET min_value = found.low, max_value = found.high
FROM (
    SELECT s.table_id, s.column_id, min(s.min_value) AS low, max(s.max_value) AS high
    FROM {CATALOGUE}.ducklake_file_column_stats AS s
    JOIN {CATALOGUE}.ducklake_data_file AS f ON f.data_file_id = s.data_file_id AND f.end_snapshot IS NULL
    JOIN {CATALOGUE}.ducklake_column AS c
        ON c.table_id = s.table_id AND c.column_id = s.column_id AND c.end_snapshot IS NULL
    WHERE c.column_type IN ('varchar', 'json')
    GROUP BY s.table_id, s.column_id
    -- Of a file whose bounds are not known nothing can be said.
    HAVING bool_and(s.min_value IS NOT NULL OR s.null_count >= f.record_count)
) AS found
WHERE held.table_id = found.table_id AND held.column_id = found.column_id
"""  # noqa: S608

_MERGE: Final = f"CALL ducklake_merge_adjacent_files('{NAME}', max_file_size => {SETTLED})"


def compact(con: duckdb.DuckDBPyConnection) -> None:
    """Merge a lake's small Parquet files, so that reading costs what the rows cost; of a file this is DuckDB's care.

    Every page that is stored is a file of its own until then. Versions stay: they go on naming the small files.
    """
    if is_lake(con):
        with turn(con):
            con.execute(_MERGE)


def change_for_good(db: Path, change: Callable[[duckdb.DuckDBPyConnection], Any]) -> Any:  # noqa: ANN401
    """Change the warehouse in one transaction so that nothing of what was deleted is left in any of its files.

    A file is written anew (see `erase.rewrite`). Of a lake all rows of changed Parquet files are, and its earlier
    versions go with the files that only they named. Whoever calls holds the writer's lock.

    Returns:
        What `change` returned.
    """
    lake = lake_at(db)
    if lake is None:
        return erase.rewrite(db, change)
    with open_lake(lake) as con:
        with transaction(con):
            changed = change(con)
        scrub(con)
        if lake.shared:
            vacuum(lake)
    if not lake.shared:
        # Freed blocks of the catalogue's own file still hold the smallest and largest texts of files that are gone.
        erase.rewrite(Path(lake.catalogue), lambda _: None)
    return changed


def scrub(con: duckdb.DuckDBPyConnection) -> None:
    """Write Parquet files with deleted rows anew, drop earlier versions of the lake and the files only they named.

    Readers of an earlier version are waited for where they publish, others must begin again.
    """
    with turn(con, "publish"), turn(con):
        # A file is written anew as soon as one of its rows is deleted.
        con.execute(f"CALL ducklake_rewrite_data_files('{NAME}', delete_threshold => 0)")
        con.execute(_MERGE)
        con.execute(_BOUNDS)
        # A commit: who remembers the bounds of the version before asks the catalogue again.
        con.execute("UPDATE migrations SET applied_at = applied_at WHERE migration = 1")
        con.execute(f"CALL ducklake_expire_snapshots('{NAME}', older_than => now())")
        con.execute(f"CALL ducklake_cleanup_old_files('{NAME}', cleanup_all => true)")
        # What a killed transaction left behind is named by no version; while it is our turn nobody writes.
        con.execute(f"CALL ducklake_delete_orphaned_files('{NAME}', cleanup_all => true)")
