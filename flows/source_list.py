"""What `offscript sources` prints: how each source stands, and what may be done with each platform's texts."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import wrap

import duckdb

from flows.collectors import Status, statuses
from flows.files import aligned
from flows.sources.registry import PLATFORMS
from warehouse.connect import WarehouseError, open_snapshot
from warehouse.migrate import migrate
from warehouse.rows import fetch

WIDTH = 80


def sources_list(db: Path, now: datetime | None = None) -> str:
    """Return the sources (ready or what they need, last run, posts a day, silence, gaps), then the platforms."""
    at = now or datetime.now(UTC)
    with _published(db) as con:
        found = statuses(con, at)
        funnel = fetch(con, "SELECT platform, n FROM funnel WHERE step = 'posts'") if _has_funnel(con) else []
    table = [["source", "state", "last run", "read up to", "a day", "silent since", "missed"]]
    table += [_line(item, at) for item in found]
    needs = [f"{item.source} {item.state}" for item in found if item.state != "ready"]
    read = {row["platform"]: row["n"] for row in funnel}
    platforms = [["platform", "posts read", "text published", "may train"]]
    platforms += [[p.platform, f"{read.get(p.platform, 0):,}", p.publish_text, p.train] for p in PLATFORMS.values()]
    unseen = [f"{p.platform}: {p.cannot_see}" for p in PLATFORMS.values()]
    said = "times in UTC; a day: posts, over the last 28 days; missed: hours asked for and not answered"
    parts = [
        aligned(table),
        _lines([said]),
        _lines(needs),
        aligned(platforms),
        _lines(["what cannot be seen", *unseen]),
    ]
    return "\n".join(part for part in parts if part)


def _line(item: Status, now: datetime) -> list[str]:
    return [
        item.source,
        "ready" if item.state == "ready" else "needs",
        _short(item.last_run, now) or "never",
        _short(item.last_read, now),
        "" if item.posts_a_day is None else f"{item.posts_a_day:,.0f}",
        _short(item.silent_since, now),
        f"{item.missed_hours:,.0f} h" if item.missed_hours else "",
    ]


def _short(at: datetime | None, now: datetime) -> str:
    """Return a time without its year, or, where it is long past, its day."""
    if at is None:
        return ""
    return f"{at:%m-%d %H:%M}" if now - at < timedelta(days=180) else f"{at:%Y-%m-%d}"


def _lines(texts: list[str]) -> str:
    return "".join(
        line + "\n" for text in texts for line in wrap(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    )


def _has_funnel(con: duckdb.DuckDBPyConnection) -> bool:
    return bool(
        con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'funnel' AND schema_name = 'main'").fetchone()
    )


@contextmanager
def _published(db: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the snapshot; where none is published yet, an empty warehouse says the same."""
    try:
        with open_snapshot(db) as (con, _):
            yield con
            return
    except WarehouseError:
        pass
    with duckdb.connect() as con:
        migrate(con)
        yield con
