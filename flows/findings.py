"""What the files beside each other say of themselves: the working file, the snapshot, the backups."""

import stat
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from flows.collectors import Status, statuses, unheard
from flows.settings import Settings
from warehouse import backup
from warehouse.checks import run_checks
from warehouse.connect import (
    WarehouseError,
    checksum,
    find_snapshot,
    holder,
    lake_at,
    open_lake,
    open_snapshot,
    unusable,
    writer_lock,
)
from warehouse.lake import Lake, current_version, without_password
from warehouse.migrate import applied, migrations
from warehouse.rows import scalar

OLD_SNAPSHOT = timedelta(days=2)
OLD_BACKUP = timedelta(days=3)
SKEW = timedelta(minutes=2)


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `state` is ok, note, warn or fail; a warn or a fail says what to do."""

    area: str
    state: str
    detail: str
    todo: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def page(source: str) -> str:
    """Return where a source's page stands."""
    return f"docs/operating.md, flows/sources/{source}.md"


def look_at_warehouse(db: Path, now: datetime) -> Iterator[Finding]:
    """Look at the working file, unless somebody writes it."""
    try:
        lake = lake_at(db)
    except WarehouseError as error:
        yield Finding("warehouse", "fail", str(error), "docs/operating.md, When one file is too small")
        return
    if lake:
        yield from _look_at_lake(lake, db, now)
        return
    if not db.is_file():
        yield Finding("warehouse", "note", f"{db} does not exist yet", "offscript run, or offscript serve")
        return
    mode = stat.S_IMODE(db.stat().st_mode)
    if mode & 0o077:
        yield Finding("warehouse", "warn", f"{db} may be read by others (mode {mode:o})", f"chmod 600 {db}")
    try:
        with writer_lock(db), duckdb.connect(str(db), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            yield from _contents(con, now)
    except WarehouseError as error:
        if "being written" in str(error):
            yield Finding(
                "warehouse",
                "ok",
                f"being written by {holder(db)}: its contents are not looked at meanwhile",
            )
        else:
            yield Finding("warehouse", "fail", str(error))
    except duckdb.Error as error:
        yield Finding("warehouse", "fail", str(unusable(db, error)))


def _look_at_lake(lake: Lake, db: Path, now: datetime) -> Iterator[Finding]:
    if lake.shared and not Settings().author_key:
        yield Finding(
            "lake",
            "warn",
            "OFFSCRIPT_AUTHOR_KEY is not set: each machine would hash one account into another author",
            f"set it everywhere, for instance to what {db.with_suffix('.author-key')} holds",
        )
    try:
        with nullcontext() if lake.shared else writer_lock(db), open_lake(lake, read_only=True) as con:
            yield Finding("lake", "ok", f"{lake}, version {current_version(con)}")
            yield from _contents(con, now)
    except WarehouseError as error:
        if "being written" in str(error):
            yield Finding("warehouse", "ok", f"{error}: its contents are not looked at meanwhile")
        else:
            yield Finding("warehouse", "fail", str(error), "docs/operating.md, When one file is too small")
    except duckdb.Error as error:
        yield Finding("warehouse", "fail", without_password(str(error).splitlines()[0]))


def _contents(con: duckdb.DuckDBPyConnection, now: datetime) -> Iterator[Finding]:
    done, known = applied(con), len(migrations())
    if done > known:
        yield Finding("warehouse", "fail", f"schema {done}, this version knows {known}", "install a newer Offscript")
        return
    if done < known:
        yield Finding("warehouse", "note", f"schema {done} of {known}: the next run brings it up to date")
        return
    failures = run_checks(con)
    for failure in failures:
        yield Finding(
            "checks",
            "fail",
            f"{failure.check}: {failure.rows} rows, first {failure.example}",
            "nothing is published until it is mended",
        )
    if not failures:
        yield Finding("checks", "ok", f"schema {done}, every data check holds")
    newest = scalar(con, "SELECT max(started_at) FROM runs")
    if newest is not None and newest > now + SKEW:
        yield Finding(
            "clock",
            "fail",
            f"the last run began at {newest:%Y-%m-%d %H:%M}, later than now ({now:%Y-%m-%d %H:%M})",
            "the clock went back: set it right",
        )
    last = con.execute("SELECT run_state, error, started_at FROM runs ORDER BY started_at DESC LIMIT 1").fetchone()
    if last and last[0] == "failed":
        yield Finding("runs", "warn", f"the last run ({last[2]:%Y-%m-%d %H:%M}) failed: {str(last[1])[:200]}")
    yield from _silent(statuses(con, now), now)


def look_at_snapshot(db: Path, now: datetime) -> Iterator[Finding]:
    """Look at the current snapshot: its checksum and its age."""
    try:
        with open_snapshot(db) as (con, found):
            published = scalar(con, "SELECT published_at FROM snapshot_info")
    except WarehouseError as error:
        yield Finding("snapshot", "note" if not db.is_file() else "warn", str(error))
        return
    noted = found.path.with_suffix(".sha256")
    expected = noted.read_text("utf-8").split()[0] if noted.is_file() else ""
    if checksum(find_snapshot(db).path) != expected:
        yield Finding("snapshot", "fail", f"{found.path} differs from its checksum", "offscript publish")
        return
    age = now - published
    state = "warn" if age > OLD_SNAPSHOT else "ok"
    yield Finding(
        "snapshot", state, f"{found.id}, {_age(age)} old", "is the schedule running?" if state == "warn" else ""
    )


def look_at_backups(db: Path, now: datetime) -> Iterator[Finding]:
    """Look at the newest backup: whole, and how old."""
    if not db.is_file() and not lake_at(db):
        return
    copies = backup.listed(db)
    if not copies:
        yield Finding("backup", "warn", f"none in {backup.backup_folder(db)}", "offscript backup")
        return
    problem = backup.problem_of(copies[0])
    age = now - copies[0].made_at
    if problem:
        yield Finding("backup", "fail", f"{copies[0].path}: {problem}", "offscript backup")
    elif age < -SKEW:
        yield Finding("backup", "warn", f"{copies[0].path.stem} was made later than now", "is the clock right?")
    elif age > OLD_BACKUP:
        yield Finding("backup", "warn", f"the last one is {_age(age)} old", "offscript backup")
    else:
        yield Finding("backup", "ok", f"{copies[0].path.stem}, {_age(age)} old, verified; {len(copies)} kept")


def _silent(rows: list[Status], now: datetime) -> Iterator[Finding]:
    for row in rows:
        told = unheard(row, now)
        if told:
            yield Finding("silence", "warn", told, page(row.source))


def _age(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours:,.1f} h" if hours < 48 else f"{hours / 24:,.1f} days"
