"""How many pages several processes store at once in one lake, whose catalogue is in a PostgreSQL."""

import multiprocessing
import os
import tempfile
import time
from contextlib import suppress
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Final

import duckdb

from tests.bench import lake_posts
from tests.bench.frame import Row, held_against
from tests.bench.lake import PAGE
from tests.bench.lake_posts import UNTIL
from tests.lakes import shared_lake
from tests.postgres import postgres
from warehouse import raw
from warehouse.connect import open_working
from warehouse.rows import transaction

TITLE: Final = "Several writers of one lake"
ABOUT: Final = (
    "A DuckLake with its catalogue in a PostgreSQL on this machine; 1, 2 and 4 processes store pages of 1,000 posts with "
    "their cursors, each of a source of its own. On the wall, from when all are ready to when the last has ended. As the "
    "product does it, transactions take turns. Left to DuckLake they run at once: a commit that came second is tried again "
    "by DuckLake (collided, by the server's log); where another has changed the same table meanwhile, the whole page is "
    "refused and stored again here, at most 50 times."
)
WRITERS: Final = (1, 2, 4)
PAGES: Final = 30
TRIES: Final = 50


def store(con: duckdb.DuckDBPyConnection, source: str, number: int) -> None:
    """Store one page of new posts with its cursor, as reading a source does; the caller owns the transaction."""
    names = [f"{source}:{(n * 2654435761) % 2**32}" for n in range(number * PAGE, (number + 1) * PAGE)]
    common = {"source_id": source, "text_hash": "h", "run_id": "r", "payload": "{}", "created_at": UNTIL}
    items = [{**common, "given_id": name, "content_hash": name, "report_id": name} for name in names]
    cursor = {"source_id": source, "stream": "bench", "position": str(number)}
    raw.store_page(con, items=items, rejects=(), cursor=cursor)


def _taking_turns(con: duckdb.DuckDBPyConnection, source: str, number: int) -> int:
    with transaction(con):
        store(con, source, number)
    return 0


def _left_to_ducklake(con: duckdb.DuckDBPyConnection, source: str, number: int) -> int:
    """Store a page without a turn, again while it is refused; return how often it was."""
    for refused in range(TRIES):
        con.execute("BEGIN")
        try:
            store(con, source, number)
            con.execute("COMMIT")
        except duckdb.TransactionException:
            with suppress(duckdb.TransactionException):
                con.execute("ROLLBACK")
            continue
        return refused
    msg = f"a page was refused {TRIES} times"
    raise RuntimeError(msg)


_WAYS: Final = {"taking turns": _taking_turns, "left to DuckLake": _left_to_ducklake}


def _write(
    db: Path, way: str, source: str, pages: int, ready: Barrier, told: "multiprocessing.Queue[tuple[float, int]]"
) -> None:
    with open_working(db) as con:
        # The first transaction of a process fetches what the catalogue knows.
        _taking_turns(con, source, 0)
        ready.wait()
        refused = sum(_WAYS[way](con, source, number) for number in range(1, pages + 1))
        told.put((time.time(), refused))


def measure(db: Path, way: str, writers: int, pages: int) -> tuple[float, int]:
    """Have so many writers store so many pages each; return the seconds that took and how many were refused."""
    context = multiprocessing.get_context("spawn")
    ready, told = context.Barrier(writers + 1), context.Queue()
    processes = [
        context.Process(target=_write, args=(db, way, f"{way} {writers} {number}", pages, ready, told))
        for number in range(writers)
    ]
    for process in processes:
        process.start()
    ready.wait()
    start = time.time()
    ends = [told.get() for _ in processes]
    for process in processes:
        process.join()
    return max(end for end, _ in ends) - start, sum(refused for _, refused in ends)


def rows(*, small: bool) -> list[Row]:
    """Measure each number of writers, taking turns and not."""
    pages, numbers = (2, (1, 2)) if small else (PAGES, WRITERS)
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, postgres("lake") as server:
        os.environ.update(shared_lake(server, Path(folder)))
        db = Path(folder) / "x.duckdb"
        with open_working(db) as con:
            lake_posts.begin(con)
        for way in _WAYS:
            alone: Row | None = None
            for count in numbers:
                before = _collided(server)
                wall, refused = measure(db, way, count, pages)
                n = count * pages
                row = held_against(Row(f"{count} writers, {way}", n / wall, "pages/s", n, wall), alone)
                alone = alone or row
                found += [
                    row,
                    Row(f"{count} writers, {way}: collided", _collided(server) - before, "commits", n),
                    Row(f"{count} writers, {way}: refused", refused, "pages", n),
                ]
    return found


def _collided(server: Path) -> int:
    return (server / "log").read_text("utf-8", errors="replace").count("duplicate key value")
