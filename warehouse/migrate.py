"""Numbered forward migrations: each runs once, in one transaction, and is recorded."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files

import duckdb

from warehouse import ddl
from warehouse.lake import NAME, SEARCH_PATH, is_lake, know_bounds
from warehouse.layout import lay_out
from warehouse.schema.tables import WORKING

_NAME = re.compile(r"(\d{4})_(\w+)\.sql")


class MigrationError(RuntimeError):
    """The file's schema is newer than this version, or a migration failed and was rolled back."""


@dataclass(frozen=True)
class Migration:
    """One step from a schema to the next."""

    number: int
    name: str
    sql: str


def migrations() -> list[Migration]:
    """Return the shipped migrations in order; their numbers run from 1 without a gap."""
    folder = files("warehouse") / "migrations"
    found = []
    for item in folder.iterdir():
        match = _NAME.fullmatch(item.name)
        if match:
            found.append(Migration(int(match[1]), match[2], item.read_text("utf-8")))
    found.sort(key=lambda migration: migration.number)
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        msg = f"migrations are not numbered 1 to {len(found)}"
        raise MigrationError(msg)
    return found


def applied(con: duckdb.DuckDBPyConnection) -> int:
    """Return the number of the last migration applied, 0 for an empty file."""
    present = con.execute(
        "SELECT count(*) FROM information_schema.tables WHERE table_name = 'migrations' AND table_schema = 'main'"
    ).fetchone()
    if not present or not present[0]:
        return 0
    row = con.execute("SELECT coalesce(max(migration), 0) FROM migrations").fetchone()
    return int(row[0]) if row else 0


def migrate(con: duckdb.DuckDBPyConnection) -> int:
    """Bring a working file to the shipped schema; return how many migrations ran.

    Raises:
        MigrationError: the file is newer than this version, or a step failed (the file is as it was).
    """
    steps = migrations()
    done = applied(con)
    if done > len(steps):
        msg = f"the file has migration {done}, this version knows {len(steps)}: install a newer Offscript"
        raise MigrationError(msg)
    for step in steps[done:]:
        con.execute("BEGIN")
        try:
            con.execute(step.sql)
            con.execute(
                "INSERT INTO migrations (migration, name, applied_at) VALUES (?, ?, ?)",
                [step.number, step.name, datetime.now(UTC)],
            )
            con.execute("COMMIT")
        except duckdb.Error as error:
            con.execute("ROLLBACK")
            msg = f"migration {step.number:04d}_{step.name} failed and was rolled back: {error}"
            raise MigrationError(msg) from error
    if done < len(steps):
        if is_lake(con):
            # Comments stand in the snapshots made of it; here each would be an entry in the catalogue.
            know_bounds(con)
        else:
            for table in WORKING:
                con.execute("".join(ddl.comments(table)))
    if is_lake(con):
        lay_out(con)
    # Views belong to the code, not to the file: they always match this version.
    create_views(con)
    return len(steps) - done


def create_views(con: duckdb.DuckDBPyConnection) -> None:
    """Create the views of this version over a warehouse's tables; over a lake, which others share, in memory."""
    if not is_lake(con):
        ddl.create_views(con)
        return
    con.execute(f"SET search_path = 'memory.main,{NAME}.main'")
    con.execute("BEGIN")
    ddl.create_views(con)
    con.execute("COMMIT")
    con.execute(f"SET search_path = {ddl.quote(SEARCH_PATH)}")
