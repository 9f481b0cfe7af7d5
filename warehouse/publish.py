"""Publish: check, build the public copy, checksum, and rename it into place.

Readers hold on to the file they opened; the next one they open is whole, or is still the old one. The snapshot
has the published tables with their public columns only, so a private column cannot leave by mistake.
"""

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import duckdb

from warehouse import ddl
from warehouse.checks import run_checks
from warehouse.connect import CURRENT, Snapshot, WarehouseError, checksum, find_snapshot, pinned, snapshot_folder
from warehouse.excerpts import evidence_spans
from warehouse.labels import current
from warehouse.lake import current_version, is_lake, turn
from warehouse.lake_figures import keep_figures
from warehouse.rows import merge, transaction
from warehouse.schema.tables import PUBLISHED, TABLES
from warehouse.trends.fits import store_fits

# Runs are logged even when nothing changes: they do not make a new snapshot.
_NOT_CONTENT = {"runs"}


@dataclass(frozen=True)
class Published:
    """The current snapshot, and whether this call made it or found nothing new to publish."""

    snapshot: Snapshot
    sha256: str
    new: bool


def publish(con: duckdb.DuckDBPyConnection, db: Path, *, version: str) -> Published:
    """Publish a snapshot of the warehouse as it is now; of a lake it says which version that was.

    Raises:
        WarehouseError: a data check failed (nothing is published; the message names the check).
    """
    with turn(con, "publish"), pinned(con, db) as held:
        failures = run_checks(held)
        if failures:
            told = "; ".join(f"{item.check}: {item.rows} rows, first {item.example}" for item in failures[:5])
            msg = f"not published, {len(failures)} data checks failed: {told}"
            raise WarehouseError(msg)
        if not is_lake(held):
            held.execute("CHECKPOINT")
        found = fingerprint(held, version)
        return _held(held, db, found) or _build(con, held, db, found, version)


def _build(
    con: duckdb.DuckDBPyConnection, held: duckdb.DuckDBPyConnection, db: Path, found: str, version: str
) -> Published:
    """Build a snapshot of what `held` sees and note it through `con`."""
    now = datetime.now(UTC)
    snapshot_id = f"{now:%Y%m%dT%H%M%SZ}-{found[:8]}"
    folder = snapshot_folder(db)
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(0o755)
    building = folder / f".building-{os.getpid()}.duckdb"
    try:
        building.unlink(missing_ok=True)
        _copy(held, building)
        _finish(held, building, (snapshot_id, now, found, version))
        sha256 = checksum(building)
        path = folder / f"{snapshot_id}.duckdb"
        # Whoever may look into the folder may read it; the working file beside it is private.
        building.chmod(0o644)
        building.replace(path)
    finally:
        with suppress(OSError):
            building.unlink(missing_ok=True)
    _write_whole(folder / f"{snapshot_id}.sha256", f"{sha256}  {path.name}\n")
    _point(folder, path.name)
    row = {"snapshot": snapshot_id, "published_at": now, "sha256": sha256, "fingerprint": found}
    with transaction(con):
        merge(con, TABLES["snapshots"], [row])
        if is_lake(con):
            keep_figures(con, path)
    return Published(Snapshot(snapshot_id, path), sha256, new=True)


def fingerprint(con: duckdb.DuckDBPyConnection, version: str) -> str:
    """Return a hash of everything a snapshot would hold: equal content, equal fingerprint."""
    digest = hashlib.sha256(version.encode())
    for name, sql in ddl.trend_views():
        digest.update(f"{name}\n{sql}".encode())
    for table in PUBLISHED:
        if not table.working or table.name in _NOT_CONTENT:
            continue
        columns = ", ".join(table.public_columns)
        rows = con.execute(
            f"SELECT count(*), coalesce(bit_xor(hash(t)), 0), coalesce(sum(hash(t) % 1000003), 0) "  # noqa: S608
            f"FROM (SELECT {columns} FROM {table.name}) t"
        ).fetchone()
        digest.update(f"{table.name} {columns} {rows}".encode())
    return digest.hexdigest()


def _held(con: duckdb.DuckDBPyConnection, db: Path, found: str) -> Published | None:
    """Return the current snapshot if it holds exactly this content and is whole."""
    row = con.execute(
        "SELECT snapshot, sha256 FROM snapshots WHERE fingerprint = ? ORDER BY published_at DESC", [found]
    )
    last = row.fetchone()
    if last is None:
        return None
    try:
        current = find_snapshot(db)
    except WarehouseError:
        return None
    if current.id != last[0] or not current.path.is_file() or checksum(current.path) != last[1]:
        return None
    return Published(current, last[1], new=False)


def _copy(con: duckdb.DuckDBPyConnection, building: Path) -> None:
    con.execute(f"ATTACH {ddl.quote(str(building))} AS building")
    try:
        for table in PUBLISHED:
            columns = ", ".join(table.public_columns)
            public = tuple(field for field in table.fields if field.sensitivity == "public")
            con.execute(ddl.create_table(table, public).replace("CREATE TABLE ", "CREATE TABLE building.", 1))
            if table.working:
                con.execute(
                    f"INSERT INTO building.{table.name} SELECT {columns} FROM {table.name} "  # noqa: S608
                    f"ORDER BY {', '.join(key for key in table.key if key in table.public_columns) or 'ALL'}"
                )
        funnel = (files("warehouse") / "funnel.sql").read_text("utf-8")
        con.execute(f"INSERT INTO building.funnel {funnel}")
    finally:
        con.execute("DETACH building")


def _finish(con: duckdb.DuckDBPyConnection, building: Path, info: tuple[str, datetime, str, str]) -> None:
    """Add what is made for readers: excerpts, comments, views, and which snapshot this is."""
    instrument = current(con)
    copy = duckdb.connect(str(building))
    try:
        copy.execute("SET TimeZone = 'UTC'")
        for batch in evidence_spans(con):
            merge(copy, TABLES["evidence_spans"], batch)
        copy.execute("INSERT INTO snapshot_info VALUES (?, ?, ?, ?, ?, ?)", [*info, instrument, current_version(con)])
        for table in PUBLISHED:
            for statement in ddl.comments(table, [f for f in table.fields if f.sensitivity == "public"]):
                copy.execute(statement)
        derive(copy)
        copy.execute("CHECKPOINT")
    finally:
        copy.close()


def derive(copy: duckdb.DuckDBPyConnection) -> None:
    """Add what every reader would else compute again: views, roll-ups, fits."""
    ddl.create_views(copy)
    ddl.fill_rollups(copy)
    store_fits(copy)


def _write_whole(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, "utf-8")
    part.chmod(0o644)
    part.replace(path)


def _point(folder: Path, name: str) -> None:
    """Make `current` point at a snapshot, in one rename."""
    link = folder / f".current-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(name)
    link.replace(folder / CURRENT)
