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
from flows.files import aligned
from flows.slices import Window
from flows.sources.registry import SOURCES
from tests.flows.sources import stand_hackernews
from tests.flows.sources.conftest import queries
from tests.flows.sources.standin import NOW, Site, client, posts, running
from warehouse.connect import open_working

POSTS = 100_000
HELD = (0, 1_000_000, 5_000_000)


def fill(con: duckdb.DuckDBPyConnection, rows: int) -> None:
    """Store rows that look like posts read before."""
    con.execute(
        "INSERT INTO raw_items (source_id, given_id, content_hash, report_id, text_hash, mapper, payload, found_at, "
        "fetched_at, run_id, created_at) SELECT 'hackernews', 'hackernews:' || (n + 1000000000), md5(n::VARCHAR), "
        "'hackernews:' || (n + 1000000000), md5((n + 1)::VARCHAR), 'map-1', '{}', 'x', now(), 'r', "
        "$now::TIMESTAMPTZ - to_seconds(20 * ($rows - n)) FROM range($rows) t(n)",
        {"rows": rows, "now": NOW},
    )
    # What filling left to be written is not part of what is measured.
    con.execute("CHECKPOINT")


def measure(rows: int, site: Site) -> tuple[float, float, int]:
    """Return the seconds and the CPU seconds that reading all of the site's posts takes, and how many were stored."""
    entry = SOURCES["hackernews"]
    with tempfile.TemporaryDirectory() as folder, open_working(Path(folder) / "x.duckdb") as con:
        fill(con, rows)
        source = entry.module.build(entry.config.model_validate({"base": site.base}), queries(controls={}), client())
        start, used = time.perf_counter(), time.process_time()
        window = Window(NOW - timedelta(days=60), NOW)
        (outcome,) = collect(con, [Ready(entry, source)], window, key=b"k", run_id="r", now=NOW)
        return time.perf_counter() - start, time.process_time() - used, outcome.new


def main(held: Sequence[int] = HELD) -> None:
    """Print posts a second, peak memory, and what a post costs as a ratio to an empty warehouse, in the same run.

    The ratio is of CPU seconds: the stand-in's share in it is the same in every line, and other work on the machine
    is not counted.
    """
    gap = timedelta(days=55) / POSTS
    first = 0.0
    table = [["rows held", "posts", "seconds", "posts/s", "CPU ms/post", "times empty", "peak MiB"]]
    with running(Site(stand_hackernews.answer, posts(POSTS, gap=gap))) as site:
        for rows in held:
            seconds, used, new = measure(rows, site)
            first = first or used
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            figures = (f"{seconds:.1f}", f"{new / seconds:,.0f}", f"{used / new * 1e3:.3f}", f"{used / first:.2f}")
            table.append([f"{rows:,}", f"{new:,}", *figures, f"{peak:,.0f}"])
    sys.stdout.write(aligned(table))


if __name__ == "__main__":
    main([int(value) for value in sys.argv[1:]] or HELD)
