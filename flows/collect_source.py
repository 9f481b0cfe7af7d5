"""Reading sources: the pool that reads several side by side, and the loop over one source's streams.

A page, its rejects, its coverage and the cursor are stored in one transaction (see `source_reader`), so a stop at any
point loses nothing and stores nothing twice. One failing source never stops another.
"""

import contextvars
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import duckdb

from flows import counting, progress
from flows.deletions import recheck
from flows.slices import Window, asked
from flows.source_reader import GIVE_UP_AFTER, Outcome, Reader, Run
from flows.sources.base import Checks, Entry, Source
from warehouse.lake import turn
from warehouse.rows import cursor

__all__ = ["Outcome", "Ready", "Run", "collect", "read_source"]


@dataclass(frozen=True)
class Ready:
    """A source to be read; `source` is None where a setting is missing, which `detail` names."""

    entry: Entry
    source: Source | None
    detail: str = ""


def collect(
    con: duckdb.DuckDBPyConnection,
    sources: Sequence[Ready],
    window: Window,
    *,
    key: bytes,
    run_id: str,
    now: datetime | None = None,
    workers: int = 8,
) -> list[Outcome]:
    """Read sources side by side over a span of time; return what each came to, in the order given."""
    run = Run(con, key, run_id, now or datetime.now(UTC))

    def one(ready: Ready, own: duckdb.DuckDBPyConnection) -> Outcome:
        if ready.source is None:
            return Outcome(ready.entry.source, "skipped", detail=ready.detail)
        try:
            with turn(own, f"read {ready.entry.source}", wait=False) as mine:
                if not mine:
                    return Outcome(ready.entry.source, "skipped", detail="another process reads it")
                return read_source(replace(run, con=own), ready.entry, ready.source, window)
        except duckdb.Error:
            # The warehouse itself is in trouble: no source can go on.
            run.stop.set()
            raise
        except Exception as error:  # noqa: BLE001 - the one boundary that keeps a source's fault from the others
            return Outcome(ready.entry.source, "failed", detail=f"{type(error).__name__}: {error}"[:300])

    with ThreadPoolExecutor(max_workers=max(1, min(workers, len(sources)))) as pool:
        # Each reader shows its progress where the caller does.
        tasks = [pool.submit(contextvars.copy_context().run, one, ready, cursor(con)) for ready in sources]
        try:
            return [task.result() for task in tasks]
        except BaseException:
            run.stop.set()
            raise


def read_source(run: Run, entry: Entry, source: Source, window: Window) -> Outcome:
    """Read every stream of a source over a span of time, count its control kinds, and purge what is gone."""
    reader = Reader(run, entry, source)
    window = Window(window.start, min(window.end, run.now))
    streams = list(source.streams())
    standing = {stream.name: asked(reader.held(stream), window, source.step) for stream in streams}
    reader.expect({name: sum(span.hours for span in held.todo) for name, held in standing.items()})
    failures: dict[str, int] = {}
    with progress.step(entry.source) as advance:
        for stream in streams:
            if failures.get(stream.base, 0) >= GIVE_UP_AFTER or stream.base in reader.closed or run.stop.is_set():
                continue
            trouble = reader.read(stream, standing[stream.name], advance)
            failures[stream.base] = failures.get(stream.base, 0) + 1 if trouble else 0
        if not reader.closed:
            counting.count(reader, window)
            if isinstance(source, Checks):
                recheck(reader, source)
    return reader.outcome()
