"""Days in minutes: `make soak`, or `python -m tests.soak --minutes 20`; writes docs/soak.md.

Posts appear at stand-ins while a clock runs 216 times too fast (20 minutes are three days). Every compressed hour the
pipeline collects, judges and publishes, as the schedule does; faults are injected all the while; readers ask the
snapshots through the query layer of the dashboard. At the end everything that was served must be stored once.
"""

import argparse
import gc
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

import numpy as np

from classifiers import encoder
from flows import collect, steps
from flows.collect_source import Ready
from flows.collect_source import collect as read_sources
from flows.exchange import Limits
from flows.http import Client
from flows.slices import Window
from flows.sources import sample
from flows.sources.registry import SOURCES
from tests.conftest import ROOT
from tests.crash import Remembering
from tests.flows.sources import stand_hackernews, stand_lemmy, stand_stackexchange
from tests.flows.sources.conftest import queries
from tests.flows.sources.standin import NOW, Post, Site, Time, html, reset, running, status, truncated
from warehouse import runs
from warehouse.backup import back_up
from warehouse.connect import WarehouseError, open_working
from warehouse.publish import publish
from warehouse.query import query

SPEED = 216.0
STANDS = {"hackernews": stand_hackernews, "stackexchange": stand_stackexchange, "lemmy": stand_lemmy}
FAULTS = (html, reset, truncated, status(500), status(503), status(429, retry_after="5"))
# What the overview asks, in the cost that matters: a series, a list, a count.
ASKED = (
    "SELECT month, incidents FROM monthly_incidents WHERE merge = 'normal' ORDER BY month",
    "SELECT incident, incident_title FROM incidents WHERE is_strict ORDER BY score DESC, incident LIMIT 10",
    "SELECT source_id, sum(posts) FROM coverage GROUP BY 1 ORDER BY 1",
)
READERS = 20


