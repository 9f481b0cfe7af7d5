"""Kill the pipeline at seeded points and resume it: `make crash`, or `python -m tests.crash --points 200`.

Each point: a forked process with the models loaded collects from a stand-in, labels, links and publishes, twice over
(so that the second round extends what the first stored), and is killed by SIGKILL, at a seeded call into DuckDB or at
a seeded moment. What is on disk then must open; a second process resumes; every table must equal those of a run that
nobody interrupted.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb

from classifiers.encoder import WIDTH
from classifiers.label import Labeller, load_labeller
from flows import collect, steps
from flows.collect_source import Ready
from flows.collect_source import collect as read_sources
from flows.queries import load_queries
from flows.slices import Window
from flows.sources import sample
from flows.sources.registry import SOURCES
from tests.classifiers.fakes import WordEncoder
from tests.flows.sources import stand_hackernews
from tests.flows.sources.standin import NOW, Post, Site, client, running
from warehouse import runs
from warehouse.connect import WarehouseError, find_snapshot, open_snapshot, open_working
from warehouse.publish import publish

POSTS = 32
KEY = b"crash"
# Times of processing and ids of runs differ between any two runs; nothing else may.
_OWN = {
    "run_id",
    "fetched_at",
    "screened_at",
    "judged_at",
    "registered_at",
    "linked_at",
    "opened_at",
    "merged_at",
    "updated_at",
    "inputs_hash",
}
_TABLES = [
    "raw_items",
    "reports",
    "screenings",
    "labels",
    "incidents",
    "incident_reports",
    "links",
    "groupings",
    "merges",
    "cursors",
    "coverage",
    "volumes",
    "rejects",
    "counters",
]


_WATCHED: list[tuple[Any, str]] = [
    (duckdb.DuckDBPyConnection, "execute"),
    (duckdb.DuckDBPyConnection, "executemany"),
    (duckdb.DuckDBPyConnection, "close"),
    (os, "replace"),
    (os, "unlink"),
    (os, "symlink"),
]


def held() -> list[Post]:
    """Return posts of the shipped record, every fourth told a second time by somebody else."""
    entries = [sample.as_post(entry) for entry in sample.record()[:POSTS]]
    out = []
    for n, entry in enumerate(entries):
        at = NOW - timedelta(hours=60) + timedelta(hours=n)
        out.append(Post(2 * n, at, entry["title"], f"Claude Code: {entry['text']}", f"writer{n % 7}"))
        if n % 4 == 0:
            out.append(
                Post(
                    2 * n + 1,
                    at + timedelta(minutes=20),
                    entry["title"],
                    f"Claude Code: {entry['text']} Seen today.",
                    "teller",
                )
            )
    return out


def instrument() -> Labeller:
    """Return the shipped instrument over an encoder that costs nothing, and have the linker use that one too.

    What is at stake here is what is stored, not how well it is judged; each of hundreds of runs would load torch.
    """
    sentences = WordEncoder(WIDTH)
    mock.patch("classifiers.encoder.default_encoder", lambda: sentences).start()
    return replace(load_labeller(), encoder=WordEncoder())


def pipeline(db: Path, base: str, labeller: Labeller) -> None:
    """Collect, screen, label, link and publish, in two rounds, as the schedule does."""
    entry = SOURCES["hackernews"]
    for round_ in (1, 2):
        until = NOW - timedelta(hours=30) if round_ == 1 else NOW
        with open_working(db) as con:
            run_id = runs.start(con, "crash", "test")
            collect.load_platforms(con)
            asked = load_queries().model_copy(update={"agents": ("claude code",), "controls": {}})
            source = entry.module.build(entry.config.model_validate({"base": base}), asked, client())
            window = Window(NOW - timedelta(hours=72), until)
            read_sources(con, [Ready(entry, source)], window, key=KEY, run_id=run_id, now=NOW)
            steps.screen_pending(con, key=KEY, run_id=run_id)
            steps.label_pending(con, labeller, run_id=run_id)
            steps.link_pending(con, run_id=run_id)
            runs.finish(con, run_id, counts={}, instrument=labeller.instrument)
        with open_working(db) as con:
            publish(con, db, version="test")


def digest(db: Path) -> dict[str, str]:
    """Return a hash of each table's rows, without what differs between any two runs."""
    out = {}
    with open_working(db) as con:
        for name in _TABLES:
            cursor = con.execute(f"SELECT * FROM {name} LIMIT 0")
            columns = [column[0] for column in cursor.description or () if column[0] not in _OWN]
            rows = con.execute(f"SELECT {', '.join(columns)} FROM {name} ORDER BY ALL").fetchall()
            out[name] = f"{len(rows)} {hashlib.sha256(repr(rows).encode()).hexdigest()[:16]}"
        publish(con, db, version="test")
    with open_snapshot(db) as (snapshot, _):
        rows = snapshot.execute("SELECT * FROM monthly_incidents ORDER BY ALL").fetchall()
        out["published months"] = f"{len(rows)} {hashlib.sha256(repr(rows).encode()).hexdigest()[:16]}"
    return out


def count_calls(die_at: int | None) -> Callable[[], int]:
    """Count calls into DuckDB and renames, before and after each; kill this process at the one named."""
    seen = 0
    lock = threading.Lock()

    def step() -> None:
        nonlocal seen
        with lock:
            seen += 1
            if seen == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    for owner, name in _WATCHED:
        setattr(owner, name, _stepping(getattr(owner, name), step))
    return lambda: seen


