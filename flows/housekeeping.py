"""What keeps a warehouse in order besides reading: backups, texts past their term, deletions at the source."""

from pathlib import Path

from flows.settings import Settings
from warehouse.backup import Backup
from warehouse.backup import back_up as copy_working


def back_up(db: Path, *, wait: float = 0.0) -> Backup:
    """Copy the working file and keep as many copies as OFFSCRIPT_BACKUPS says."""
    return copy_working(db, keep=Settings().backups, wait=wait)
