"""The log of runs: one row each, with what it counted and how it ended."""

import json
import secrets
from datetime import UTC, datetime, timedelta

import duckdb

from warehouse.lake import is_shared
from warehouse.rows import merge, transaction
from warehouse.schema.tables import TABLES

# No run lasts longer: a full relabelling on one core takes hours.
LONGEST = timedelta(days=2)


def start(con: duckdb.DuckDBPyConnection, command: str, version: str, queries: str | None = None) -> str:
    """Record that a run began, and which queries it asks of public sources; return its id, which sorts by time."""
    now = datetime.now(UTC)
    run_id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    row = {
        "run_id": run_id,
        "command": command,
        "started_at": now,
        "run_state": "running",
        "version": version,
        "queries": queries,
    }
    # A run that is still "running" when the next one holds the writer's lock was killed. A shared lake's are many:
    # there it was if it began long ago.
    with transaction(con):
        con.execute(
            "UPDATE runs SET run_state = 'failed', error = 'killed' "
            "WHERE run_state = 'running' AND (NOT ? OR started_at <= ?)",
            [is_shared(con), now - LONGEST],
        )
        merge(con, TABLES["runs"], [row])
    return run_id


def finish(
    con: duckdb.DuckDBPyConnection,
    run_id: str,
    *,
    counts: dict[str, int],
    instrument: str | None,
    error: str | None = None,
) -> None:
    """Record how a run ended."""
    with transaction(con):
        con.execute(
            "UPDATE runs SET finished_at = ?, run_state = ?, counts = ?, instrument = ?, error = ? WHERE run_id = ?",
            [datetime.now(UTC), "failed" if error else "done", json.dumps(counts), instrument, error, run_id],
        )
