"""Whether a lake's past costs anything: adding posts to it, and the figures every reader begins with.

`python -m tests.bench.lake POSTS…` measures other sizes and prints them; nothing is kept.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import duckdb

from flows.files import aligned
from tests.bench import lake_posts, page
from tests.bench.frame import Row, Spent, clocked, held_against, peak
from tests.bench.lake_posts import KEPT, UNTIL
from warehouse import raw, reports
from warehouse.connect import open_working
from warehouse.lake import DATA, SETTING
from warehouse.lake_figures import SCHEMA
from warehouse.layout import month_counts
from warehouse.publish import publish
from warehouse.rows import transaction
from warehouse.upkeep import compact

TITLE: Final = "A lake and its past"
ABOUT: Final = (
    "A DuckLake (catalogue in a file, zstd Parquet) of a million posts a month, made in SQL: one month of them, then fifty. "
    "A post has 192 characters of text; one in fifty is kept, one in ten of these is strict. Each size is read in a process "
    "of its own. Durations are processor seconds, so that other work on the machine does not count; each figure is held "
    "against the same one at the first size, and a ratio near 1 means that the past costs nothing. Figures as published lie "
    "in the lake beside the posts (schema `published`), months are counted by the catalogue; counting anew reads everything."
)
SIZES: Final = (1_000_000, 50_000_000)
A_MONTH: Final = 1_000_000
PAGES: Final = 20
PAGE: Final = 1000
REPEATS: Final = 5
_MONTHLY: Final = (
    "SELECT merge, date_trunc('month', day) AS month, sum(n) FROM {} WHERE counted = 'incidents' AND split_by = 'all' "
    "GROUP BY ALL"
)
_QUERIES: Final = {
    "strict incidents a month, as published": _MONTHLY.format(f"{SCHEMA}.daily_counts"),
    "posts in all": "SELECT count(*) FROM raw_items",
    "reports of the last day": "SELECT report_id, title FROM reports WHERE created_at >= TIMESTAMPTZ '2026-10-31'",
    "strict incidents a month, counted anew": _MONTHLY.format("daily_counts"),
    "posts a month, counted anew": "SELECT date_trunc('month', created_at), count(*) FROM raw_items GROUP BY 1",
}


def store(con: duckdb.DuckDBPyConnection, writer: int, number: int) -> None:
    """Store one page of new posts as reading a source does, and what the screen said of them."""
    began = datetime.now(UTC)
    # They come at the end of the last month, among the posts of that month.
    at = UNTIL - timedelta(hours=1) + timedelta(seconds=number)
    names = [f"hackernews:{(n * 2654435761) % 2**32}" for n in _numbers(writer, number)]
    common = {"platform": "hackernews", "source_id": "hackernews", "text_hash": "h", "run_id": "r"}
    items = [
        {**common, "given_id": name, "content_hash": name, "report_id": name, "payload": "{}", "created_at": at}
        for name in names
    ]
    screened = [
        {**common, "report_id": name, "screen": "s", "kept": False, "screened_at": datetime.now(UTC)} for name in names
    ]
    kept = [
        {**common, "report_id": name, "title": "t", "text": "w", "created_at": at} for name in names[: PAGE // KEPT]
    ]
    cursor = {"source_id": "bench", "stream": f"of {writer}", "position": str(number)}
    with transaction(con):
        raw.store_page(con, items=items, rejects=(), cursor=cursor)
        reports.store_screened(con, screened, kept, since=began)


def _numbers(writer: int, number: int) -> range:
    first = 3_000_000_000 + writer * 10_000_000 + number * PAGE
    return range(first, first + PAGE)


def costs(db: Path, size: int, *, pages: int, repeats: int) -> list[Row]:
    """Return what it costs to open a lake, to store pages in it and to read its figures, and the memory that took."""
    found = []
    with open_working(db) as con:
        # The first transaction of a process fetches what the catalogue knows.
        store(con, size, pages)
        spent = [clocked(partial(store, con, size, number))[0] for number in range(pages)]
        found.append(_row(f"store a page of {PAGE:,}", spent))
        reads: dict[str, Callable[[], Any]] = {
            name: partial(lambda sql: con.execute(sql).fetchall(), sql) for name, sql in _QUERIES.items()
        }
        reads["posts a month, from the catalogue"] = partial(month_counts, con, "raw_items")
        for name, read in reads.items():
            read()
            found.append(_row(name, [clocked(read)[0] for _ in range(repeats)]))
    return [*found, peak("memory, storing and reading")]


def _row(name: str, spent: list[Spent]) -> Row:
    """Return the middle of several processor times, in milliseconds."""
    middle = sorted(item.cpu for item in spent)[len(spent) // 2]
    whole = Spent(sum(item.wall for item in spent), sum(item.cpu for item in spent))
    return Row(name, 1000 * middle, "ms", len(spent), whole.wall, whole.cpu)


def apart(db: Path, size: int, *, pages: int, repeats: int) -> list[Row]:
    """Measure in a process of its own, whose memory is its own."""
    given = json.dumps({"db": str(db), "size": size, "pages": pages, "repeats": repeats})
    told = subprocess.run(
        [sys.executable, "-m", "tests.bench.lake", "--costs", given], check=True, stdout=subprocess.PIPE
    )
    return [Row(**row) for row in json.loads(told.stdout)]


def measure(sizes: tuple[int, ...], *, a_month: int, pages: int, repeats: int) -> list[Row]:
    """Make lakes of these sizes, each out of the one before, and measure each."""
    place = Path(tempfile.mkdtemp(prefix="offscript-lake-"))
    os.environ[SETTING] = f"ducklake:{place / 'lake.ducklake'}"
    os.environ[DATA] = str(place / "parquet")
    rows: list[Row] = []
    first: dict[str, Row] = {}
    held = 0
    try:
        for size in sizes:
            made = _make(place / "x.duckdb", held, size, a_month)
            read = apart(place / "x.duckdb", size, pages=pages, repeats=repeats)
            files = [path.stat().st_size for path in place.rglob("*.parquet")]
            stands = [
                Row("Parquet files", len(files), "files", size),
                Row("on disk", sum(files) / size, "bytes/post", size),
            ]
            for row in (*read, *made, *stands):
                told = replace(row, name=f"{row.name}, {size:,} held")
                rows.append(held_against(told, first.get(row.name)))
                first.setdefault(row.name, told)
            held = size
            sys.stderr.write(f"lake: {size:,} posts\n")
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return rows


def _make(db: Path, held: int, size: int, a_month: int) -> list[Row]:
    """Let a lake grow from one size to another, and publish it."""
    with open_working(db) as con:
        if not held:
            lake_posts.begin(con)
        making, _ = clocked(lambda: lake_posts.fill(con, range(held // a_month, size // a_month), a_month))
        merging, _ = clocked(lambda: compact(con))
        publishing, _ = clocked(lambda: publish(con, db, version=f"bench {size}"))
    return [
        Row("making a month", making.cpu * a_month / (size - held), "s", size - held, making.wall, making.cpu),
        Row("merging small files", merging.cpu, "s", size, merging.wall, merging.cpu),
        Row("publish", publishing.cpu, "s", size // KEPT, publishing.wall, publishing.cpu),
        peak("memory, making and publishing"),
    ]


def rows(*, small: bool) -> list[Row]:
    """Measure a month of posts and fifty months of them."""
    if small:
        return measure((2000, 4000), a_month=2000, pages=2, repeats=1)
    return measure(SIZES, a_month=A_MONTH, pages=PAGES, repeats=REPEATS)


def main(given: list[str]) -> None:
    """Measure what is asked for: one lake that is there, for `apart`, or lakes of the sizes given."""
    if given[:1] == ["--costs"]:
        asked = json.loads(given[1])
        found = costs(Path(asked.pop("db")), **asked)
        sys.stdout.write(json.dumps([asdict(row) for row in found]))
        return
    sizes = tuple(int(size) for size in given) or SIZES
    table = [page.cells(asdict(row)) for row in measure(sizes, a_month=A_MONTH, pages=PAGES, repeats=REPEATS)]
    sys.stdout.write(aligned([["figure", "value", "n", "seconds", "processor", "ratio", "to"], *table]))


if __name__ == "__main__":
    main(sys.argv[1:])
