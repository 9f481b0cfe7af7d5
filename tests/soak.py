"""Days in minutes: `make soak`, or `python -m tests.soak --minutes 20`; writes docs/soak.md.

Posts appear at stand-ins while a clock runs 216 times too fast (20 minutes are three days). Every compressed hour the
pipeline collects, judges and publishes, as the schedule does; faults are injected all the while; readers in a process
of their own open the pages, as the dashboard does. At the end everything that was served must be stored once, and
neither process may have grown. (`offscript serve` runs each turn in a process that ends with it: here all turns share
one, so that what a turn leaves behind adds up.)
"""

import argparse
import gc
import multiprocessing
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from scipy import stats

from app.queries import incidents, overview, sources, trends
from classifiers.label import Labeller
from flows import collect, steps
from flows.children import die_with_parent
from flows.collect_source import Ready
from flows.collect_source import collect as read_sources
from flows.exchange import Limits
from flows.http import Client
from flows.slices import Window
from flows.sources import sample
from flows.sources.registry import SOURCES
from tests.conftest import ROOT
from tests.crash import instrument
from tests.flows.sources import stand_hackernews, stand_lemmy, stand_stackexchange
from tests.flows.sources.conftest import queries
from tests.flows.sources.standin import NOW, Post, Site, Time, html, reset, running, status, truncated
from warehouse import runs
from warehouse.backup import back_up
from warehouse.connect import WarehouseError, find_snapshot, open_working
from warehouse.publish import publish
from warehouse.query import query

SPEED = 216.0
STANDS = {"hackernews": stand_hackernews, "stackexchange": stand_stackexchange, "lemmy": stand_lemmy}
FAULTS = (html, reset, truncated, status(500), status(503), status(429, retry_after="5"))
READERS = 20
# One reading in so many is typed into the box for SQL, which starts a process of its own.
TYPED = 50
SQL = "SELECT month, incidents FROM monthly_incidents WHERE merge = 'normal' ORDER BY month"


@dataclass
class Reads:
    """What the readers did: how often, what failed, how long each took (s)."""

    done: int = 0
    failed: list[str] = field(default_factory=list)
    took: list[float] = field(default_factory=list)


@dataclass
class Seen:
    """What was measured: a row a cycle of the minute, and of each process its resident MB and its open files."""

    rows: list[tuple[float, float, int, float, int]] = field(default_factory=list)
    cycles: int = 0
    faults: int = 0
    published: int = 0


def resident(pid: int) -> float:
    """Return a process's resident memory in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def handles(pid: int) -> int:
    """Return how many files a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@dataclass(frozen=True)
class Slope:
    """Growth a minute over the second half, with its 95 % interval (least squares), and from quarter to quarter."""

    value: float
    low: float
    high: float
    gained: float

    @property
    def flat(self) -> bool:
        """Whether it does not grow: the interval reaches down to 0, or a quarter's gain is under 2 %."""
        return bool(np.isfinite(self.low)) and (self.low <= 0 or self.gained < 0.02)

    @property
    def told(self) -> str:
        """The judgement in words; a short run allows none."""
        return "flat" if self.flat else "GROWS" if np.isfinite(self.low) else "too few cycles to say"


