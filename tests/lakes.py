"""Lakes for the tests: a catalogue in a file, copied from one that is ready, or one in PostgreSQL."""

import os
import shutil
from pathlib import Path

import duckdb

from tests.postgres import USER
from warehouse.connect import open_working
from warehouse.lake import DATA, SETTING


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
    shutil.copytree(f"{made}.files", folder / "lake.files")
    with duckdb.connect(str(catalogue)) as con:
        con.execute("UPDATE ducklake_metadata SET value = ? WHERE key = 'data_path'", [f"{folder}/lake.files/"])
    return catalogue


def shared_lake(socket: Path, folder: Path) -> dict[str, str]:
    """Return the settings that put the warehouse on a lake whose catalogue is database `lake` of this PostgreSQL."""
    return {SETTING: f"ducklake:postgres:host={socket} user={USER} dbname=lake", DATA: str(folder / "parquet")}
