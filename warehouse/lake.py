"""The warehouse on DuckLake: a catalogue in PostgreSQL (or in one file), and the rows in Parquet files.

Three settings, read from the environment, put it there; nothing else changes for who calls `open_working`.

    OFFSCRIPT_WAREHOUSE   `ducklake:postgres:dbname=… host=…`, for many processes at once; `ducklake:PATH`, a catalogue
                          in one file for one process; `ducklake`, the same beside the working file's place
    OFFSCRIPT_LAKE_DATA   where the Parquet files lie: a folder that all machines see, or `s3://…` (see object_storage)
    OFFSCRIPT_LAKE_SETUP  a file of SQL that is run first, such as CREATE SECRET for another way to sign in

DuckLake knows no unique keys: two transactions that store the same post at once would both be taken. On a shared lake
transactions therefore take turns, by advisory locks of PostgreSQL; whatever is long (reading sources, judging,
comparing) lies outside them and runs side by side. A process that dies leaves its turn with its connection.
"""

import importlib
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.ddl import quote
from warehouse.object_storage import sign_in

SETTING, DATA, SETUP = "OFFSCRIPT_WAREHOUSE", "OFFSCRIPT_LAKE_DATA", "OFFSCRIPT_LAKE_SETUP"
NAME = "lake"
# Views and macros belong to the code: each process has its own in memory, over the tables of the lake.
SEARCH_PATH = f"{NAME}.main,memory.main"
# Where DuckLake keeps what it knows of the lake's tables and files.
CATALOGUE = f"__ducklake_metadata_{NAME}"
# A turn is waited for no longer than this; a healthy one lasts milliseconds, a whole linking pass minutes.
PATIENCE_S = 3600
_POSTGRES = "postgres:"
_PASSWORD = re.compile(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)|(://[^:/@\s]*:)[^@\s]*(?=@)", re.IGNORECASE)
_GUARDS: dict[str, duckdb.DuckDBPyConnection] = {}
_OPENING = threading.Lock()


class LakeError(RuntimeError):
    """A setting of the lake cannot be used; the message says which."""


@dataclass(frozen=True)
class Lake:
    """Where a lake lies: its catalogue as DuckLake names it, its Parquet files, and SQL to be run first."""

    catalogue: str
    data: str | None = None
    setup: Path | None = None

    @property
    def shared(self) -> bool:
        """Whether several processes may have it open."""
        return self.catalogue.startswith(_POSTGRES)

    def __str__(self) -> str:
        """Return its address without any password."""
        return f"ducklake:{without_password(self.catalogue)}"


def lake_of(db: Path) -> Lake | None:
    """Return the lake that holds the warehouse of this place, None where it is one DuckDB file.

    Raises:
        LakeError: a setting cannot be used.
    """
    told = os.environ.get(SETTING, "").strip()
    if not told:
        return None
    kind, _, catalogue = told.partition(":")
    data = os.environ.get(DATA) or None
    setup = os.environ.get(SETUP)
    if kind != "ducklake":
        msg = f"{SETTING}: expected ducklake:postgres:…, ducklake:PATH or ducklake, not {without_password(told)!r}"
        raise LakeError(msg)
    if catalogue.startswith(_POSTGRES) and data is None:
        msg = f"{SETTING} names a shared lake: {DATA} must say where its files lie (a folder all see, or s3://…)"
        raise LakeError(msg)
    return Lake(catalogue or str(db.with_suffix(".ducklake")), data, Path(setup) if setup else None)


def without_password(text: str) -> str:
    """Return a connection string, or a message that quotes one, with its password left out."""
    return _PASSWORD.sub(lambda match: f"{match[1] or match[3]}…", text)


def attach(con: duckdb.DuckDBPyConnection, lake: Lake, *, version: int | None = None, read_only: bool = False) -> None:
    """Attach a lake and make it what unqualified names mean; with `version` as it was then, for reading only."""
    if lake.shared:
        load(con, "postgres_scanner")
    load(con, "ducklake")
    if lake.data and "://" in lake.data:
        load(con, "httpfs")
        try:
            sign_in(con, lake.data)
        except ValueError as error:
            raise LakeError(str(error)) from None
    if lake.setup:
        con.execute(lake.setup.read_text("utf-8"))
    # Every row lies in a Parquet file, none in the catalogue: there what is deleted can be shown to be gone.
    options = ["DATA_INLINING_ROW_LIMIT 0"]
    options += [f"DATA_PATH {quote(lake.data)}"] if lake.data else []
    options += [f"SNAPSHOT_VERSION {version}"] if version is not None else []
    options += ["READ_ONLY"] if read_only or version is not None else []
    con.execute(f"ATTACH {quote(f'ducklake:{lake.catalogue}')} AS {NAME} ({', '.join(options)})")
    con.execute(f"SET search_path = {quote(SEARCH_PATH)}")
    # Scans of PostgreSQL count as long ones, and DuckDB would draw a bar into what a command prints.
    con.execute("SET enable_progress_bar = false")


def load(con: duckdb.DuckDBPyConnection, extension: str) -> None:
    """Load an extension of DuckDB from its Python package: no download.

    Raises:
        LakeError: the package is not installed.
    """
    try:
        package = importlib.import_module(f"duckdb_extension_{extension}")
    except ImportError:
        msg = f"pip install duckdb-extension-{extension.replace('_', '-')}=={duckdb.__version__}"
        raise LakeError(msg) from None
    file = next(Path(package.__path__[0]).rglob(f"{extension}.duckdb_extension"))
    con.execute(f"LOAD {quote(str(file))}")


def current_version(con: duckdb.DuckDBPyConnection) -> int | None:
    """Return the lake's version that this connection sees, None for a warehouse in one file."""
    if not is_lake(con):
        return None
    row = con.execute(f"SELECT id FROM ducklake_current_snapshot('{NAME}') AS t(id)").fetchone()  # noqa: S608
    return int(row[0]) if row else None


def know_bounds(con: duckdb.DuckDBPyConnection) -> None:
    """Let each new table have held a row: of one that never did, DuckLake asks its catalogue again for every column."""
    bare = [
        name
        for (name,) in con.execute(
            f"SELECT table_name FROM {CATALOGUE}.ducklake_table WHERE end_snapshot IS NULL "  # noqa: S608
            f"AND table_id NOT IN (SELECT table_id FROM {CATALOGUE}.ducklake_table_stats)"
        ).fetchall()
    ]
    for statement in ("INSERT INTO {} DEFAULT VALUES", "DELETE FROM {}"):
        con.execute("BEGIN")
        for name in bare:
            con.execute(statement.format(name))
        con.execute("COMMIT")


def is_lake(con: duckdb.DuckDBPyConnection) -> bool:
    """Return whether a connection's warehouse is a lake."""
    return _catalogue(con) is not None


def is_shared(con: duckdb.DuckDBPyConnection) -> bool:
    """Return whether a connection's warehouse is a lake that other processes may write too."""
    return (_catalogue(con) or "").startswith(_POSTGRES)


def _catalogue(con: duckdb.DuckDBPyConnection) -> str | None:
    row = con.execute(
        "SELECT path FROM duckdb_databases() WHERE database_name = ? AND type = 'ducklake'", [NAME]
    ).fetchone()
    return str(row[0]) if row else None


@contextmanager
def turn(con: duckdb.DuckDBPyConnection, what: str = "write", *, wait: bool = True) -> Iterator[bool]:
    """Keep every other process of a shared lake from doing the same; elsewhere no other process is there.

    Take it before a transaction begins: a transaction sees the lake as it was at its first statement.

    Args:
        con: connection to the warehouse.
        what: what is done; different things do not wait for each other.
        wait: wait for whoever does it now, or else yield False at once.

    Yields:
        Whether it is this caller's turn.
    """
    catalogue = _catalogue(con) or ""
    if not catalogue.startswith(_POSTGRES):
        yield True
        return
    guard = _guard(catalogue)
    try:
        guard.execute("BEGIN")
        key = f"hashtextextended('offscript {what.replace(chr(39), '')}', 0)"
        if wait:
            guard.execute(f"CALL postgres_execute('catalogue', 'SET LOCAL lock_timeout = {PATIENCE_S * 1000}')")
            asked = f"SELECT true AS mine FROM pg_advisory_xact_lock({key})"  # noqa: S608
        else:
            asked = f"SELECT pg_try_advisory_xact_lock({key}) AS mine"
        row = guard.execute(f"FROM postgres_query('catalogue', {quote(asked)})").fetchone()
        yield row == (True,)
    finally:
        with suppress(duckdb.Error):
            guard.execute("ROLLBACK")
        guard.close()


def vacuum(lake: Lake) -> None:
    """Have PostgreSQL write the tables anew in which the catalogue held bounds of texts."""
    guard = _guard(lake.catalogue)
    try:
        for table in ("ducklake_file_column_stats", "ducklake_table_column_stats"):
            guard.execute(f"CALL postgres_execute('catalogue', 'VACUUM FULL {table}', use_transaction => false)")
    finally:
        guard.close()


def _guard(catalogue: str) -> duckdb.DuckDBPyConnection:
    """Return a connection of its own to the catalogue's PostgreSQL, for turns."""
    with _OPENING:
        held = _GUARDS.get(catalogue)
        if held is None:
            held = duckdb.connect()
            load(held, "postgres_scanner")
            held.execute(f"ATTACH {quote(catalogue.removeprefix(_POSTGRES))} AS catalogue (TYPE postgres)")
            _GUARDS[catalogue] = held
        asking = held.cursor()
    asking.execute("SET enable_progress_bar = false")
    return asking