def slope(rows: Sequence[tuple[float, float]]) -> Slope:
    """Return the slope of the second half, when what is loaded once is loaded and caches are full."""
    later = rows[len(rows) // 2 :]
    if len(later) < 4:
        return Slope(0.0, -np.inf, np.inf, 0.0)
    x, y = np.array(later).T
    fit = stats.linregress(x, y)
    half = float(stats.t.ppf(0.975, len(later) - 2)) * float(fit.stderr)
    third, last = np.median(y[: len(y) // 2]), np.median(y[len(y) // 2 :])
    return Slope(float(fit.slope), float(fit.slope) - half, float(fit.slope) + half, float(last / third - 1))


def look(db: Path, pick: random.Random) -> None:
    """Open one page on the current snapshot."""
    snapshot = find_snapshot(db)
    page = pick.randrange(TYPED)
    if page == 0:
        query(db, SQL)
    elif page % 4 == 0:
        overview.load(snapshot)
    elif page % 4 == 1:
        trends.series(snapshot, pick.choice([None, "behaviour", "source"]), "normal", None, None)
    elif page % 4 == 2:
        word = pick.choice(["deleted", "shutdown", "without asking", "log", ""])
        incidents.page(snapshot, incidents.Wanted(words=word), pick.choice(list(incidents.ORDERS)), 1)
    else:
        sources.platforms(snapshot)


def reader(db: Path, reads: Reads, lock: threading.Lock, stop: Any, number: int) -> None:
    """Open pages of the current snapshot again and again."""
    pick = random.Random(number)
    while not stop.wait(pick.uniform(1.0, 3.0)):
        began = time.monotonic()
        try:
            look(db, pick)
        except WarehouseError as error:
            # Before the first publish there is nothing to read.
            if "is published yet" not in str(error):
                reads.failed.append(str(error))
            continue
        with lock:
            reads.done += 1
            reads.took.append(time.monotonic() - began)


def read_pages(db: Path, stop: Any, told: Any) -> None:
    """Read with all readers until told to stop; the body of the readers' process."""
    die_with_parent()
    # Where there are few cores, pages wait for the pipeline, not the other way round: its days pass by the clock.
    os.nice(10)
    reads, lock = Reads(), threading.Lock()
    threads = [threading.Thread(target=reader, args=(db, reads, lock, stop, n)) for n in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told.put(reads)


def cycle(db: Path, sites: dict[str, Site], now: datetime, labeller: Labeller, seen: Seen) -> None:
    """Collect, judge, publish: one compressed hour."""
    clock = Time()
    http = Client(
        "soak", limits=Limits(read=5.0), allow_private=True, clock=clock.clock, sleep=clock.sleep, now=lambda: now
    )
    ready = []
    for name, site in sites.items():
        entry = SOURCES[name]
        config = entry.config.model_validate(STANDS[name].config(site.base))
        asked = queries(**STANDS[name].ASKED).model_copy(update={"controls": {}})
        ready.append(Ready(entry, entry.module.build(config, asked, http)))
    with open_working(db) as con:
        run_id = runs.start(con, "soak", "test")
        collect.load_platforms(con)
        window = Window(now - timedelta(hours=36), now)
        read_sources(con, ready, window, key=b"soak", run_id=run_id, now=now)
        steps.screen_pending(con, key=b"soak", run_id=run_id)
        steps.label_pending(con, labeller, run_id=run_id)
        steps.link_pending(con, run_id=run_id)
        runs.finish(con, run_id, counts={}, instrument=labeller.instrument)
    http.close()
    with open_working(db) as con:
        seen.published += publish(con, db, version="soak").new


def main(minutes: float, seed: int) -> int:
    """Run the soak and write its table; return how many of its claims do not hold."""
    rng = random.Random(seed)
    labeller = instrument()
    entries = [sample.as_post(entry) for entry in sample.record()]
    seen = Seen()
    spawn = multiprocessing.get_context("spawn")
    stop, told = spawn.Event(), spawn.Queue()
    begin = NOW - timedelta(days=4)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, ExitStack() as stack:
        db = Path(folder) / "x.duckdb"
        sites = {name: stack.enter_context(running(Site(stand.answer))) for name, stand in STANDS.items()}
        pages = spawn.Process(target=read_pages, args=(db, stop, told), daemon=True)
        pages.start()
        stack.callback(pages.kill)
        watched = (os.getpid(), int(pages.pid or 0))
        started = time.monotonic()
        number, shown_to = 1, begin
        while True:
            elapsed = time.monotonic() - started
            last = elapsed >= minutes * 60
            now = begin + timedelta(seconds=elapsed * SPEED)
            # About six posts an hour and source, some of them tellings of one event.
            while shown_to < now:
                for site in sites.values():
                    entry = rng.choice(entries)
                    text = f"Claude Code: {entry['text']} ({number})"
                    site.posts.append(Post(number, shown_to, entry["title"], text, f"writer{number % 9}"))
                    number += 1
                shown_to += timedelta(minutes=rng.uniform(5, 15))
            for site in sites.values():
                site.faults = []
                if not last and rng.random() < 0.4:
                    site.faults = [rng.choice(FAULTS) for _ in range(rng.randint(1, 6))]
                    seen.faults += len(site.faults)
            if last:
                # What settles late is asked for once more, after everything has settled.
                now += timedelta(hours=12)
            cycle(db, sites, now, labeller, seen)
            seen.cycles += 1
            for site in sites.values():
                site.log.clear()
            if seen.cycles % 24 == 0:
                back_up(db, keep=2)
            gc.collect()
            figures = [figure for pid in watched for figure in (resident(pid), handles(pid))]
            seen.rows.append((elapsed / 60, *figures))  # type: ignore[arg-type]
            print(f"{elapsed / 60:6.1f} min, turn {seen.cycles}: MB and open files {figures}", file=sys.stderr)
            if last:
                break
            # The next compressed hour, if this one took less.
            time.sleep(max(0.0, 3600 / SPEED - (time.monotonic() - started - elapsed)))
        stop.set()
        reads: Reads = told.get(timeout=60)
        served = sum(len(site.posts) for site in sites.values())
        with open_working(db) as con:
            stored, posts = counted(con, "SELECT count(*), count(DISTINCT report_id) FROM raw_items")
            found, distinct = counted(con, "SELECT count(*), count(DISTINCT incident) FROM incidents")
        size = db.stat().st_size / 1e6
    claims = {
        "posts lost": served - posts,
        "posts stored twice": stored - posts,
        "incident numbers given twice": found - distinct,
        "reads that failed": len(reads.failed),
        "open files gained by the pipeline over the second half": gained(seen, 2),
        "open files gained by the readers over the second half": gained(seen, 4),
    }
    took = np.array(reads.took or [0.0]) * 1000
    slopes = {name: slope([(row[0], row[at]) for row in seen.rows]) for name, at in (("pipeline", 1), ("readers", 3))}
    table = [
        ("cycles of collect, label, link, publish", f"{seen.cycles}"),
        ("faults injected", f"{seen.faults}"),
        ("posts served / stored", f"{served:,} / {posts:,}"),
        *((name, str(value)) for name, value in claims.items()),
        ("incidents", f"{found:,}"),
        ("snapshots published", f"{seen.published}"),
        (
            "pages read",
            f"{reads.done:,} (median {np.median(took):,.0f} ms, 95 % under {np.percentile(took, 95):,.0f} ms)",
        ),
    ]
    for (name, fit), at in zip(slopes.items(), (1, 3), strict=True):
        first, middle, end = (seen.rows[row][at] for row in (0, len(seen.rows) // 2, -1))
        table += [
            (f"memory of the {name}: first, middle, last cycle", f"{first:,.0f}, {middle:,.0f}, {end:,.0f} MB"),
            (
                f"slope of the memory of the {name} over the second half",
                f"{fit.value:+,.2f} MB a minute (95 % interval {fit.low:+,.2f} to {fit.high:+,.2f}); last quarter against "
                f"the third {fit.gained:+.1%}: {fit.told}",
            ),
        ]
    table.append(("working file at the end", f"{size:,.1f} MB"))
    compressed = seen.rows[-1][0] * SPEED / 60
    lines = [
        "# Soak",
        "",
        f"Written by `python -m tests.soak --minutes {minutes:g} --seed {seed}` on {datetime.now(UTC):%Y-%m-%d}: "
        f"{compressed:,.1f} hours at {SPEED:g} times speed, {len(sites)} stand-in sources, {READERS} readers.",
        "",
        "| what | value |",
        "| --- | --- |",
        *(f"| {name} | {value} |" for name, value in table),
    ]
    text = "\n".join(lines) + "\n"
    (ROOT / "docs" / "soak.md").write_text(text, "utf-8")
    print(text)
    for problem in reads.failed[:5]:
        print(problem)
    return sum(value != 0 for value in claims.values()) + sum(not fit.flat for fit in slopes.values())


def counted(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, int]:
    """Return the two counts a query gives."""
    row = con.execute(sql).fetchone() or (0, 0)
    return int(row[0]), int(row[1])


def gained(seen: Seen, at: int) -> int:
    """Return how many files more were open at the end than at most in the second quarter."""
    quarter = len(seen.rows) // 4
    before = [int(row[at]) for row in seen.rows[quarter : max(2 * quarter, quarter + 1)]]
    return max(0, int(seen.rows[-1][at]) - max(before))


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=20.0)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    sys.exit(1 if main(given.minutes, given.seed) else 0)