@dataclass
class Seen:
    """What was measured: one row of (minute, resident MB, open files) a cycle; reads, their errors, the slowest."""

    rows: list[tuple[float, float, int]] = field(default_factory=list)
    reads: int = 0
    failed: list[str] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    cycles: int = 0
    faults: int = 0
    published: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def resident() -> float:
    """Return this process's resident memory in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def handles() -> int:
    """Return how many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def slope(rows: Sequence[tuple[float, float]]) -> float:
    """Return the slope by least squares, without the first fifth (caches fill there)."""
    later = rows[len(rows) // 5 :]
    if len(later) < 3:
        return 0.0
    x, y = np.array(later).T
    return float(np.polyfit(x, y, 1)[0])


def reader(db: Path, seen: Seen, stop: threading.Event, number: int) -> None:
    """Ask the current snapshot again and again, as a page does."""
    pause = random.Random(number)
    while not stop.wait(pause.uniform(1.0, 3.0)):
        began = time.monotonic()
        try:
            query(db, ASKED[number % len(ASKED)])
        except WarehouseError as error:
            # Before the first publish there is nothing to read.
            if "is published yet" not in str(error):
                seen.failed.append(str(error))
            continue
        with seen.lock:
            seen.reads += 1
            seen.took.append(time.monotonic() - began)


def cycle(db: Path, sites: dict[str, Site], now: datetime, memory: Any, seen: Seen) -> None:
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
        steps.label_pending(con, memory, run_id=run_id)
        steps.link_pending(con, run_id=run_id)
        runs.finish(con, run_id, counts={}, instrument=memory.instrument)
    http.close()
    with open_working(db) as con:
        seen.published += publish(con, db, version="soak").new


def main(minutes: float, seed: int) -> int:
    """Run the soak and write its table; return how many of its claims do not hold."""
    rng = random.Random(seed)
    memory = Remembering()
    encoder.default_encoder = lambda: memory  # type: ignore[assignment]
    entries = [sample.as_post(entry) for entry in sample.record()]
    seen = Seen()
    stop = threading.Event()
    begin = NOW - timedelta(days=4)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, ExitStack() as stack:
        db = Path(folder) / "x.duckdb"
        sites = {name: stack.enter_context(running(Site(stand.answer))) for name, stand in STANDS.items()}
        threads = [threading.Thread(target=reader, args=(db, seen, stop, n), daemon=True) for n in range(READERS)]
        for thread in threads:
            thread.start()
        started = time.monotonic()
        number, shown_to = 1, begin
        while True:
            elapsed = time.monotonic() - started
            last = elapsed >= minutes * 60
            now = begin + timedelta(seconds=elapsed * SPEED)
            # About six posts an hour and source, some of them tellings of one event.
            while shown_to < now:
                for site in sites.values():
                    told = rng.choice(entries)
                    text = f"Claude Code: {told['text']} ({number})"
                    site.posts.append(Post(number, shown_to, told["title"], text, f"writer{number % 9}"))
                    number += 1
                shown_to += timedelta(minutes=rng.uniform(5, 15))
            if not last:
                for site in sites.values():
                    if rng.random() < 0.4:
                        site.faults = [rng.choice(FAULTS) for _ in range(rng.randint(1, 6))]
                        seen.faults += len(site.faults)
            else:
                for site in sites.values():
                    site.faults = []
                # What settles late is asked for once more, after everything has settled.
                now += timedelta(hours=12)
            cycle(db, sites, now, memory, seen)
            seen.cycles += 1
            for site in sites.values():
                site.log.clear()
            if seen.cycles % 24 == 0:
                back_up(db, keep=2)
            gc.collect()
            seen.rows.append((elapsed / 60, resident(), handles()))
            if last:
                break
            # The next compressed hour, if this one took less.
            time.sleep(max(0.0, 3600 / SPEED - (time.monotonic() - started - elapsed)))
        stop.set()
        for thread in threads:
            thread.join()
        served = sum(len(site.posts) for site in sites.values())
        with open_working(db) as con:
            stored, posts = con.execute("SELECT count(*), count(DISTINCT report_id) FROM raw_items").fetchone() or (
                0,
                0,
            )
            numbers = con.execute("SELECT count(*), count(DISTINCT incident) FROM incidents").fetchone() or (0, 0)
        size = db.stat().st_size / 1e6
    memory_slope = slope([(minute, mb) for minute, mb, _ in seen.rows])
    handle_slope = slope([(minute, float(count)) for minute, _, count in seen.rows])
    compressed = (seen.rows[-1][0] * SPEED) / 60
    claims = {
        "posts lost": served - posts,
        "posts stored twice": stored - posts,
        "incident numbers given twice": numbers[0] - numbers[1],
        "reads that failed": len(seen.failed),
        "open files gained from the first fifth to the end": max(
            0, seen.rows[-1][2] - max(row[2] for row in seen.rows[: max(1, len(seen.rows) // 5)])
        ),
    }
    took = np.array(seen.took or [0.0]) * 1000
    lines = [
        "# Soak",
        "",
        f"Written by `python -m tests.soak --minutes {minutes:g} --seed {seed}` on {datetime.now(UTC):%Y-%m-%d}: "
        f"{compressed:,.1f} hours at {SPEED:g} times speed, {len(sites)} stand-in sources, {READERS} readers.",
        "",
        "| what | value |",
        "| --- | --- |",
        f"| cycles of collect, label, link, publish | {seen.cycles} |",
        f"| faults injected | {seen.faults} |",
        f"| posts served / stored | {served:,} / {posts:,} |",
        *(f"| {name} | {value} |" for name, value in claims.items()),
        f"| incidents | {numbers[0]:,} |",
        f"| snapshots published | {seen.published} |",
        f"| reads of snapshots | {seen.reads:,} (median {np.median(took):,.0f} ms, 95 % under {np.percentile(took, 95):,.0f} ms) |",
        f"| memory, first and last cycle | {seen.rows[0][1]:,.0f} and {seen.rows[-1][1]:,.0f} MB |",
        f"| slope of memory after the first fifth | {memory_slope:+,.2f} MB a minute ({memory_slope * 60 / SPEED:+,.3f} MB an hour of the schedule) |",
        f"| open files, first and last cycle | {seen.rows[0][2]} and {seen.rows[-1][2]} (slope {handle_slope:+,.2f} a minute) |",
        f"| working file at the end | {size:,.1f} MB |",
    ]
    text = "\n".join(lines) + "\n"
    (ROOT / "docs" / "soak.md").write_text(text, "utf-8")
    print(text)
    for problem in seen.failed[:5]:
        print(problem)
    return sum(value != 0 for value in claims.values())


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=20.0)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    sys.exit(1 if main(given.minutes, given.seed) else 0)
