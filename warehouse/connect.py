"""Opening DuckDB files: one writer for the working file, locked-down readers for snapshots."""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from warehouse.migrate import migrate

CURRENT = "current"


class WarehouseError(RuntimeError):
    """The file cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Snapshot:
    """A published file: its id and where it lies."""

    id: str
    path: Path


def snapshot_folder(db: Path) -> Path:
    """Return the folder of a working file's snapshots: X.duckdb -> X.snapshots."""
    return db.with_suffix(".snapshots")


def find_snapshot(db: Path, snapshot_id: str | None = None) -> Snapshot:
    """Return the current snapshot of a working file, or the one named.

    `db` may also be a snapshot file itself (one that somebody downloaded).

    Raises:
        WarehouseError: none is published, or not that one.
    """
    folder = snapshot_folder(db)
    if snapshot_id is not None:
        path = folder / f"{snapshot_id}.duckdb"
        if not path.is_file():
            known = sorted(item.stem for item in folder.glob("*.duckdb"))
            msg = f"no snapshot {snapshot_id!r} in {folder}; there are: {', '.join(known) or 'none'}"
            raise WarehouseError(msg)
        return Snapshot(snapshot_id, path)
    try:
        # Resolved once: a publish in between must not give half of each.
        name = (folder / CURRENT).readlink()
    except OSError:
        if db.is_file() and db.parent.suffix == ".snapshots":
            return Snapshot(db.stem, db)
        msg = f"no snapshot of {db} is published yet: run `offscript run --sample --db {db}` or `offscript publish`"
        raise WarehouseError(msg) from None
    return Snapshot(Path(name).stem, folder / name)


def connect_snapshot(
    snapshot: Snapshot, memory_limit: str = "1GB", threads: int | None = None
) -> duckdb.DuckDBPyConnection:
    """Open a snapshot for reading: no writes, no files, no network, no extensions, settings locked.

    Raises:
        WarehouseError: the file is missing, cut off or not a DuckDB file.
    """
    try:
        con = duckdb.connect(
            str(snapshot.path),
            read_only=True,
            config={
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "memory_limit": memory_limit,
            },
        )
    except duckdb.Error as error:
        msg = f"snapshot {snapshot.path} cannot be opened: {str(error).splitlines()[0]}"
        raise WarehouseError(msg) from error
    con.execute("SET TimeZone = 'UTC'")
    if threads is not None:
        con.execute(f"SET threads = {threads}")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con


@contextmanager
def open_snapshot(db: Path, snapshot_id: str | None = None) -> Iterator[tuple[duckdb.DuckDBPyConnection, Snapshot]]:
    """Open the current (or a named) snapshot of a working file for reading."""
    snapshot = find_snapshot(db, snapshot_id)
    con = connect_snapshot(snapshot)
    try:
        yield con, snapshot
    finally:
        con.close()


@contextmanager
def _writer_lock(db: Path) -> Iterator[None]:
    """Hold the lock file that names the one writing process.

    Raises:
        WarehouseError: another process writes; the message names it.
    """
    import fcntl

    path = db.with_suffix(".lock")
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            holder = path.read_text("utf-8", errors="replace").strip() or "an unknown process"
            msg = f"{db} is being written by {holder}; wait for it to end, or stop it"
            raise WarehouseError(msg) from None
        os.ftruncate(handle, 0)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        os.write(handle, json.dumps({"pid": os.getpid(), "since": started}).encode())
        yield
    finally:
        os.close(handle)


@contextmanager
def open_working(db: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the working file for writing, created and migrated as needed; one process at a time.

    Raises:
        WarehouseError: another process writes it, or it is not a warehouse.
    """
    db.parent.mkdir(parents=True, exist_ok=True)
    with _writer_lock(db):
        try:
            con = duckdb.connect(str(db), config={"memory_limit": "1500MB"})
        except duckdb.Error as error:
            msg = f"{db} cannot be opened as a warehouse: {str(error).splitlines()[0]}"
            raise WarehouseError(msg) from error
        try:
            con.execute("SET TimeZone = 'UTC'")
            migrate(con)
            yield con
        finally:
            con.close()
