import errno
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.builders import add_report, warehouse
from warehouse import backup
from warehouse.backup import back_up, last_good, listed, problem_of, restore
from warehouse.connect import WarehouseError, find_snapshot, open_working
from warehouse.publish import publish


@pytest.fixture
def db(tmp_path: Path) -> Path:
    with warehouse(tmp_path / "x.duckdb") as con:
        for number in range(20):
            add_report(con, f"github:o/r#{number}", text="words " * 200)
    return tmp_path / "x.duckdb"


def reports(db: Path) -> int:
    with duckdb.connect(str(db), read_only=True) as con:
        return int((con.execute("SELECT count(*) FROM reports").fetchone() or (0,))[0])


def ruin(path: Path) -> None:
    """Overwrite a file's head, as a bad disk would."""
    with path.open("r+b") as file:
        file.write(os.urandom(12_288))


def test_a_backup_is_verified_private_and_rotated(db: Path) -> None:
    made = [back_up(db, keep=3) for _ in range(5)]
    assert [copy.path for copy in listed(db)] == [copy.path for copy in reversed(made[2:])]
    assert all(problem_of(copy) == "" for copy in listed(db))
    assert made[-1].tables["reports"] == 20
    assert stat.S_IMODE(made[-1].path.stat().st_mode) == 0o600
    left = {path.suffix for path in backup.backup_folder(db).iterdir()}
    assert left == {".duckdb", ".json"}


def test_what_was_lost_comes_back_and_what_stood_there_is_kept(db: Path) -> None:
    back_up(db)
    with open_working(db) as con:
        con.execute("DELETE FROM reports WHERE report_id LIKE '%1%'")
    made, aside = restore(db)
    assert (reports(db), made.tables["reports"]) == (20, 20)
    assert aside is not None
    assert reports(aside) < 20


def test_a_ruined_working_file_offers_the_last_good_backup(db: Path) -> None:
    good = back_up(db)
    ruin(back_up(db).path)
    assert last_good(db) == good
    ruin(db)
    with (
        pytest.raises(WarehouseError, match=rf"damaged.*last good backup is {good.path.stem}.*offscript restore"),
        open_working(db),
    ):
        pass
    made, _ = restore(db)
    assert made == good
    assert reports(db) == 20


def test_a_bad_backup_is_never_put_back(db: Path) -> None:
    made = back_up(db)
    data = bytearray(made.path.read_bytes())
    data[-1] ^= 1
    made.path.write_bytes(data)
    assert "checksum" in problem_of(made)
    before = db.read_bytes()
    with pytest.raises(WarehouseError, match="no good backup"):
        restore(db)
    with pytest.raises(WarehouseError, match="checksum differs"):
        restore(db, name=made.path.stem)
    assert db.read_bytes() == before


def test_a_backup_cut_off_half_way_is_none(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:5000])

    with monkeypatch.context() as patched:
        patched.setattr("warehouse.backup.shutil.copyfile", cut)
        with pytest.raises(WarehouseError, match="not good"):
            back_up(db)
    assert listed(db) == []
    assert list(backup.backup_folder(db).iterdir()) == []


def test_nothing_is_copied_or_put_back_while_somebody_writes(db: Path) -> None:
    back_up(db)
    with open_working(db):
        for act in (back_up, restore):
            with pytest.raises(WarehouseError, match=f"being written by process {os.getpid()}"):
                act(db)
    assert reports(db) == 20


def test_a_second_writer_may_wait_its_turn(db: Path) -> None:
    script = "import sys; from pathlib import Path; from warehouse.connect import open_working\nwith open_working(Path(sys.argv[1]), wait=60) as con: print('in', flush=True)"
    with open_working(db):
        other = subprocess.Popen([sys.executable, "-c", script, str(db)], stdout=subprocess.PIPE, text=True)
    assert other.communicate(timeout=60)[0] == "in\n"
    assert other.returncode == 0


FULL = """
import resource, sys
from pathlib import Path
from tests.warehouse.builders import add_report
from warehouse.connect import WarehouseError, find_snapshot, open_working
from warehouse.publish import publish
from warehouse.rows import transaction
db = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
stored = 0
try:
    with open_working(db) as con:
        for number in range(1000, 5000):
            with transaction(con):
                add_report(con, f"github:o/r#{number}", text="".join(chr(97 + number * k * 7 % 26) for k in range(4000)))
            stored += 1
except WarehouseError as error:
    print(stored, error)
"""


def test_a_full_disk_loses_nothing_that_was_stored(db: Path) -> None:
    limit = db.stat().st_size + 400_000
    told = subprocess.run(
        [sys.executable, "-c", FULL, str(db), str(limit)], capture_output=True, text=True, check=True
    ).stdout
    stored, _, message = told.partition(" ")
    assert "no room left" in message, told
    assert int(stored) > 0
    assert reports_after_opening(db) == 20 + int(stored)


def test_a_full_disk_leaves_no_half_backup(db: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (db.stat().st_size // 2, hard))
    try:
        with pytest.raises(WarehouseError, match="no room left"):
            back_up(db)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert listed(db) == []
    assert back_up(db).tables["reports"] == 20


def test_a_full_disk_is_not_taken_for_a_damaged_file(db: Path) -> None:
    """The checkpoint before a copy writes too; whoever restored then would lose what is newer than the backup."""
    script = (
        "import resource, sys; from pathlib import Path; from warehouse.backup import back_up\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n    back_up(Path(sys.argv[1]))\nexcept Exception as error:\n    print(error)"
    )
    back_up(db)
    wal = "import os, sys, duckdb\ncon = duckdb.connect(sys.argv[1])\ncon.execute('SET wal_autocheckpoint = \"1GB\"')\ncon.execute('CREATE TABLE more AS SELECT range AS n FROM range(100000)')\nos._exit(0)"
    subprocess.run([sys.executable, "-c", wal, str(db)], check=True)
    told = subprocess.run([sys.executable, "-c", script, str(db)], capture_output=True, text=True, check=False).stdout
    assert "no room left" in told, told
    assert "restore" not in told
    assert reports_after_opening(db) == 20


def reports_after_opening(db: Path) -> int:
    with open_working(db):
        pass
    return reports(db)


@pytest.mark.parametrize(
    ("number", "told"),
    [(errno.EROFS, "read-only disk"), (errno.EACCES, "may not be written"), (errno.ENOSPC, "no room left")],
)
def test_a_disk_that_takes_no_writes_is_named(
    db: Path, monkeypatch: pytest.MonkeyPatch, number: int, told: str
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr("warehouse.connect.os.open", refuse)
        with pytest.raises(WarehouseError, match=told), open_working(db):
            pass
    assert reports(db) == 20


def test_a_disk_that_fills_while_publishing_is_named_and_the_old_snapshot_stands(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_working(db) as con:
        before = publish(con, db, version="t").snapshot

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("warehouse.publish._write_whole", full)
        with pytest.raises(WarehouseError, match="no room left"), open_working(db) as con:
            add_report(con, "github:o/r#new")
            publish(con, db, version="t")
    assert find_snapshot(db) == before
    assert reports(db) == 21
    with open_working(db) as con:
        assert publish(con, db, version="t").new


def test_a_file_that_is_no_warehouse_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    path.write_text("something else")
    with pytest.raises(WarehouseError, match=r"no warehouse.*no good backup"), open_working(path):
        pass
    assert path.read_text() == "something else"
