"""What the collectors' tests share: a warehouse, and how to run one source against its stand-in."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import duckdb

from flows.collect_source import Outcome, Ready, collect
from flows.queries import Queries, load_queries
from flows.slices import Window
from flows.sources.registry import SOURCES
from tests.flows.sources.standin import NOW, client

Collect = Callable[..., Outcome]


def queries(**changes: Any) -> Queries:
    return load_queries().model_copy(update={"agents": ("claude code",), **changes})


def read(
    con: duckdb.DuckDBPyConnection,
    source: str,
    config: dict[str, Any],
    *,
    asked: Queries | None = None,
    since: timedelta = timedelta(days=3),
    now: datetime = NOW,
    http: Any = None,
) -> Outcome:
    """Read one source once, over the time up to now."""
    entry = SOURCES[source]
    built = entry.module.build(entry.config.model_validate(config), asked or queries(), http or client())
    return collect(con, [Ready(entry, built)], Window(now - since, now), key=b"k", run_id="r", now=now)[0]


def stored(con: duckdb.DuckDBPyConnection) -> list[str]:
    return [row[0] for row in con.execute("SELECT given_id FROM raw_items ORDER BY 1").fetchall()]


def coverage(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Hours of each state."""
    sql = "SELECT coverage, sum(epoch(to_at) - epoch(from_at)) / 3600 FROM coverage GROUP BY 1"
    return dict(con.execute(sql).fetchall())
