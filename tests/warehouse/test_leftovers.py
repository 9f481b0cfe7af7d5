import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.warehouse.builders import add_report, warehouse
from warehouse.backup import back_up, listed
from warehouse.connect import find_snapshot, open_working
from warehouse.publish import publish

KILLED = """
import os, signal, sys
from pathlib import Path
from unittest import mock
from warehouse import backup, erase, publish
from warehouse.connect import open_working
from warehouse.review import file

db, at = Path(sys.argv[1]), sys.argv[2]
dies = mock.patch(at, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
if at.startswith("warehouse.backup"):
    with dies:
        backup.back_up(db)
with open_working(db) as con, dies:
    publish.publish(con, db, version="2")
    file.write_review_file(con, db, lambda *_: None)
with dies:
    erase.rewrite(db, lambda con: os.kill(os.getpid(), signal.SIGKILL))
"""


@pytest.mark.parametrize(
    "at", ["warehouse.publish._finish", "warehouse.review.file._copy", "warehouse.erase.transaction", "warehouse.backup._sync"]
)  # fmt: skip
def test_what_a_killed_process_left_half_made_is_deleted_by_the_next(tmp_path: Path, at: str) -> None:
    """It may hold texts that `forget` and `retention` would not find."""
    folder = tmp_path / "data"
    db = folder / "x.duckdb"
    with warehouse(db) as con:
        add_report(con, "github:o/r#1", text="other people's words " * 50)
        publish(con, db, version="1")
    back_up(db)
    (folder / ".mine.part").write_text("not ours")
    before = {path for path in folder.rglob("*") if path.name != "x.lock"}
    done = subprocess.run([sys.executable, "-c", KILLED, str(db), at], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = {path for path in folder.rglob("*") if path.name != "x.lock"} - before
    assert any(path.name.startswith(".") or path.suffix == ".part" for path in left), left
    with open_working(db) as con:
        assert con.execute("SELECT count(*) FROM reports").fetchone() == (1,)
    kept = {path for path in folder.rglob("*") if path.name != "x.lock"}
    assert {path for path in kept - before if path.name.startswith(".") or path.suffix == ".part"} == set()
    assert before <= kept
    assert find_snapshot(db).path.is_file()
    assert len(listed(db)) == 1


def test_what_holds_texts_is_private_and_what_is_published_is_not(tmp_path: Path) -> None:
    db = tmp_path / "x.duckdb"
    with warehouse(db) as con:
        add_report(con, "github:o/r#1")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        assert modes == {"x.duckdb": 0o600, "x.duckdb.wal": 0o600, "x.lock": 0o600}
        snapshot = publish(con, db, version="1").snapshot.path
    assert stat.S_IMODE(snapshot.stat().st_mode) == 0o644
    assert stat.S_IMODE(snapshot.with_suffix(".sha256").stat().st_mode) == 0o644
    assert stat.S_IMODE(snapshot.parent.stat().st_mode) == 0o755