def _stepping(call: Callable[..., Any], step: Callable[[], None]) -> Callable[..., Any]:
    def stepped(*args: Any, **named: Any) -> Any:
        step()
        try:
            return call(*args, **named)
        finally:
            step()

    return stepped


def forked(work: Callable[[], Any], *, kill_after: float | None = None) -> tuple[Any, bool]:
    """Run something in a fork; return what it gave (through JSON), and whether it was killed."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        code = 1
        try:
            os.write(writer, json.dumps(work()).encode())
            code = 0
        except BaseException:  # noqa: BLE001 - a fork must never return into its parent's code
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writer)
    timer = threading.Timer(kill_after, os.kill, (pid, signal.SIGKILL)) if kill_after is not None else None
    if timer:
        timer.start()
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(pid, 0)
    if timer:
        timer.cancel()
        timer.join()
    killed = os.WIFSIGNALED(status)
    if not killed and os.WEXITSTATUS(status):
        msg = "the pipeline failed by itself"
        raise RuntimeError(msg)
    return (json.loads(told) if told else None), killed


def openable(db: Path) -> bool:
    """Whether the current snapshot, if there is one, opens and answers."""
    try:
        find_snapshot(db)
    except WarehouseError:
        return True
    try:
        with open_snapshot(db) as (con, _):
            return con.execute("SELECT count(*) FROM incidents").fetchone() is not None
    except (WarehouseError, duckdb.Error):
        return False


def resumed(db: Path, base: str, labeller: Labeller) -> dict[str, str]:
    """Open what a kill left, go on to the end, and return the digest; a snapshot that does not open is named in it."""
    broken = {} if openable(db) else {"snapshot after the kill": "does not open"}
    pipeline(db, base, labeller)
    return digest(db) | broken


def main(points: int, seed: int, out: Path | None) -> int:
    """Return how many points went wrong."""
    labeller = instrument()
    steps.LABEL_BATCH = 8
    folder = Path(tempfile.mkdtemp(prefix="crash-"))
    rng = random.Random(seed)
    with running(Site(stand_hackernews.answer, held())) as site:

        def whole(db: Path, die_at: int | None = None) -> int:
            calls = count_calls(die_at)
            pipeline(db, site.base, labeller)
            return calls()

        # In this process, so that everything is loaded; then twice in forks: for the calls, and for the time.
        pipeline(folder / "warm.duckdb", site.base, labeller)
        calls, _ = forked(lambda: whole(folder / "calls.duckdb"))
        began = time.monotonic()
        forked(lambda: pipeline(folder / "time.duckdb", site.base, labeller))
        took = time.monotonic() - began
        expected, _ = forked(lambda: digest(folder / "time.duckdb"))
        again, _ = forked(lambda: digest(folder / "calls.duckdb"))
        if again != expected:
            print("two uninterrupted runs differ", expected, again)
            return points
        print(f"uninterrupted: {calls} calls, {took:.1f} s; {expected}")
        wrong = point = killed_in_all = published = 0
        # A moment may come after the end: then another is drawn, until so many were really killed.
        while killed_in_all < points:
            db = folder / f"{point}.duckdb"
            if point % 3 == 2:
                after = rng.uniform(0, took)
                name = f"after {after:.2f} s"
                _, killed = forked(lambda db=db: pipeline(db, site.base, labeller), kill_after=after)  # type: ignore[misc]
            else:
                at = rng.randrange(1, calls + 1)
                name = f"at call {at}"
                _, killed = forked(lambda db=db, at=at: whole(db, at))  # type: ignore[misc]
            killed_in_all += killed
            published += killed and (folder / f"{point}.snapshots" / "current").is_symlink()
            found = forked(lambda db=db: resumed(db, site.base, labeller))[0] if killed else expected  # type: ignore[misc]
            if found != expected:
                wrong += 1
                differing = {key: (found[key], expected.get(key)) for key in found if found[key] != expected.get(key)}
                print(f"point {point}, killed {name}: {differing}", flush=True)
            if killed and killed_in_all % 10 == 0:
                print(f"{killed_in_all} killed, {wrong} wrong", file=sys.stderr, flush=True)
            point += 1
            for path in folder.glob(f"{point - 1}.*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(folder)
    print(
        f"{killed_in_all} killed (seed {seed}), {published} of them after a first publish; {wrong} differ from an "
        "uninterrupted run"
    )
    if out is not None:
        rows = [
            ("processes killed (SIGKILL), each resumed", f"{killed_in_all}"),
            ("of them after a first publish", f"{published}"),
            ("calls into DuckDB and renames in a run, among which two thirds of the points were drawn", f"{calls}"),
            ("runs that differ from an uninterrupted one, in any row or number", f"{wrong}"),
        ]
        head = f"Written by `python -m tests.crash --points {points} --seed {seed}` on {datetime.now(UTC):%Y-%m-%d}."
        compared = f"Compared after resuming: {', '.join(_TABLES)}, and the published months; and that the snapshot found after the kill opens."  # fmt: skip
        table = ["| what | value |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)]
        out.write_text("\n".join(["# Crash", "", head, "", *table, "", compared]) + "\n", "utf-8")
    return wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--out", type=Path, help="write a page with the outcome")
    given = parser.parse_args()
    sys.exit(1 if main(given.points, given.seed, given.out) else 0)
