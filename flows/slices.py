"""How far a stream was read: spans of time done and still to do. Pure; stored as one cursor.

A span read to its end is done. One that comes back full is halved. What was asked for and not answered stays to do,
so that the next run begins with it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, order=True)
class Window:
    """A span of time, start inclusive, end exclusive, both UTC."""

    start: datetime
    end: datetime

    @property
    def hours(self) -> float:
        """Length in hours."""
        return (self.end - self.start).total_seconds() / 3600

    def halves(self) -> tuple["Window", "Window"]:
        """Return both halves, cut at a whole second; the span must be longer than one second."""
        seconds = int((self.end - self.start).total_seconds() // 2) or 1
        middle = self.start + timedelta(seconds=seconds)
        return Window(self.start, middle), Window(middle, self.end)


@dataclass(frozen=True)
class Progress:
    """Where a stream stands: spans done, spans to do (the first one begun up to `token`, with `seen` posts so far)."""

    done: tuple[Window, ...] = ()
    todo: tuple[Window, ...] = ()
    token: str | None = None
    seen: int = 0
    note: Mapping[str, str] = field(default_factory=dict)

    def dumps(self) -> str:
        """Return the cursor's text."""
        spans = {name: [[w.start.timestamp(), w.end.timestamp()] for w in getattr(self, name)] for name in _SPANS}
        return json.dumps(
            {**spans, "token": self.token, "seen": self.seen, "note": dict(self.note)}, separators=(",", ":")
        )

    @classmethod
    def loads(cls, text: str | None) -> "Progress":
        """Read a cursor's text; None is a stream never read."""
        if text is None:
            return cls()
        held = json.loads(text)
        spans = {name: tuple(Window(_at(a), _at(b)) for a, b in held[name]) for name in _SPANS}
        return cls(spans["done"], spans["todo"], held["token"], held["seen"], held["note"])


_SPANS = ("done", "todo")


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def joined(windows: tuple[Window, ...]) -> tuple[Window, ...]:
    """Return the same time as few spans, in order."""
    out: list[Window] = []
    for window in sorted(windows):
        if out and window.start <= out[-1].end:
            out[-1] = Window(out[-1].start, max(out[-1].end, window.end))
        else:
            out.append(window)
    return tuple(out)


def without(asked: Window, taken: tuple[Window, ...]) -> tuple[Window, ...]:
    """Return what of a span no other span covers, in order."""
    out: list[Window] = []
    start = asked.start
    for window in joined(taken):
        if window.end <= start or window.start >= asked.end:
            continue
        if window.start > start:
            out.append(Window(start, window.start))
        start = max(start, window.end)
    if start < asked.end:
        out.append(Window(start, asked.end))
    return tuple(out)


def steps(window: Window, step: timedelta | None) -> tuple[Window, ...]:
    """Return a span cut at multiples of `step` since the epoch (hours and days stay whole); None: not cut."""
    if step is None:
        return (window,)
    out: list[Window] = []
    start = window.start
    while start < window.end:
        count = int(start.timestamp() // step.total_seconds()) + 1
        end = min(_at(count * step.total_seconds()), window.end)
        out.append(Window(start, end))
        start = end
    return tuple(out)


def asked(progress: Progress, window: Window, step: timedelta | None) -> Progress:
    """Return the progress with what of a span is neither done nor to do added to the work, oldest first."""
    fresh = without(window, progress.done + progress.todo)
    more = tuple(part for span in fresh for part in steps(span, step))
    return replace(progress, todo=progress.todo + more)


def finished(progress: Progress, settled: datetime) -> Progress:
    """Return the progress after the first span was read to its end.

    Args:
        progress: with at least one span to do.
        settled: what was published after it may still be missing at the source, and is read again another time.
    """
    first, rest = progress.todo[0], progress.todo[1:]
    end = min(first.end, settled)
    done = joined((*progress.done, Window(first.start, end))) if end > first.start else progress.done
    return replace(progress, done=done, todo=rest, token=None, seen=0)


def halved(progress: Progress) -> Progress:
    """Return the progress with the first span cut into halves, each to be read from its beginning."""
    return replace(progress, todo=(*progress.todo[0].halves(), *progress.todo[1:]), token=None, seen=0)


def out_of_reach(progress: Progress, limit: datetime) -> tuple[Progress, tuple[Window, ...]]:
    """Return the progress without what lies before `limit`, and the spans that are lost so."""
    lost = tuple(Window(w.start, min(w.end, limit)) for w in progress.todo if w.start < limit)
    left = tuple(Window(max(w.start, limit), w.end) for w in progress.todo if w.end > limit)
    begun = bool(progress.todo) and bool(left) and left[0] == progress.todo[0]
    token, seen = (progress.token, progress.seen) if begun else (None, 0)
    return replace(progress, todo=left, token=token, seen=seen), lost
