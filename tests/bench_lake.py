"""What a lake of many posts costs to add to and to read: `python -m tests.bench_lake [POSTS…]`.

The lake is made in SQL, month by month, not collected: posts of 200 characters over three years, one in fifty kept as
a report, one in ten of these strict, three strict reports an incident. Every size adds to the one before. Printed are
the costs of storing pages of new posts and of the queries every figure begins with, as ratios to the first size. CPU
seconds are compared, so that other work on the machine does not count. The catalogue is a file: `OFFSCRIPT_WAREHOUSE`
and `OFFSCRIPT_LAKE_DATA` may name a PostgreSQL.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

import duckdb

from flows.files import aligned
from warehouse import raw, reports
from warehouse.connect import open_working
from warehouse.lake import SETTING
from warehouse.rows import transaction
from warehouse.upkeep import compact

SIZES: Final = (1_000_000, 5_000_000)
MONTHS: Final = 36
KEPT: Final = 50
PAGES: Final = 8
PAGE: Final = 1000
REPEATS: Final = 3
FIRST: Final = datetime(2023, 11, 1, tzinfo=UTC)
_MADE: Final = """
CREATE OR REPLACE TEMP TABLE made AS
SELECT
    n, format('hackernews:{}', n) AS report_id, md5(n::VARCHAR) AS text_hash, n % 50 = 0 AS kept, n % 500 = 0 AS strict,
    n // 1500 AS incident, $first::TIMESTAMPTZ + to_seconds($span * (n - $from) / $rows) AS created_at
FROM range($from, $from + $rows) AS numbers (n)
"""
_FILLED: Final = {
    "raw_items": """
        SELECT 'hackernews' AS source_id, report_id AS given_id, text_hash AS content_hash, report_id, text_hash,
               'map-1' AS mapper, to_json(rpad(text_hash, 200, md5(report_id))) AS payload, 'x' AS found_at,
               created_at AS fetched_at, 'r' AS run_id, created_at
        FROM made""",
    "screenings": """
        SELECT report_id, text_hash, 's' AS screen, 'hackernews' AS platform, kept, []::VARCHAR[] AS reasons,
               created_at AS screened_at, 'r' AS run_id
        FROM made""",
    "reports": """
        SELECT report_id, 'hackernews' AS source_id, 'hackernews' AS stated_source, 'hackernews' AS platform,
               n::VARCHAR AS native_id, created_at, 'second' AS created_precision, false AS zone_assumed,
               left(text_hash, 20) AS title, rpad(text_hash, 180, md5(report_id)) AS text, text_hash,
               'span' AS publish_text, 'r' AS run_id
        FROM made WHERE kept""",
    "labels": """
        SELECT report_id, text_hash, 'bench-1' AS instrument, 'judged' AS label_status, 'first_hand' AS kind,
               strict AS is_strict, 2 AS evidence, 2 AS gravity, 6 AS score, created_at AS judged_at, 'r' AS run_id
        FROM made WHERE kept""",
    "incident_reports": """
        SELECT report_id, incident, 'first' AS link_method, created_at AS linked_at, 'r' AS run_id
        FROM made WHERE strict""",
    "groupings": """
        SELECT merge, report_id, incident::VARCHAR AS group_key
        FROM made, (SELECT unnest(['tight', 'normal', 'loose']) AS merge) WHERE strict""",
}
_HEADLINES: Final = {
    "strict incidents a month": "FROM monthly_incidents",
    "posts a month": "SELECT date_trunc('month', created_at), count(*) FROM raw_items GROUP BY 1",
    "the newest reports": "SELECT report_id FROM reports WHERE created_at >= TIMESTAMPTZ '2026-09-01' ORDER BY 1",
}


def fill(con: duckdb.DuckDBPyConnection, held: int, posts: int) -> None:
    """Add so many posts, month by month, as a stream leaves them behind."""
    each = posts // MONTHS
    for month in range(MONTHS):
        first = FIRST + timedelta(days=30 * month)
        values = {"first": first, "span": 30 * 86400.0, "from": held + month * each, "rows": each}
        con.execute(_MADE, values)
        with transaction(con):
            for table, select in _FILLED.items():
                con.execute(f"INSERT INTO {table} BY NAME {select}")
    con.execute("DROP TABLE made")
    compact(con)


def store(con: duckdb.DuckDBPyConnection, round_: int) -> None:
    """Store pages of new posts as reading a source does, and what the screen said of them."""
    began = datetime.now(UTC)
    for number in range(PAGES):
        at = FIRST + timedelta(days=30 * MONTHS, seconds=1000 * round_ + number)
        names = [f"hackernews:new-{round_}-{number}-{item}" for item in range(PAGE)]
        common = {"platform": "hackernews", "source_id": "hackernews", "text_hash": "h", "run_id": "r"}
        items = [
            {**common, "given_id": name, "content_hash": name, "report_id": name, "payload": "{}", "created_at": at}
            for name in names
        ]
        screened = [
            {**common, "report_id": name, "screen": "s", "kept": False, "screened_at": datetime.now(UTC)}
            for name in names
        ]
        kept = [
            {**common, "report_id": name, "title": "t", "text": "w", "created_at": at} for name in names[: PAGE // KEPT]
        ]
        with transaction(con):
            raw.store_page(
                con, items=items, rejects=(), cursor={"source_id": "bench", "stream": "s", "position": str(number)}
            )
            reports.store_screened(con, screened, kept, since=began)


def _read(con: duckdb.DuckDBPyConnection, sql: str) -> None:
    con.execute(sql).fetchall()


def cpu(function: Callable[[], object]) -> float:
    """Return the CPU seconds that a call took."""
    start = time.process_time()
    function()
    return time.process_time() - start


def main(sizes: list[int]) -> None:
    """Print what adding to and reading lakes of these sizes costs."""
    place = Path(tempfile.mkdtemp(prefix="offscript-lake-"))
    os.environ.setdefault(SETTING, "ducklake")
    first: dict[str, float] = {}
    table = [["posts held", "what", "CPU s", "times the first"]]
    with open_working(place / "x.duckdb") as con:
        con.execute("INSERT INTO instruments (instrument, ordinal, registered_at) VALUES ('bench-1', 1, now())")
        held = 0
        for size in sizes:
            fill(con, held, size - held)
            held = size
            costs = {f"store {PAGE:,} posts": cpu(partial(store, con, size)) / PAGES}
            for name, sql in _HEADLINES.items():
                costs[name] = median(cpu(partial(_read, con, sql)) for _ in range(REPEATS))
            for name, cost in costs.items():
                first.setdefault(name, cost)
                table.append([f"{size:,}", name, f"{cost:.3f}", f"{cost / first[name]:.2f}"])
            sys.stderr.write(f"{size:,} posts\n")
        files = sum(1 for _ in place.rglob("*.parquet"))
        bytes_ = sum(path.stat().st_size for path in place.rglob("*.parquet"))
    sys.stdout.write(aligned(table))
    sys.stdout.write(f"{files:,} Parquet files, {bytes_ / 1e9:.2f} GB, in {place}\n")


if __name__ == "__main__":
    main([int(value) for value in sys.argv[1:]] or list(SIZES))
