"""One source being read in one run: its spans, pages, cursor, coverage, rejects and counts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Event, Lock
from typing import Any

import duckdb

from flows import progress
from flows.deletions import purge
from flows.exchange import BadAnswer, RateLimited, Refused, SourceError, Unavailable
from flows.slices import Progress, Window, finished, halved, out_of_reach
from flows.source_rows import Stamp, map_page, volume_row
from flows.sources.base import Ask, BadItem, Count, Entry, Page, Source, Stream
from warehouse import raw, volumes
from warehouse.rows import merge, transaction
from warehouse.schema.tables import TABLES

MAX_PAGES = 20_000
# A source that would be expected to give this many posts and gives none has failed: Poisson chance under 1e-12.
BUSY = 30.0
BASELINE = timedelta(days=28)
GIVE_UP_AFTER = 2


@dataclass(frozen=True)
class Outcome:
    """What reading one source came to; `state` is done, partial, failed or skipped."""

    source: str
    state: str
    served: int = 0
    new: int = 0
    rejected: int = 0
    spans: int = 0
    missed: int = 0
    gone: int = 0
    detail: str = ""


@dataclass(frozen=True)
class Run:
    """What all sources of one run share."""

    con: duckdb.DuckDBPyConnection
    key: bytes
    run_id: str
    now: datetime
    lock: Lock = field(default_factory=Lock)
    stop: Event = field(default_factory=Event)


@dataclass
class Reader:
    """One source being read in one run."""

    run: Run
    entry: Entry
    source: Source
    came: Outcome = field(init=False)
    closed: set[str] = field(default_factory=set)
    details: list[str] = field(default_factory=list)
    # Said of the source without calling its state in question.
    notes: list[str] = field(default_factory=list)
    expected: float = 0.0
    reached: Progress = field(default_factory=Progress)
    # Empty spans of a source that is usually busy: not believed until something comes.
    empty: dict[str, tuple[Progress, list[dict[str, Any]]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.came = Outcome(self.entry.source, "done")

    def add(self, **more: int) -> None:
        """Add to what the source came to so far."""
        self.came = replace(self.came, **{name: getattr(self.came, name) + number for name, number in more.items()})

    @property
    def stamp(self) -> Stamp:
        """What every row of this run bears."""
        return Stamp(self.run.key, self.run.run_id, self.run.now)

    def held(self, stream: Stream) -> Progress:
        """Return where a stream stands."""
        with self.run.lock:
            return Progress.loads(raw.position(self.run.con, self.entry.source, stream.name))

    def expect(self, hours: Mapping[str, float]) -> None:
        """Work out from what was read before how many posts so many hours of each stream should bring."""
        with self.run.lock:
            rates = self.run.con.execute(
                "SELECT stream, sum(posts) / (sum(epoch(to_at) - epoch(from_at)) / 3600) FROM coverage "
                "WHERE source_id = ? AND coverage = 'read' AND to_at >= ? "
                "GROUP BY 1 HAVING sum(epoch(to_at) - epoch(from_at)) >= 86400",
                [self.entry.source, self.run.now - BASELINE],
            ).fetchall()
        self.expected = sum(float(rate) * hours.get(stream, 0.0) for stream, rate in rates)

    def read(self, stream: Stream, standing: Progress, advance: progress.Advance) -> bool:
        """Read what of a stream is to do; spans that fail stay to do.

        Returns:
            Whether the host is in trouble: another stream there would fare no better.
        """
        failed: list[Window] = []
        trouble = False
        if self.source.reach is not None:
            standing, lost = out_of_reach(standing, self.run.now - self.source.reach)
            if lost:
                self.details.append(
                    f"{stream.name}: {sum(span.hours for span in lost):,.0f} h can no longer be asked for"
                )
                rows = [self._coverage(stream, span, "missed", 0) for span in lost]
                self.store(stream, standing, coverage=rows)
        while standing.todo and not self.run.stop.is_set():
            try:
                standing = self._span(stream, standing, failed, advance)
            except SourceError as error:
                # As far as it was stored: what was noted (and paid for) before the error stays noted.
                standing = self.reached
                self._miss(stream, standing, failed, error)
                trouble = isinstance(error, Unavailable)
                if stream.base in self.closed or len(failed) >= GIVE_UP_AFTER:
                    return trouble
                standing = replace(standing, todo=standing.todo[1:], token=None, seen=0)
        return trouble

    def _miss(self, stream: Stream, standing: Progress, failed: list[Window], error: SourceError) -> None:
        """Record that the first span to do was not answered; it stays to do."""
        self.add(missed=1)
        self.details.append(f"{stream.name}: {error}")
        span = standing.todo[0]
        # Without rights or money, or told to wait for long, the other streams there would fare no better.
        if isinstance(error, RateLimited) or (isinstance(error, Refused) and error.status in {401, 402, 403}):
            self.closed.add(stream.base)
        if stream.base in self.closed:
            left = _kept(standing, failed)
        else:
            failed.append(span)
            left = _kept(replace(standing, todo=standing.todo[1:], token=None, seen=0), failed)
        row = self._coverage(stream, span, "missed", 0)
        if not self._suspicious():
            self.store(stream, left, coverage=[row])
            return
        with self.run.lock, transaction(self.run.con):
            merge(self.run.con, TABLES["coverage"], [row], update=("to_at", "coverage", "posts"))

    def _span(self, stream: Stream, standing: Progress, failed: list[Window], advance: progress.Advance) -> Progress:
        """Read the first span to do and return where the stream stands then."""
        self.reached = standing
        span = standing.todo[0]
        capped = False
        tokens = {standing.token}
        settled = self.run.now - self.source.settle
        ids: set[str] = set()
        pages = 0
        for pages, page in enumerate(self._pages(Ask(stream, span, standing.token, standing.note)), 1):
            if page.full and span.end - span.start > self.source.finest * 2:
                # Its halves will serve these items again.
                standing = halved(standing)
                self.store(stream, _kept(standing, failed))
                return standing
            capped = capped or page.capped or page.full
            items, rejects, fresh = map_page(
                page, stream.name, self.entry, self.stamp, counted_to=min(span.end, settled), ids=ids
            )
            advance(len(page.items))
            self.add(served=len(page.items))
            standing = replace(standing, seen=standing.seen + fresh, note={**standing.note, **page.note})
            if page.next is None:
                break
            if page.next in tokens or pages >= MAX_PAGES:
                msg = f"{page.place}: the pages go in circles"
                raise BadAnswer(msg)
            tokens.add(page.next)
            standing = replace(standing, token=page.next)
            self.store(
                stream, _kept(standing, failed), items=items, rejects=rejects, counts=page.counts, gone=page.gone
            )
            self.reached = standing
            if self.run.stop.is_set():
                return standing
        else:
            if not pages:
                msg = f"{stream.name}: gave no page"
                raise BadAnswer(msg)
            items, rejects, page = [], [], Page((), "")
        self.add(spans=1)
        seen = standing.seen
        standing = finished(standing, settled)
        read_to = min(span.end, settled)
        rows = []
        if read_to > span.start:
            state = "capped" if capped else "read"
            rows = [self._coverage(stream, Window(span.start, read_to), state, seen)]
        if not items and not rejects and not page.gone and self._suspicious():
            _, held = self.empty.get(stream.name, (standing, []))
            self.empty[stream.name] = (_kept(standing, failed), held + rows)
        else:
            self.store(
                stream,
                _kept(standing, failed),
                items=items,
                rejects=rejects,
                coverage=rows,
                counts=page.counts,
                gone=page.gone,
            )
        return standing

    def _pages(self, ask: Ask) -> Iterator[Page]:
        """Yield a span's pages; a part of an answer that cannot be read is a bad answer."""
        try:
            yield from self.source.fetch(ask)
        except BadItem as error:
            msg = f"{ask.stream.name}: {error}"
            raise BadAnswer(msg) from error

    def _suspicious(self) -> bool:
        return self.came.served == 0 and self.expected >= BUSY

    def _coverage(self, stream: Stream, span: Window, state: str, posts: int) -> dict[str, Any]:
        source, platform = self.entry.source, self.entry.platform
        return raw.coverage_row(source, stream.name, platform, state, posts, (span.start, span.end), self.run.run_id)

    def store(
        self,
        stream: Stream,
        standing: Progress,
        *,
        items: Sequence[Mapping[str, Any]] = (),
        rejects: Sequence[Mapping[str, Any]] = (),
        coverage: Sequence[Mapping[str, Any]] = (),
        counts: Sequence[Count] = (),
        gone: Sequence[str] = (),
    ) -> None:
        """Store a page with its cursor; the source has spoken, so its empty spans are believed too."""
        believed = {} if self._suspicious() else self.empty
        with self.run.lock, transaction(self.run.con):
            for name, (held, rows) in believed.items():
                raw.store_page(self.run.con, items=(), rejects=(), cursor=self._cursor(name, held), coverage=rows)
            changed = raw.store_page(
                self.run.con,
                items=items,
                rejects=rejects,
                cursor=self._cursor(stream.name, standing),
                coverage=coverage,
            )
            volumes.store(
                self.run.con,
                [volume_row(count, self.entry.source, self.entry.platform, self.run.run_id) for count in counts],
            )
            if gone:
                self.add(gone=purge(self.run.con, gone))
        self.empty = {} if believed else self.empty
        self.add(new=changed.inserted, rejected=len(rejects))

    def _cursor(self, name: str, standing: Progress) -> dict[str, Any]:
        return {
            "source_id": self.entry.source,
            "stream": name,
            "position": standing.dumps(),
            "updated_at": self.run.now,
            "run_id": self.run.run_id,
        }

    def outcome(self) -> Outcome:
        """Store what silence means, and return what the source came to."""
        if self.empty:
            rows = [{**row, "coverage": "missed"} for _, held in self.empty.values() for row in held]
            with self.run.lock, transaction(self.run.con):
                merge(self.run.con, TABLES["coverage"], rows, update=("to_at", "coverage", "posts"))
            self.add(missed=len(rows))
            self.details.append(f"silent: about {self.expected:,.0f} posts were to be expected, none came")
        state = "done"
        if self.came.missed or self.details or self.run.stop.is_set():
            state = "failed" if self.empty or self.came.spans == 0 else "partial"
        return replace(self.came, state=state, detail="; ".join([*self.details, *self.notes])[:500])


def _kept(standing: Progress, failed: Iterable[Window]) -> Progress:
    return replace(standing, todo=(*standing.todo, *failed))
