"""How fast posts come in from a stand-in, and whether that depends on how many are stored already."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Final

import duckdb

from flows.collect_source import Ready, collect
from flows.slices import Window
from flows.sources.registry import SOURCES
from tests.bench.frame import Row, Spent, clocked, peak, rate
from tests.flows.sources import stand_hackernews
from tests.flows.sources.conftest import queries
from tests.flows.sources.standin import NOW, Site, client, posts, running
from warehouse.connect import open_working

TITLE: Final = "Bringing posts in"
ABOUT: Final = (
    "Hacker News posts are read from a stand-in on loopback and stored with their cursor, page by page, into a warehouse "
    "that holds 0, 1 and 5 million already; the stand-in's share is the same in every row. The baseline is the empty "
    "warehouse. The notebook holds as many rows in a Parquet file and takes the same number of new ones in: read, "
    "concatenate, drop duplicates, write. A ratio near 1 means that the past costs nothing."
)
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


def measure(rows: int, site: Site) -> tuple[Spent, int]:
    """Return what reading all of the site's posts takes, and how many were stored."""
    entry = SOURCES["hackernews"]
    with tempfile.TemporaryDirectory() as folder, open_working(Path(folder) / "x.duckdb") as con:
        fill(con, rows)
        source = entry.module.build(entry.config.model_validate({"base": site.base}), queries(controls={}), client())
        window = Window(NOW - timedelta(days=60), NOW)
        ready = [Ready(entry, source)]
        spent, (outcome,) = clocked(lambda: collect(con, ready, window, key=b"k", run_id="r", now=NOW))
        return spent, outcome.new


def _notebook(held: int, new: int) -> Spent:
    import numpy as np
    import pandas as pd

    def table(first: int, count: int) -> pd.DataFrame:
        numbers = np.arange(first, first + count)
        ids = pd.Series(numbers).astype(str)
        return pd.DataFrame({"id": "hackernews:" + ids, "text": "claude code deleted folder " + ids, "at": numbers})

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "held.parquet"
        table(0, held).to_parquet(path)
        # As every fetch does, this one brings some that are there already.
        given = table(max(held - new // 10, 0), new)

        def take_in() -> None:
            pd.concat([pd.read_parquet(path), given]).drop_duplicates("id").to_parquet(path)

        return clocked(take_in)[0]


def rows(*, small: bool) -> list[Row]:
    """Measure each size of the warehouse."""
    count, sizes = (1000, (0, 2000)) if small else (POSTS, HELD)
    gap = timedelta(days=55) / count
    stored: list[Row] = []
    taken: list[Row] = []
    with running(Site(stand_hackernews.answer, posts(count, gap=gap))) as site:
        for size in sizes:
            spent, new = measure(size, site)
            first = stored[0] if stored else None
            stored.append(rate(f"into a warehouse of {size:,}", new, spent, against=first))
            spent = _notebook(size, count)
            first = taken[0] if taken else None
            taken.append(rate(f"into the notebook's file of {size:,}", count, spent, against=first))
    return [*stored, *taken, peak()]
