"""How fast posts come in from a stand-in, and whether that depends on how many are stored already.

python -m tests.flows.sources.bench [ROWS_HELD…]
"""

import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import duckdb

from flows.collect_source import Ready, collect
from flows.slices import Window
from flows.sources.registry import SOURCES
from tests.flows.sources import stand_hackernews
from tests.flows.sources.conftest import queries
from tests.flows.sources.standin import NOW, Site, client, posts, running
from warehouse.connect import open_working

POSTS = 100_000


def fill(con: duckdb.DuckDBPyConnection, rows: int) -> None:
    """Store rows that look like posts read before."""
    con.execute(
        "INSERT INTO raw_items (source_id, given_id, content_hash, report_id, text_hash, mapper, payload, found_at, "
        "fetched_at, run_id) SELECT 'hackernews', 'hackernews:' || (n + 1000000000), md5(n::VARCHAR), "
        "'hackernews:' || (n + 1000000000), md5((n + 1)::VARCHAR), 'map-1', '{}', 'x', now(), 'r' FROM range(?) t(n)",
        [rows],
    )


def measure(rows: int, site: Site) -> tuple[float, int]:
    """Return the seconds that reading all of the site's posts takes, and how many were stored."""
    entry = SOURCES["hackernews"]
    with tempfile.TemporaryDirectory() as folder, open_working(Path(folder) / "x.duckdb") as con:
        fill(con, rows)
        source = entry.module.build(entry.config.model_validate({"base": site.base}), queries(controls={}), client())
        start = time.perf_counter()
        window = Window(NOW - timedelta(days=60), NOW)
        (outcome,) = collect(con, [Ready(entry, source)], window, key=b"k", run_id="r", now=NOW)
        return time.perf_counter() - start, outcome.new


def main(held: Sequence[int]) -> None:
    """Print posts a second and peak memory for each number of rows held."""
    gap = timedelta(days=55) / POSTS
    with running(Site(stand_hackernews.answer, posts(POSTS, gap=gap))) as site:
        for rows in held:
            seconds, new = measure(rows, site)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{rows:>9,} held: {new:,} posts in {seconds:6.1f} s = {new / seconds:6,.0f} posts/s, peak {peak:,.0f} MB"
            )


if __name__ == "__main__":
    main([int(value) for value in sys.argv[1:]] or [0, 1_000_000, 5_000_000])
