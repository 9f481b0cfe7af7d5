"""People's rights in their texts: what is past its term goes, and whoever asks is forgotten in every file we keep."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from flows.errors import InputError
from flows.identity import identify
from flows.mapping import author_hash
from flows.settings import Settings, author_key
from flows.terms import terms
from warehouse import backup, erase, incidents
from warehouse.connect import CURRENT, checksum, lake_at, open_working, snapshot_folder, writer_lock
from warehouse.retention import Purged, purge_past_term
from warehouse.rows import scalar, transaction
from warehouse.upkeep import change_for_good

LOG = "checksums.log"
# The daily run writes the file anew if a text went since the one before.
FREED = timedelta(days=2)


@dataclass(frozen=True)
class Forgotten:
    """What was forgotten: how many reports in the working file, and each file that was written anew."""

    reports: int
    files: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def retain(db: Path, *, now: datetime | None = None, wait: float = 0.0) -> Purged:
    """Delete texts past their term, and what is left of these and of texts deleted at the source, also in snapshots.

    Labels and counts stay.
    """
    settings = Settings()
    at = now or datetime.now(UTC)
    with open_working(db, wait=wait) as con:
        with transaction(con):
            found = purge_past_term(con, terms(settings), audit_days=settings.audit_days, now=at)
            if found.purged:
                incidents.refresh(con)
        rows = con.execute("SELECT report_id, text_gone_at FROM reports WHERE text_gone_at IS NOT NULL").fetchall()
    # A freed block of the file still holds its text until the file is written anew.
    fresh = found.purged or any(gone >= at - FREED for _, gone in rows)
    with writer_lock(db, wait):
        sums = dict(_without_excerpts(db, [report for report, _ in rows])) if rows else {}
        if fresh or sums:
            change_for_good(db, lambda con: _note_sums(con, sums))
    return found


def _without_excerpts(db: Path, gone: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Take excerpts of texts that are gone out of the kept snapshots; yield those that changed with their checksums."""
    held = "FROM evidence_spans WHERE report_id IN (SELECT unnest(?::VARCHAR[]))"
    for path in sorted(snapshot_folder(db).glob("*.duckdb")):
        with duckdb.connect(str(path), read_only=True) as con:
            reports = int(scalar(con, f"SELECT count(DISTINCT report_id) {held}", [gone]))
        if reports:
            old = checksum(path)
            erase.rewrite(path, lambda con: con.execute(f"DELETE {held}", [gone]))
            yield path.stem, _sealed(path, old, reports, "excerpts of texts that are gone were taken out")


def _note_sums(con: duckdb.DuckDBPyConnection, sums: Mapping[str, str]) -> None:
    for name, new in sums.items():
        con.execute("UPDATE snapshots SET sha256 = ? WHERE snapshot = ?", [new, name])


def thin_snapshots(db: Path, days: int | None, now: datetime) -> list[str]:
    """Delete snapshots older than so many days, but for the last one of each day; return their ids.

    Their checksums stay, so that a copy made elsewhere can still be recognised.
    """
    if days is None:
        return []
    folder = snapshot_folder(db)
    last: dict[str, str] = {}
    names = sorted(path.stem for path in folder.glob("*.duckdb"))
    for name in names:
        last[name[:8]] = name
    limit = f"{now - timedelta(days=days):%Y%m%d}"
    current = (folder / CURRENT).readlink().stem if (folder / CURRENT).is_symlink() else ""
    dropped = [name for name in names if name[:8] < limit and name not in {*last.values(), current}]
    for name in dropped:
        path = folder / f"{name}.duckdb"
        _log(path, checksum(path), None, 0, "dropped: the last snapshot of its day is kept")
        path.unlink()
    return dropped


def forget(db: Path, whom: str, *, whole_author: bool = False, wait: float = 0.0) -> Forgotten:
    """Remove a person's texts from the working file, the review files, every backup and every kept snapshot.

    The working file comes last: killed before, the same command finds again what is still to do.

    Args:
        db: the working file.
        whom: a post's address, an author's key, or PLATFORM:ACCOUNT as the source writes the account.
        whole_author: with an address: everything by the author of that post.
        wait: seconds to wait for another process that writes.

    Raises:
        InputError: nothing of it is held here.
    """
    with open_working(db, wait=wait) as con:
        erasure = _find(con, db, whom, whole_author=whole_author)
    with writer_lock(db, wait):
        files = list(_everywhere(db, erasure))
    return Forgotten(len(erasure.tombstones), files)


