"""Denominators: how many posts of each control kind a source had on each day that it was read.

A source counts in one of three ways, and says on its page in which: by asking the platform's own count (every day, or
where its allowance is too small a seeded sample of days); by counting all that was read, where everything of a list is
read; or as it reads, hour by hour (a firehose). Days that were not drawn are stored too, without a number: the frame
that a total is estimated for is then known.
"""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from flows.exchange import SourceError
from flows.mapping import MappingError
from flows.slices import Window, asked, finished
from flows.source_reader import Reader
from flows.sources.base import BadItem, Census, Count, Counts, Stream
from flows.sources.sift import ALL_POSTS, share

READ = "every post read of the lists asked for"
_DAY = timedelta(days=1)


def count(reader: Reader, window: Window) -> None:
    """Count the control kinds of each whole day of a span that was not counted before, as the source can."""
    source = reader.source
    if isinstance(source, Counts):
        for control in source.controls:
            _asked(reader, source, control, window)
    elif isinstance(source, Census):
        _read(reader, source, window)


def drawn(source_id: str, window: Window, p: float) -> bool:
    """Return whether a day is in the sample: by the day alone, so that all control kinds share their days."""
    return share(f"{source_id} {window.start:%Y-%m-%d}".encode()) < p


def _asked(reader: Reader, source: Counts, control: str, window: Window) -> None:
    """Ask the platform for its counts."""
    run, p = reader.run, source.count_p
    stream = Stream(f"volume:{control}", control)
    standing = asked(reader.held(stream), _whole_days(window, run.now - reader.source.settle), _DAY)
    while standing.todo and not run.stop.is_set():
        day = standing.todo[0]
        try:
            posts = source.counts(control, day) if drawn(reader.entry.source, day, p) else None
        except (SourceError, BadItem) as error:
            reader.details.append(f"{stream.name}: {error}")
            return
        standing = finished(standing, run.now)
        reader.store(stream, standing, counts=[Count(control, day, posts, source.count_method, p)])


def _read(reader: Reader, source: Census, window: Window) -> None:
    """Count what was read; a day of which something is missing stays to be counted."""
    run, entry = reader.run, reader.entry
    stream = Stream("volume:read", "")
    standing = asked(reader.held(stream), _whole_days(window, run.now - reader.source.settle), _DAY)
    left = []
    for day in standing.todo:
        span = [entry.source, day.start, day.end]
        with run.lock:
            broken = run.con.execute(
                "SELECT 1 FROM coverage WHERE source_id = ? AND coverage IN ('capped', 'missed') AND to_at > ? "
                "AND from_at < ? LIMIT 1",
                span,
            ).fetchone()
            posts = run.con.execute(
                "SELECT arg_max(payload, fetched_at) FROM raw_items WHERE payload IS NOT NULL AND source_id = ? "
                "AND created_at >= ? AND created_at < ? GROUP BY report_id",
                span,
            ).fetchall()
        if broken:
            left.append(day)
            continue
        found: Counter[str] = Counter()
        for (payload,) in posts:
            try:
                post = entry.to_post(json.loads(payload))
            except (BadItem, MappingError):
                continue
            found.update((ALL_POSTS, *source.census.kinds(f"{post['title']}\n{post['text']}")))
        counts = [Count(control, day, found[control], READ) for control in source.census.controls]
        others = tuple(other for other in standing.todo if other != day)
        standing = finished(replace(standing, todo=(day, *others)), run.now)
        reader.store(stream, standing, counts=counts)
    if left:
        reader.notes.append(f"{len(left)} days not counted: their lists were not read whole")


def _whole_days(window: Window, settled: datetime) -> Window:
    seconds = _DAY.total_seconds()
    start = -(-window.start.timestamp() // seconds) * seconds
    end = min(window.end, settled).timestamp() // seconds * seconds
    return Window(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(max(end, start), UTC))
