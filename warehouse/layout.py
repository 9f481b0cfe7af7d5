"""How a lake's Parquet files are laid out: by month, compressed, of a bounded size; so the past is not read.

A query that names a time reads the files of its months only, a page is compared with the posts of its own months, and
how many rows a month has stands in the catalogue. The months are those of UTC, as on every connection of ours.
"""

from typing import Final

import duckdb

from warehouse.lake import CATALOGUE, NAME, is_lake

# Of the tables that grow with every post, the time by which their rows are found again.
MONTHS: Final = {
    "raw_items": "created_at",
    "screenings": "screened_at",
    "reports": "created_at",
    "labels": "judged_at",
}
# Files are written up to this size; one of more bytes than the second is not merged again: what a publishing writes
# anew does not grow with what is held.
LARGEST: Final = "128MB"
SETTLED: Final = 16_000_000
_OPTIONS: Final = {"parquet_compression": "zstd", "target_file_size": LARGEST}


def lay_out(con: duckdb.DuckDBPyConnection) -> None:
    """Have the files of this lake written so from now on; those that lie there stay as they are until rewritten."""
    parted = {
        name
        for (name,) in con.execute(
            f"SELECT t.table_name FROM {CATALOGUE}.ducklake_partition_info AS p "  # noqa: S608
            f"JOIN {CATALOGUE}.ducklake_table AS t ON t.table_id = p.table_id AND t.end_snapshot IS NULL "
            "WHERE p.end_snapshot IS NULL"
        ).fetchall()
    }
    for table, column in MONTHS.items():
        if table not in parted:
            con.execute(f"ALTER TABLE {table} SET PARTITIONED BY (year({column}), month({column}))")
    options = f"SELECT key FROM {CATALOGUE}.ducklake_metadata WHERE scope IS NULL"  # noqa: S608
    told = {key for (key,) in con.execute(options).fetchall()}
    for option, value in _OPTIONS.items():
        if option not in told:
            con.execute(f"CALL {NAME}.set_option('{option}', '{value}')")


def next_row(con: duckdb.DuckDBPyConnection, table: str) -> int | None:
    """Return the number that a lake's next row of a table will get: every row held has a lower one; None for a file."""
    if not is_lake(con):
        return None
    row = con.execute(
        f"SELECT s.next_row_id FROM {CATALOGUE}.ducklake_table_stats AS s "  # noqa: S608
        f"JOIN {CATALOGUE}.ducklake_table AS t ON t.table_id = s.table_id AND t.end_snapshot IS NULL "
        "WHERE t.table_name = ?",
        [table],
    ).fetchone()
    return int(row[0]) if row else 0


def month_counts(con: duckdb.DuckDBPyConnection, table: str) -> list[tuple[int | None, int | None, int]]:
    """Return (year, month, rows) of a table laid out by month, from the catalogue: no file is opened.

    Rows without a time stand under None; so do those of files that were written before the lake was laid out so.
    """
    return con.execute(
        f"""
        WITH held AS (
            SELECT f.data_file_id, f.record_count - coalesce(sum(d.delete_count), 0) AS n
            FROM {CATALOGUE}.ducklake_data_file AS f
            JOIN {CATALOGUE}.ducklake_table AS t ON t.table_id = f.table_id AND t.end_snapshot IS NULL
            LEFT JOIN {CATALOGUE}.ducklake_delete_file AS d
                ON d.data_file_id = f.data_file_id AND d.end_snapshot IS NULL
            WHERE f.end_snapshot IS NULL AND t.table_name = ?
            GROUP BY f.data_file_id, f.record_count
        ),
        stands AS (
            SELECT
                data_file_id,
                max(partition_value) FILTER (WHERE partition_key_index = 0) AS y,
                max(partition_value) FILTER (WHERE partition_key_index = 1) AS m
            FROM {CATALOGUE}.ducklake_file_partition_value
            GROUP BY data_file_id
        )
        SELECT TRY_CAST(y AS INTEGER), TRY_CAST(m AS INTEGER), CAST(sum(n) AS BIGINT)
        FROM held LEFT JOIN stands USING (data_file_id)
        GROUP BY ALL HAVING sum(n) > 0 ORDER BY ALL
        """,  # noqa: S608
        [table],
    ).fetchall()
