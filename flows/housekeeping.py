"""What keeps a warehouse in order besides reading: backups, texts past their term, old snapshots."""

from pathlib import Path

from flows.rights import retain, thin_snapshots
from flows.settings import Settings
from warehouse.backup import Backup
from warehouse.backup import back_up as copy_working

__all__ = ["back_up", "retain", "thin_snapshots"]


def back_up(db: Path, *, wait: float = 0.0) -> Backup:
    """Copy the working file and keep as many copies as OFFSCRIPT_BACKUPS says."""
    return copy_working(db, keep=Settings().backups, wait=wait)
