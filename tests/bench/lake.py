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
from tests.bench.lake_posts import KEPT, MAPPER, SCREEN, UNTIL
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
    "A post has 64 characters of text; one in fifty is kept, one in ten of these is strict. Each size is read in a process "
    "of its own. Durations are processor seconds, so that other work on the machine does not count; each figure is held "
    "against the same one at the first size, and a ratio near 1 means that the past costs nothing. Ingest is storing pages with "
    "their cursors, finding what is to be screened, and storing what the screen says and keeps (not reading a source, not "
    "judging). Figures as published lie in the lake beside the posts (schema `published`), months are counted by the "
    "catalogue; counting anew reads everything, and publishing copies every report kept."
)
SIZES: Final = (1_000_000, 50_000_000)
A_MONTH: Final = 1_000_000
PAGES: Final = 20
PAGE: Final = 1000
REPEATS: Final = 3
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


def store_page(con: duckdb.DuckDBPyConnection, writer: int, number: int) -> None:
    """Store one page of new posts with its cursor, as reading a source does."""
    # They come at the end of the last month, among the posts of that month.
    at = UNTIL - timedelta(hours=1) + timedelta(seconds=number)
    common = {"source_id": "hackernews", "run_id": "r", "mapper": MAPPER, "fetched_at": at, "created_at": at}
    items = [
        {**common, "given_id": name, "content_hash": name, "report_id": name, "text_hash": name, "payload": "{}"}
        for name in (f"hackernews:{(n * 2654435761) % 2**32}" for n in _numbers(writer, number))
    ]
    cursor = {"source_id": "bench", "stream": f"of {writer}", "position": str(number)}
    with transaction(con):
        raw.store_page(con, items=items, rejects=(), cursor=cursor)


def store_screened(con: duckdb.DuckDBPyConnection, batch: list[dict[str, Any]], began: datetime) -> None:
    """Store what the screen said of a batch that it had not seen, and the posts it kept."""
    now = datetime.now(UTC)
    names = [item["given_id"] for item in batch]
    common = {"platform": "hackernews", "source_id": "hackernews", "run_id": "r"}
    screened = [
        {**common, "report_id": name, "text_hash": name, "screen": SCREEN, "kept": False, "screened_at": now}
        for name in names
    ]
    at = UNTIL - timedelta(hours=1)
    kept = [
        {**common, "report_id": name, "text_hash": name, "title": "t", "text": "w", "created_at": at}
        for name in names[::KEPT]
    ]
    with transaction(con):
        reports.store_screened(con, screened, kept, since=began)


def _numbers(writer: int, number: int) -> range:
    # Above those of the posts made, below 2^32: no id is drawn twice.
    first = 3_000_000_000 + writer + number * PAGE
    return range(first, first + PAGE)


def costs(db: Path, size: int, *, pages: int, repeats: int) -> list[Row]:
    """Return what it costs to open a lake, to store pages in it and to read its figures, and the memory that took."""
    found = []
    with open_working(db) as con:
        # The first transaction of a process fetches what the catalogue knows.
        store_page(con, size, pages)
        began = datetime.now(UTC)
        paging = [clocked(partial(store_page, con, size, number))[0] for number in range(pages)]
        finding, batches = clocked(lambda: list(reports.unscreened(con, SCREEN, MAPPER)))
        keeping = [clocked(partial(store_screened, con, batch, began))[0] for batch in batches]
        posts = sum(len(batch) for batch in batches)
        spent = [*paging, finding, *keeping]
        whole = Spent(sum(item.wall for item in spent), sum(item.cpu for item in spent))
        found += [
            _row(f"store a page of {PAGE:,}", paging),
            Row("find what is to be screened", 1000 * finding.cpu, "ms", posts, finding.wall, finding.cpu),
            _row("store a screened batch of 5,000", keeping),
            Row("ingest, a post", 1000 * whole.cpu / posts, "ms", posts, whole.wall, whole.cpu),
        ]
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
        # All of it is screened: a pass that finds nothing more notes that.
        with reports.whole_pass(con, SCREEN, MAPPER):
            pass
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
