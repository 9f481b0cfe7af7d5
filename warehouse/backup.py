"""Backups of the working file: copied whole, verified, rotated; and put back.

X.duckdb's copies lie in X.backups/<time>.duckdb (mode 600: they hold texts), each with a .json beside it that says
its checksum and the count of every table. That file is there before the copy gets its name: a copy is finished, or is
called `.part`, which the next writer deletes.
"""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb

from warehouse.connect import WarehouseError, checksum, lake_at, unusable, unwritable, writer_lock
from warehouse.lake_copy import copy_in, copy_out

KEEP = 7


@dataclass(frozen=True)
class Backup:
    """A finished copy: where it lies, when it was made, its checksum, rows of each table."""

    path: Path
    made_at: datetime
    sha256: str
    tables: dict[str, int]

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(self.tables.values())


def backup_folder(db: Path) -> Path:
    """Return the folder of a working file's backups: X.duckdb -> X.backups."""
    return db.with_suffix(".backups")


def listed(db: Path) -> list[Backup]:
    """Return the finished copies, newest first."""
    found = []
    for note in sorted(backup_folder(db).glob("*.json"), reverse=True):
        copy = note.with_suffix(".duckdb")
        if copy.is_file():
            told = json.loads(note.read_text("utf-8"))
            found.append(Backup(copy, datetime.fromisoformat(told["made_at"]), told["sha256"], told["tables"]))
    return found


def back_up(db: Path, *, keep: int = KEEP, wait: float = 0.0) -> Backup:
    """Copy the working file while nobody writes it, verify the copy, drop all but the newest `keep`.

    Raises:
        WarehouseError: somebody writes it, it is damaged, the copy differs, or there is no room.
    """
    lake = lake_at(db)
    if lake is None and not db.is_file():
        msg = f"{db}: there is no working file to copy"
        raise WarehouseError(msg)
    with writer_lock(db, wait):
        now = datetime.now(UTC)
        path = backup_folder(db) / f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}Z.duckdb"
        try:
            copy = partial(copy_out, lake, db) if lake else partial(_copy_file, db)
            return _copied(copy, path, now)
        except OSError as error:
            raise unwritable(path, error) from error
        finally:
            prune(db, keep)


def _copy_file(db: Path, part: Path) -> dict[str, int]:
    """Copy a working file; return the rows of its tables."""
    try:
        with duckdb.connect(str(db)) as con:
            con.execute("CHECKPOINT")
            tables = count_tables(con)
    except duckdb.Error as error:
        # A checkpoint writes: a full disk must not be told as damage.
        raise unusable(db, error) from error
    shutil.copyfile(db, part)
    if checksum(part) != checksum(db):
        msg = f"the copy of {db} is not good: its checksum differs; it was dropped"
        raise WarehouseError(msg)
    return tables


def _copied(copy: Callable[[Path], dict[str, int]], path: Path, now: datetime) -> Backup:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        tables = copy(part)
        _sync(part)
        made = Backup(path, now, checksum(part), tables)
        problem = _problem(part, made)
        if problem:
            msg = f"the copy {path.stem} is not good: {problem}; it was dropped"
            raise WarehouseError(msg)
        describe(made)
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return made


def describe(made: Backup) -> None:
    """Write the file that says a copy is finished."""
    told = {"made_at": made.made_at.isoformat(), "sha256": made.sha256, "tables": made.tables}
    part = made.path.with_suffix(".json.part")
    part.write_text(json.dumps(told, indent=1), "utf-8")
    part.replace(made.path.with_suffix(".json"))


def describe_again(made: Backup) -> Backup:
    """Note what a copy holds now that it was changed on purpose."""
    with duckdb.connect(str(made.path), read_only=True) as con:
        tables = count_tables(con)
    changed = Backup(made.path, made.made_at, checksum(made.path), tables)
    describe(changed)
    return changed


def verify(made: Backup) -> None:
    """Check a copy: its checksum, that it opens, and that every table holds the rows noted.

    Raises:
        WarehouseError: it does not; the message says what differs.
    """
    problem = problem_of(made)
    if problem:
        msg = f"backup {made.path} is not good: {problem}"
        raise WarehouseError(msg)


