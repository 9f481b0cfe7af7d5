"""What the command line asks of the sources: which are ready, what they did, and a run over some of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import duckdb

from flows.collect_source import Outcome, Ready, collect
from flows.errors import InputError
from flows.exchange import SourceError
from flows.http import Client
from flows.mapping import MappingError, parse_when
from flows.queries import Queries, load_queries
from flows.settings import Settings, source_config
from flows.slices import Window
from flows.sources.registry import SOURCES
from warehouse.rows import fetch

_AGO = re.compile(r"(\d{1,5})([hdw])")
OLD_READING = timedelta(days=2)
# A source is silent that had posts before and has had none for this long while it was read.
SILENCE = timedelta(days=3)
_UNIT = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True)
class Status:
    """One line of `offscript sources`.

    Attributes:
        last_run: when it was last read or tried.
        last_read: up to when the source was read.
        posts_a_day: over the last 28 days.
        silent_since: end of the last span that had a post, where spans without any were read after it.
        missed_hours: asked for and not answered, summed over its streams.
    """

    source: str
    platform: str
    state: str
    last_run: datetime | None
    last_read: datetime | None
    posts_a_day: float | None
    silent_since: datetime | None
    missed_hours: float


def user_agent(contact: str | None = None) -> str:
    """Return who we are, with the address (OFFSCRIPT_CONTACT) at which the operator can be reached."""
    about = f"; +{contact}" if contact else ""
    return f"offscript/{version('offscript')} (observatory of reports on AI agents{about})"


def parse_span(since: str, until: str | None, now: datetime) -> Window:
    """Read `--since 7d` (hours, days, weeks) or a date, and `--until` a date; None is now.

    Raises:
        InputError: neither, or the end is not after the start.
    """
    start, end = _moment("--since", since, now), _moment("--until", until, now) if until else now
    if end <= start:
        msg = f"--until {until or 'now'} is not after --since {since}"
        raise InputError(msg)
    return Window(start, end)


def _moment(option: str, text: str, now: datetime) -> datetime:
    if found := _AGO.fullmatch(text.strip()):
        return now - int(found[1]) * _UNIT[found[2]]
    try:
        at = parse_when(text, now).at
    except MappingError as error:
        msg = f"{option} {text!r}: expected 12h, 7d, 4w or a date"
        raise InputError(msg) from error
    if at is None:
        msg = f"{option} is empty"
        raise InputError(msg)
    return at


def ready(names: Sequence[str], http: Client, queries: Queries | None = None) -> list[Ready]:
    """Return the sources named, or all, each built from its settings or with what it lacks.

    Raises:
        InputError: there is no such source, or a setting cannot be used.
    """
    unknown = [name for name in names if name not in SOURCES]
    if unknown:
        msg = f"no source {', '.join(unknown)}; there are: {', '.join(sorted(SOURCES))}"
        raise InputError(msg)
    asked = queries or load_queries()
    built = []
    for name in names or SOURCES:
        entry = SOURCES[name]
        config = source_config(entry)
        lacks = entry.missing(config)
        try:
            source = None if lacks else entry.module.build(config, asked, http)
        except SourceError as error:
            built.append(Ready(entry, None, str(error)))
            continue
        built.append(Ready(entry, source, f"needs {', '.join(lacks)}" if lacks else ""))
    return built


def run_sources(
    con: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    window: Window,
    *,
    key: bytes,
    run_id: str,
    http: Client | None = None,
) -> list[Outcome]:
    """Read the sources named, or all that are ready, over a span of time.

    Args:
        con: the working file.
        names: sources; none is all.
        window: the span.
        key: hashes accounts.
        run_id: this run.
        http: what to ask with, the caller's to close; by default a client for public hosts.

    Raises:
        InputError: there is no such source, or a setting cannot be used.
    """
    settings = Settings()
    client = http or Client(user_agent(settings.contact), allow_private=settings.allow_private)
    try:
        return collect(con, ready(names, client), window, key=key, run_id=run_id)
    finally:
        if http is None:
            client.close()


def statuses(con: duckdb.DuckDBPyConnection, now: datetime | None = None) -> list[Status]:
    """Return how every source stands."""
    at = now or datetime.now(UTC)
    rows = fetch(
        con,
        "SELECT source_id, max(to_at) FILTER (coverage != 'missed') AS last_read, "
        "max(to_at) FILTER (coverage != 'missed' AND posts > 0) AS last_post, "
        "sum(posts) FILTER (from_at >= ?) AS posts, "
        "sum(epoch(to_at) - epoch(from_at)) FILTER (coverage = 'missed') / 3600 AS missed, "
        "min(from_at) FILTER (coverage != 'missed' AND from_at >= ?) AS first, max(r.started_at) AS last_run "
        "FROM coverage LEFT JOIN runs AS r USING (run_id) GROUP BY 1",
        [at - timedelta(days=28)] * 2,
    )
    held = {row["source_id"]: row for row in rows}
    out = []
    for entry in SOURCES.values():
        lacks = entry.missing(source_config(entry))
        row = held.get(entry.source, {})
        last, posted = row.get("last_read"), row.get("last_post")
        days = (row["last_read"] - row["first"]) / timedelta(days=1) if row.get("first") else 0.0
        out.append(
            Status(
                source=entry.source,
                platform=entry.platform,
                state=f"needs {', '.join(lacks)}" if lacks else "ready",
                last_run=row.get("last_run"),
                last_read=last,
                posts_a_day=float(row["posts"] or 0) / days if days > 0 else None,
                silent_since=posted if last and posted and posted < last else None,
                missed_hours=float(row.get("missed") or 0.0),
            )
        )
    return out


def unheard(row: Status, now: datetime) -> str | None:
    """Say why nothing is heard of a source that was tried; None where that is not so."""
    if row.last_run is None and row.last_read is None:
        return None
    if row.last_read is None:
        return f"{row.source}: tried at {row.last_run:%Y-%m-%d %H:%M} and never read; {row.missed_hours:,.0f} h missed"
    if row.silent_since is not None and row.last_read - row.silent_since > SILENCE:
        return f"{row.source}: no post since {row.silent_since:%Y-%m-%d %H:%M}, though it was read"
    if row.state == "ready" and _unread(row, now):
        return f"{row.source}: not read since {row.last_read:%Y-%m-%d %H:%M}"
    return None


def none_read(rows: Sequence[Status], now: datetime) -> bool:
    """Say whether every source that was tried has gone unread: then it is the network, or this machine."""
    tried = [row for row in rows if row.state == "ready" and row.last_run is not None]
    return bool(tried) and all(_unread(row, now) for row in tried)


def _unread(row: Status, now: datetime) -> bool:
    return row.last_read is None or now - row.last_read > OLD_READING