def _find(con: duckdb.DuckDBPyConnection, db: Path, whom: str, *, whole_author: bool) -> erase.Erasure:
    author: str | None = None
    needles: list[str] = []
    posts: list[str] = []
    if "://" in whom:
        report_id = _identified(con, whom)
        posts, needles = [report_id], [whom]
        if whole_author:
            author = scalar(con, "SELECT author_key FROM reports WHERE report_id = ?", [report_id])
    else:
        author = whom if _is_author(con, whom) else author_hash(whom.partition(":")[2], author_key(db))
        if whom != author:
            needles.append(whom.partition(":")[2])
    if author:
        posts += [
            row[0] for row in con.execute("SELECT report_id FROM reports WHERE author_key = ?", [author]).fetchall()
        ]
    held = "SELECT report_id FROM reports UNION SELECT report_id FROM raw_items"
    known = con.execute(f"SELECT report_id FROM ({held}) WHERE report_id IN (SELECT unnest(?))", [posts]).fetchall()  # noqa: S608
    if not known:
        msg = f"nothing of {whom} is held here (an address, an author's key, or PLATFORM:ACCOUNT is expected)"
        raise InputError(msg)
    found = [report for (report,) in known]
    ids = con.execute("SELECT DISTINCT given_id FROM raw_items WHERE report_id IN (SELECT unnest(?))", [found])
    needles += [given for (given,) in ids.fetchall()]
    urls = con.execute("SELECT url FROM reports WHERE url IS NOT NULL AND report_id IN (SELECT unnest(?))", [found])
    needles += [url for (url,) in urls.fetchall()]
    return erase.Erasure(erase.tombstones(found), author, tuple(dict.fromkeys(needles)))


def _identified(con: duckdb.DuckDBPyConnection, url: str) -> str:
    """Return the report at an address: as stored, or as its parts say."""
    held = con.execute("SELECT report_id FROM reports WHERE url = ? ORDER BY 1", [url]).fetchone()
    return str(held[0]) if held else identify("", "", url).report_id


def _is_author(con: duckdb.DuckDBPyConnection, key: str) -> bool:
    return bool(scalar(con, "SELECT count(*) > 0 FROM reports WHERE author_key = ?", [key]))


def _everywhere(db: Path, erasure: erase.Erasure) -> Iterator[dict[str, Any]]:
    """Write every file anew that may hold the texts, and yield what was done with each."""

    def change(con: duckdb.DuckDBPyConnection) -> int:
        return erase.apply(con, erasure)

    sums: dict[str, str] = {}
    for path in sorted(snapshot_folder(db).glob("*.duckdb")):
        old = checksum(path)
        held = erase.rewrite(path, change)
        sums[path.stem] = new = _sealed(path, old, held, "texts forgotten on request")
        yield {"file": str(path), "reports": held, "sha256": new}
    for path in sorted(db.parent.glob(f"{db.stem}.review*.duckdb")):
        yield {"file": str(path), "reports": erase.rewrite(path, change), "sha256": checksum(path)}
    for path in sorted(db.parent.glob(f"{db.stem}.review*.jsonl")):
        yield {"file": str(path), "reports": erase.rewrite_lines(path, erasure), "sha256": checksum(path)}
    for made in backup.listed(db):
        held = erase.rewrite(made.path, change)
        backup.describe_again(made)
        yield {"file": str(made.path), "reports": held, "sha256": checksum(made.path)}
    for path in sorted(db.parent.glob(f"{db.name}.replaced-*")):
        # What a restore set aside may be damaged: it cannot be searched, and is not kept against somebody's wish.
        path.unlink()
        yield {"file": str(path), "reports": 0, "sha256": "deleted"}

    def change_working(con: duckdb.DuckDBPyConnection) -> int:
        held = erase.apply(con, erasure)
        incidents.refresh(con)
        con.executemany(
            "UPDATE snapshots SET sha256 = ? WHERE snapshot = ?", [[new, name] for name, new in sums.items()]
        )
        return held

    held = change_for_good(db, change_working)
    lake = lake_at(db)
    yield {"file": str(lake or db), "reports": held, "sha256": "" if lake else checksum(db)}


def _sealed(snapshot: Path, old: str, reports: int, why: str) -> str:
    """Note a snapshot's new checksum beside it and in the log, and return it."""
    new = checksum(snapshot)
    snapshot.with_suffix(".sha256").write_text(f"{new}  {snapshot.name}\n", "utf-8")
    _log(snapshot, old, new, reports, why)
    return new


def _log(snapshot: Path, old: str, new: str | None, reports: int, why: str) -> None:
    """Say publicly that a snapshot was rewritten, and why its checksum is another one now."""
    row: Mapping[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "snapshot": snapshot.stem,
        "sha256_before": old,
        "sha256": new,
        "why": why,
        "reports": reports,
    }
    with (snapshot.parent / LOG).open("a", encoding="utf-8") as log:
        os.fchmod(log.fileno(), 0o644)
        log.write(json.dumps(row) + "\n")
