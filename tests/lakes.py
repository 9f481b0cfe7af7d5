"""Lakes for the tests: a catalogue in a file, copied from one that is ready, and a PostgreSQL of their own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from warehouse.connect import open_working
from warehouse.lake import DATA, SETTING

# Debian keeps a version's programs apart; on other systems they are on the path.
_DEBIAN = Path("/usr/lib/postgresql")


def ready(folder: Path) -> Path:
    """Make an empty lake with the present schema, to be copied: making one takes seconds."""
    os.environ[SETTING] = "ducklake"
    try:
        with open_working(folder / "ready.duckdb"):
            pass
    finally:
        del os.environ[SETTING]
    return folder / "ready.ducklake"


def copy(made: Path, folder: Path) -> Path:
    """Put a copy of an empty lake into a folder; return its catalogue."""
    catalogue = folder / "lake.ducklake"
    shutil.copyfile(made, catalogue)
    with duckdb.connect(str(catalogue)) as con:
        con.execute("UPDATE ducklake_metadata SET value = ? WHERE key = 'data_path'", [f"{folder}/lake.files/"])
    return catalogue


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, None if it is not installed."""
    found = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def postgres() -> Iterator[str]:
    """Run a PostgreSQL in a new folder, on a Unix socket alone; yield how to reach its empty database `lake`."""
    bin_ = programs()
    if bin_ is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="offscript-pg-"))
    run = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    if run:
        # It refuses to be root.
        shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    _quiet([*run, str(bin_ / "initdb"), "-D", str(data), "-A", "trust", "-U", "offscript", "-E", "UTF8"])
    control = [*run, str(bin_ / "pg_ctl"), "-D", str(data), "-w"]
    _quiet([*control, "-o", options, "-l", str(folder / "log"), "start"])
    try:
        _quiet([str(bin_ / "createdb"), "-h", str(folder), "-U", "offscript", "lake"])
        yield f"postgres:host={folder} user=offscript dbname=lake"
    finally:
        _quiet([*control, "-m", "immediate", "stop"])
        shutil.rmtree(folder, ignore_errors=True)


def shared_lake(reached: str, folder: Path) -> dict[str, str]:
    """Return the settings that put the warehouse on a lake in this PostgreSQL."""
    return {SETTING: f"ducklake:{reached}", DATA: str(folder / "parquet")}


def _quiet(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
