"""What a killed process left half made: copies that may hold texts, and that nobody would look for again."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import Final

# Of a file that is written anew, see `erase`.
_ENDS: Final = ("part", "erasing", "erasing.wal", "fresh", "fresh.wal")


def leftovers(db: Path) -> Iterator[Path]:
    """Yield what is half made beside a working file, while its lock is held: then nobody is still making it."""
    stem = escape(db.stem)
    own = (f".{stem}{db.suffix}", f".{stem}.review*")
    # The last is DuckDB's own: where it puts what does not fit into memory.
    beside = (f".{stem}.review-*", f"{stem}.restoring", f"{stem}{db.suffix}.tmp")
    for pattern in (*beside, *(f"{name}.{end}" for name in own for end in _ENDS)):
        yield from db.parent.glob(pattern)
    for folder in (db.with_suffix(".snapshots"), db.with_suffix(".backups")):
        for pattern in (".building-*", ".current-*", "*.part", *(f".*.{end}" for end in _ENDS)):
            yield from folder.glob(pattern)


def sweep(db: Path) -> list[Path]:
    """Delete what a killed process left half made, and return it; the caller holds the writer's lock."""
    swept = sorted(set(leftovers(db)))
    for path in swept:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink(missing_ok=True)
    return swept
