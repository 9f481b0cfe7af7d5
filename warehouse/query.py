"""Read-only SQL over a snapshot by people we do not know, with limits on time, memory and rows.

The query runs in a process of its own: whatever it does to DuckDB or to memory ends with it.
"""

import json
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from warehouse.connect import Snapshot, WarehouseError, connect_snapshot, find_snapshot

ROWS: Final = 10_000
SECONDS: Final = 30.0
BYTES: Final = 32 * 2**20
MEMORY: Final = "1GB"
# Addresses, not memory: DuckDB reserves more than it uses.
_ADDRESSES: Final = 6 * 2**30
_START: Final = 15.0
_GRACE: Final = 1.0
_BATCH: Final = 500
_READS: Final = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}
_TOO_MUCH: Final = (
    "stopped: the query needs more memory than it may have; narrow it, or read the file with DuckDB itself"
)
_CLOSED: Final = ("file system operations are disabled", "Cannot access", "external access")


@dataclass(frozen=True)
class Answer:
    """The rows of a query; `cut` says that there were more than the limit."""

    snapshot: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    cut: bool


def query(db: Path, sql: str, *, snapshot_id: str | None = None, rows: int = ROWS, seconds: float = SECONDS) -> Answer:
    """Run one SELECT on the published snapshot.

    Raises:
        WarehouseError: not exactly one reading statement, a SQL error, or a limit was reached.
    """
    snapshot = find_snapshot(db, snapshot_id)
    request = {"id": snapshot.id, "path": str(snapshot.path.resolve()), "sql": sql, "rows": rows, "seconds": seconds}
    too_long = f"stopped after {seconds:g} s: narrow the query, or read the snapshot file with DuckDB itself"
    try:
        done = subprocess.run(
            [sys.executable, "-m", "warehouse.query"],
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=seconds + _START,
            # Nothing of our surroundings: a query must find no key in them.
            env={"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)), "PYTHONSAFEPATH": "1", "TZ": "UTC"},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise WarehouseError(too_long) from error
    if done.returncode == -signal.SIGALRM:
        raise WarehouseError(too_long)
    if done.returncode != 0:
        raise WarehouseError(_TOO_MUCH)
    # Written by `_serve` below: of the query there are only values in it.
    failed, found = pickle.loads(done.stdout)  # noqa: S301
    if failed:
        raise WarehouseError(found or too_long)
    return Answer(snapshot.id, *found)


def _serve() -> None:
    """Answer the one request on standard input, on standard output."""
    request = json.loads(sys.stdin.buffer.read())
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    # Some functions do not hear an interrupt: the alarm ends the process.
    signal.setitimer(signal.ITIMER_REAL, request["seconds"] + _GRACE)
    try:
        con = connect_snapshot(Snapshot(request["id"], Path(request["path"])), MEMORY, spill=False)
        answer = False, _answer(con, request["sql"], request["rows"], request["seconds"])
    except duckdb.InterruptException:
        answer = True, ""  # type: ignore[assignment]
    except (WarehouseError, duckdb.Error) as error:
        answer = True, _told(str(error))  # type: ignore[assignment]
    sys.stdout.buffer.write(pickle.dumps(answer))


def _answer(
    con: duckdb.DuckDBPyConnection, sql: str, rows: int, seconds: float
) -> tuple[tuple[str, ...], list[tuple[Any, ...]], bool]:
    statements = con.extract_statements(sql)
    if len(statements) != 1 or statements[0].type not in _READS:
        msg = "one SELECT at a time: a snapshot is read-only"
        raise WarehouseError(msg)
    timer = threading.Timer(seconds, con.interrupt)
    timer.daemon = True
    timer.start()
    cursor = con.execute(sql)
    found: list[tuple[Any, ...]] = []
    size = 0
    while len(found) <= rows and (batch := cursor.fetchmany(min(_BATCH, rows + 1))):
        found += batch
        size += len(pickle.dumps(batch))
        if size > BYTES:
            msg = f"the answer is larger than {BYTES // 2**20} MiB: ask for fewer columns or rows"
            raise WarehouseError(msg)
    timer.cancel()
    columns = tuple(column[0] for column in cursor.description or ())
    return columns, found[:rows], len(found) > rows


def _told(error: str) -> str:
    """Return DuckDB's message, in our words where a limit was met."""
    if error.startswith("Out of Memory"):
        return _TOO_MUCH
    if any(words in error for words in _CLOSED):
        return "refused: a query reads this snapshot only, no file, no network, no extension"
    return "\n".join(error.strip().splitlines()[:6])


if __name__ == "__main__":
    _serve()
