"""Opening DuckDB files: one writer for the working file, locked-down readers for snapshots."""

import errno
import hashlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from warehouse.lake import Lake, LakeError, attach, current_version, lake_of, turn, without_password
from warehouse.leftovers import sweep
from warehouse.migrate import applied, create_views, migrate, migrations

CURRENT = "current"
_MEMORY = "1500MB"
_OPENING = threading.Lock()


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


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file, as `<id>.sha256` beside a snapshot states it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def connect_snapshot(
    snapshot: Snapshot, memory_limit: str = "1GB", *, spill: bool = True, threads: int | None = None
) -> duckdb.DuckDBPyConnection:
    """Open a snapshot for reading: no writes, no files, no network, no extensions, settings locked.

    Args:
        snapshot: which one.
        memory_limit: shared by all connections of this process to this file.
        spill: let a query that outgrows its memory go on in a temporary folder beside the file.
        threads: how many a query may use; None leaves that to DuckDB.

    Raises:
        WarehouseError: the file is missing, cut off or not a DuckDB file.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "enable_external_access": "false",
        "memory_limit": memory_limit,
    }
    if not spill:
        config["temp_directory"] = ""
    if threads is not None:
        config["threads"] = threads
    # Connections to one file share its settings: the first one locks them, the others find them locked.
    with _OPENING:
        try:
            con = duckdb.connect(str(snapshot.path), read_only=True, config=config)
        except duckdb.Error as error:
            msg = f"snapshot {snapshot.path} cannot be opened: {str(error).splitlines()[0]}"
            raise WarehouseError(msg) from error
        if con.execute("SELECT NOT current_setting('lock_configuration')").fetchone() == (True,):
            con.execute("SET GLOBAL TimeZone = 'UTC'")
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
def writer_lock(db: Path, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock file that names the one writing process.

    Args:
        db: the working file.
        wait: seconds to wait for another process to end.

    Raises:
        WarehouseError: another process writes, the message names it; or the folder cannot be written.
    """
    import fcntl

    path = db.with_suffix(".lock")
    try:
        db.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unwritable(db, error) from error
    try:
        until = time.monotonic() + wait
        while not _taken(handle, fcntl.LOCK_EX | fcntl.LOCK_NB):
            if time.monotonic() >= until:
                msg = f"{db} is being written by {holder(db)}; wait for it to end, or stop it"
                raise WarehouseError(msg)
            time.sleep(0.2)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            os.ftruncate(handle, 0)
            os.write(handle, json.dumps({"pid": os.getpid(), "since": started}).encode())
        except OSError as error:
            raise unwritable(db, error) from error
        yield
    finally:
        os.close(handle)


def _taken(handle: int, how: int) -> bool:
    import fcntl

    try:
        fcntl.flock(handle, how)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        return False
    return True


def holder(db: Path) -> str:
    """Return what the lock file says of the process that writes a working file."""
    try:
        told = json.loads(db.with_suffix(".lock").read_text("utf-8", errors="replace"))
        return f"process {told['pid']} since {told['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "an unknown process"


def refuses_writing(error: OSError) -> bool:
    """Whether a disk took no more: it is full, at its quota, or read-only."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


def unwritable(db: Path, error: Exception) -> WarehouseError:
    """Return the error that says why a working file cannot be written, and what to do."""
    cause = str(error).splitlines()[0]
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EROFS or "read-only" in cause.lower():
        folder = db.resolve().parent
        return WarehouseError(f"{folder} is on a read-only disk: nothing was changed; mount it for writing")
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or _is_full(error):
        return WarehouseError(
            f"no room left for {db}: what was committed before is kept; make room and run the same command again"
        )
    if number in (errno.EACCES, errno.EPERM) or "Permission denied" in cause:
        return WarehouseError(f"{db} may not be written by this user: {cause}")
    return WarehouseError(f"{db} cannot be opened as a warehouse: {cause}")


def _is_full(error: Exception) -> bool:
    return any(sign in str(error) for sign in ("No space left", "File too large", "Disk quota"))


def unusable(db: Path, error: duckdb.Error) -> WarehouseError:
    """Return the error for a working file that cannot be opened: the disk's fault, another program's, or damage."""
    from warehouse.backup import damaged

    told = unwritable(db, error)
    return damaged(db, error) if "cannot be opened as a warehouse" in str(told) else told


@contextmanager
def _private() -> Iterator[None]:
    """Keep what is made meanwhile from other users: the file, its log of writes and what it spills hold texts."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def open_working(db: Path, *, wait: float = 0.0) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for writing, created and migrated as needed.

    It is one DuckDB file, written by one process at a time; or, where OFFSCRIPT_WAREHOUSE says so, a lake, which any
    number of processes may open if its catalogue is in PostgreSQL. Who calls need not know which.

    Args:
        db: the working file; of a lake the place beside which snapshots and private files lie.
        wait: seconds to wait for another process that writes it.

    Raises:
        WarehouseError: another process writes it, it is not a warehouse, or the disk takes no more.
    """
    lake = lake_at(db)
    if lake:
        with nullcontext() if lake.shared else writer_lock(db, wait), open_lake(lake) as con:
            yield con
        return
    with writer_lock(db, wait), _private():
        sweep(db)
        fresh = not db.exists()
        try:
            con = duckdb.connect(str(db), config={"memory_limit": _MEMORY})
        except duckdb.Error as error:
            raise unusable(db, error) from error
        try:
            if fresh:
                db.chmod(0o600)
            con.execute("SET TimeZone = 'UTC'")
            migrate(con)
            yield con
        except OSError as error:
            if refuses_writing(error):
                raise unwritable(db, error) from error
            raise
        except duckdb.Error as error:
            if isinstance(error, duckdb.IOException | duckdb.FatalException) or _is_full(error):
                raise unusable(db, error) from error
            raise
        finally:
            con.close()


def lake_at(db: Path) -> Lake | None:
    """Return the lake that the settings name for this place, None where the warehouse is one file.

    Raises:
        WarehouseError: a setting cannot be used.
    """
    try:
        return lake_of(db)
    except LakeError as error:
        raise WarehouseError(str(error)) from error


@contextmanager
def open_lake(
    lake: Lake, *, version: int | None = None, read_only: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a lake, created and migrated as needed; with `version` as it was then, which is for reading only.

    Raises:
        WarehouseError: its catalogue or its files cannot be reached.
    """
    # What does not fit into memory holds texts: not in whatever folder this was started in, and for nobody else.
    with tempfile.TemporaryDirectory(prefix="offscript-lake-") as spill:
        con = duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": spill})
        try:
            con.execute("SET GLOBAL TimeZone = 'UTC'")
            try:
                attach(con, lake, version=version, read_only=read_only)
            except (duckdb.Error, LakeError, OSError) as error:
                cause = without_password(str(error).splitlines()[0])
                msg = f"the lake {lake} cannot be opened: {cause}"
                raise WarehouseError(msg) from None
            if version is None and not read_only:
                with turn(con):
                    migrate(con)
            elif applied(con) == len(migrations()):
                create_views(con)
            yield con
        finally:
            con.close()


@contextmanager
def pinned(con: duckdb.DuckDBPyConnection, db: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection that sees one moment of the warehouse, whatever other processes write meanwhile."""
    lake = lake_at(db)
    if lake is None or not lake.shared:
        # Nobody else can write.
        yield con
        return
    with open_lake(lake, version=current_version(con)) as held:
        yield held
