"""Publishing a snapshot: how long readers wait for what was collected, against copying the file."""

import shutil
import tempfile
from pathlib import Path
from typing import Final

import duckdb
import pandas as pd

from flows import collect
from tests.bench.frame import Row, clocked, held_against, peak
from tests.bench.headline import fill
from warehouse.connect import open_working
from warehouse.publish import publish
from warehouse.schema.tables import PUBLISHED

TITLE: Final = "Publishing"
ABOUT: Final = (
    "A working file of a million reports, 30,000 of them strict, in 10,000 incidents is checked, copied without its private "
    "columns, rolled up, fitted, checksummed and renamed into place. Publishing again with nothing new is what most hours "
    "pay. The baseline is copying the file as it is, unchecked; the notebook writes reports and labels to Parquet. "
    "Durations are on the wall."
)
_DERIVED = {"evidence_spans", "funnel", "snapshot_info"}


def rows(*, small: bool) -> list[Row]:
    """Fill a working file and publish it twice."""
    reports, incidents = (20_000, 500) if small else (1_000_000, 10_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        db = folder / "x.duckdb"
        with open_working(db) as con:
            collect.load_platforms(con)
            fill(con, [t.name for t in PUBLISHED if t.working and t.name not in _DERIVED], reports, incidents)
            con.execute("INSERT INTO counters VALUES ('incident', ?)", [incidents + 1])
            con.execute("CHECKPOINT")
            spent, _ = clocked(lambda: shutil.copyfile(db, folder / "copy"))
            copying = Row("copy the file", spent.wall, "s", reports, spent.wall, spent.cpu)
            spent, _ = clocked(lambda: _notebook(con, folder))
            notebook = Row(
                "notebook: read and write reports and labels", spent.wall, "s", reports, spent.wall, spent.cpu
            )
            spent, first = clocked(lambda: publish(con, db, version="bench"))
            made = Row("publish", spent.wall, "s", reports, spent.wall, spent.cpu)
            spent, again = clocked(lambda: publish(con, db, version="bench"))
            same = Row("publish, nothing new", spent.wall, "s", reports, spent.wall, spent.cpu)
            if again.new or not first.new:
                msg = "publishing twice made two snapshots"
                raise RuntimeError(msg)
            size = first.snapshot.path.stat().st_size
    return [
        copying,
        notebook,
        held_against(made, copying),
        held_against(same, made),
        Row("size of the snapshot", size / reports, "bytes/report", reports),
        peak(),
    ]


def _notebook(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    for table in ("reports", "labels"):
        held: pd.DataFrame = con.execute(f"SELECT * FROM {table}").df()
        held.to_parquet(folder / f"{table}.parquet")
