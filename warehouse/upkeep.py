"""Upkeep of a lake: small files become large ones, and what was deleted goes from its files and from its catalogue."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from warehouse import erase
from warehouse.connect import lake_at, open_lake
from warehouse.lake import CATALOGUE, NAME, is_lake, turn, vacuum
from warehouse.rows import transaction


def compact(con: duckdb.DuckDBPyConnection) -> None:
    """Merge a lake's small Parquet files, so that reading costs what the rows cost; of a file this is DuckDB's care.

    Every page that is stored is a file of its own until then. Versions stay: they go on naming the small files.
    """
    if is_lake(con):
        with turn(con):
            con.execute(f"CALL ducklake_merge_adjacent_files('{NAME}')")


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
        _forget_extremes(con)
        for call in (
            # A file is written anew as soon as one of its rows is deleted.
            f"ducklake_rewrite_data_files('{NAME}', delete_threshold => 0)",
            f"ducklake_merge_adjacent_files('{NAME}')",
            f"ducklake_expire_snapshots('{NAME}', older_than => now())",
            f"ducklake_cleanup_old_files('{NAME}', cleanup_all => true)",
            # What a killed transaction left behind is named by no version; while it is our turn nobody writes.
            f"ducklake_delete_orphaned_files('{NAME}', cleanup_all => true)",
        ):
            con.execute(f"CALL {call}")
        _forget_extremes(con)


def _forget_extremes(con: duckdb.DuckDBPyConnection) -> None:
    """Forget the smallest and largest text of each column: DuckLake keeps them of whole tables, for ever."""
    con.execute(
        f"UPDATE {CATALOGUE}.ducklake_table_column_stats SET min_value = NULL, max_value = NULL "  # noqa: S608
        f"WHERE (table_id, column_id) IN (SELECT (table_id, column_id) FROM {CATALOGUE}.ducklake_column "
        "WHERE column_type IN ('varchar', 'json', 'blob'))"
    )
