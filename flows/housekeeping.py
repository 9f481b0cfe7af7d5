"""What keeps a warehouse in order besides reading: backups, texts past their term, deletions at the source."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.collectors import ready, user_agent
from flows.deletions import recheck
from flows.exchange import SourceError
from flows.http import Client
from flows.rights import retain, thin_snapshots
from flows.settings import Settings
from warehouse import incidents
from warehouse.backup import Backup
from warehouse.backup import back_up as copy_working
from warehouse.connect import open_working
from warehouse.rows import transaction

__all__ = ["Rechecked", "back_up", "recheck_all", "retain", "thin_snapshots"]


@dataclass(frozen=True)
class Rechecked:
    """What asking the sources again came to: rows of {source, asked, gone, remark}."""

    rows: list[dict[str, Any]]

    @property
    def asked(self) -> int:
        """Posts asked after."""
        return sum(row["asked"] for row in self.rows)

    @property
    def gone(self) -> int:
        """Posts that are no longer public, and were purged."""
        return sum(row["gone"] for row in self.rows)


def back_up(db: Path, *, wait: float = 0.0) -> Backup:
    """Copy the working file and keep as many copies as OFFSCRIPT_BACKUPS says."""
    return copy_working(db, keep=Settings().backups, wait=wait)


def recheck_all(db: Path, *, wait: float = 0.0) -> Rechecked:
    """Ask every source that can say so which of its posts are gone, a share of them each day, and purge those."""
    settings = Settings()
    http = Client(user_agent(settings.contact), allow_private=settings.allow_private)
    rows = []
    try:
        with open_working(db, wait=wait) as con:
            for one in ready((), http):
                source: Any = one.source
                if source is None or not hasattr(source, "still_public"):
                    continue
                row = {"source": one.entry.source, "asked": 0, "gone": 0, "remark": ""}
                try:
                    known = recheck(con, one.entry.source, source)
                    row.update(asked=len(known), gone=sum(not public for public in known.values()))
                except SourceError as error:
                    row["remark"] = str(error)
                rows.append(row)
            if any(row["gone"] for row in rows):
                with transaction(con):
                    incidents.refresh(con)
    finally:
        http.close()
    return Rechecked(rows)