def problem_of(made: Backup) -> str:
    """Return what is wrong with a copy; nothing for a good one."""
    return _problem(made.path, made)


def _problem(path: Path, made: Backup) -> str:
    if checksum(path) != made.sha256:
        return "its checksum differs from the one noted"
    try:
        with duckdb.connect(str(path), read_only=True) as con:
            found = count_tables(con)
    except duckdb.Error as error:
        return str(error).splitlines()[0]
    differing = sorted(name for name in {*found, *made.tables} if found.get(name) != made.tables.get(name))
    return f"rows differ in {', '.join(differing)}" if differing else ""


def last_good(db: Path) -> Backup | None:
    """Return the newest copy that is whole."""
    for made in listed(db):
        if not problem_of(made):
            return made
    return None


def restore(db: Path, *, name: str | None = None) -> tuple[Backup, Path | None]:
    """Put back the newest good copy, or the one named; what stood there is kept beside it.

    Returns:
        The copy put back, and where the file that stood there lies now.

    Raises:
        WarehouseError: there is none, it is not good, or somebody writes the working file.
    """
    copies = listed(db)
    chosen = next((made for made in copies if made.path.stem == name), None) if name else last_good(db)
    if chosen is None:
        known = ", ".join(made.path.stem for made in copies) or "none"
        msg = f"no {f'backup {name!r}' if name else 'good backup'} in {backup_folder(db)}; there are: {known}"
        raise WarehouseError(msg)
    verify(chosen)
    lake = lake_at(db)
    with writer_lock(db):
        if lake:
            copy_in(lake, chosen.path)
            return chosen, None
        part = db.with_suffix(".restoring")
        try:
            shutil.copyfile(chosen.path, part)
            part.chmod(0o600)
            _sync(part)
            problem = _problem(part, chosen)
            if problem:
                msg = f"the copy put back is not good: {problem}; {db} is as it was"
                raise WarehouseError(msg)
            aside = _set_aside(db)
            part.replace(db)
        except OSError as error:
            raise unwritable(db, error) from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
    return chosen, aside


def _set_aside(db: Path) -> Path | None:
    """Move the working file and its write-ahead log out of the way: they may hold what the copy lacks."""
    aside = None
    now = datetime.now(UTC)
    for old in (db, db.with_name(f"{db.name}.wal")):
        if old.exists():
            moved = old.with_name(f"{old.name}.replaced-{now:%Y%m%dT%H%M%SZ}")
            old.replace(moved)
            aside = aside or moved
    return aside


def prune(db: Path, keep: int) -> list[Path]:
    """Delete all but the newest `keep` copies, and return them."""
    dropped = []
    for made in listed(db)[max(keep, 1) :]:
        made.path.with_suffix(".json").unlink(missing_ok=True)
        made.path.unlink(missing_ok=True)
        dropped.append(made.path)
    return dropped


def damaged(db: Path, error: duckdb.Error) -> WarehouseError:
    """Return the error for a working file that cannot be read, which names the last good backup."""
    cause = str(error).splitlines()[0]
    if "lock on file" in cause:
        return WarehouseError(f"{db} is open in another program: close it ({cause})")
    good = last_good(db)
    offer = (
        f"the last good backup is {good.path.stem} ({good.rows:,} rows): offscript restore --db {db}"
        if good
        else f"there is no good backup in {backup_folder(db)}"
    )
    return WarehouseError(f"{db} is damaged or no warehouse: {cause}; {offer}")


def count_tables(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return the number of rows of every table, counted row by row, so that every one is read."""
    held = "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND NOT temporary"
    names = [name for (name,) in con.execute(f"{held} ORDER BY 1").fetchall()]
    counts = {}
    for name in names:
        # A hash of whole rows reads every block; count(*) alone would read the metadata.
        row = con.execute(f"SELECT count(*), bit_xor(hash(t)) FROM {name} t").fetchone()  # noqa: S608
        counts[name] = int(row[0]) if row else 0
    return counts


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
