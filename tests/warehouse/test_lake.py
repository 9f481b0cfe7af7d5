"""The warehouse on DuckLake: several writers, versions, deletions that reach the files, and the way there and back."""

import multiprocessing
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.lakes import shared_lake
from tests.postgres import postgres, programs
from tests.warehouse.builders import add_report, warehouse
from warehouse import labels, raw
from warehouse.backup import back_up, listed, restore
from warehouse.connect import WarehouseError, lake_at, open_lake, open_snapshot, open_working, pinned
from warehouse.lake import DATA, NAME, SETTING, current_version, lake_of, turn, without_password
from warehouse.lake_figures import SCHEMA
from warehouse.layout import month_counts
from warehouse.publish import fingerprint, publish
from warehouse.rows import fetch, scalar, transaction
from warehouse.upkeep import change_for_good, compact

AT = datetime(2026, 3, 1, tzinfo=UTC)
WRITERS, PAGES, ITEMS = 4, 5, 20
SECRET = "zz-words-that-somebody-took-back"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings of a lake in a PostgreSQL that runs as long as this module's tests."""
    with postgres("lake") as socket:
        yield shared_lake(socket, tmp_path_factory.mktemp("shared"))


@pytest.fixture
def db(settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "x.duckdb"


def page(writer: int, number: int) -> list[dict[str, object]]:
    """Return a page; its first half is also every other writer's, its second half is this writer's own."""
    names = [f"{number}-{item}" if item < ITEMS // 2 else f"{number}-{item}-by-{writer}" for item in range(ITEMS)]
    return [
        {
            "source_id": "s",
            "given_id": name,
            "content_hash": "h",
            "report_id": f"github:{name}",
            "payload": "{}",
            "created_at": AT + number * timedelta(hours=1),
        }
        for name in names
    ]


def write(writer: int, db: Path, settings: dict[str, str]) -> None:
    """Store pages with their cursors, and draw a number for each, as one of several processes."""
    os.environ.update(settings)
    with open_working(db) as con:
        for number in range(PAGES):
            cursor = {"source_id": "s", "stream": f"of {writer}", "position": str(number)}
            with transaction(con):
                raw.store_page(con, items=page(writer, number), rejects=(), cursor=cursor)
                con.execute("UPDATE counters SET next_value = next_value + 1 WHERE name = 'incident'")


def test_writers_at_once_lose_nothing_and_store_nothing_twice(db: Path, settings: dict[str, str]) -> None:
    with open_working(db) as con:
        con.execute("INSERT INTO counters VALUES ('incident', 1)")
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write, args=(writer, db, settings)) for writer in range(WRITERS)]
    for process in writers:
        process.start()
    for process in writers:
        process.join()
    assert [process.exitcode for process in writers] == [0] * WRITERS
    with open_working(db) as con:
        held = con.execute("SELECT count(*), count(DISTINCT given_id) FROM raw_items").fetchone()
        wanted = PAGES * (ITEMS // 2) * (1 + WRITERS)
        assert held == (wanted, wanted)
        drawn = scalar(con, "SELECT next_value FROM counters WHERE name = 'incident'")
        assert drawn == 1 + WRITERS * PAGES
        cursors = con.execute("SELECT stream, position FROM cursors ORDER BY 1").fetchall()
        assert cursors == [(f"of {writer}", str(PAGES - 1)) for writer in range(WRITERS)]
        files = f"SELECT count(*) FROM ducklake_list_files('{NAME}', 'raw_items')"
        before = scalar(con, files)
        compact(con)
        assert scalar(con, files) == 1 < before
        assert con.execute("SELECT count(*) FROM raw_items").fetchone() == (wanted,)


def test_a_snapshot_is_of_one_version_which_can_be_read_again(db: Path) -> None:
    with warehouse(db) as con:
        add_report(con, "github:o/r#1", title="told", text="words")
        published = publish(con, db, version="t")
        with pinned(con, db) as held:
            add_report(con, "github:o/r#2", title="told", text="words")
            assert scalar(held, "SELECT count(*) FROM reports") == 1
        assert scalar(con, "SELECT count(*) FROM reports") == 2
    with open_snapshot(db, published.snapshot.id) as (snapshot, _):
        info = fetch(snapshot, "SELECT lake_version, fingerprint FROM snapshot_info")[0]
    lake = lake_at(db)
    assert lake is not None
    with open_lake(lake, version=info["lake_version"]) as then:
        assert current_version(then) == info["lake_version"]
        assert fingerprint(then, "t") == info["fingerprint"]
        with pytest.raises(duckdb.Error):
            then.execute("DELETE FROM reports")


def everything(con: duckdb.DuckDBPyConnection, settings: dict[str, str]) -> tuple[str, str]:
    """Return all that a lake's Parquet files say, and all that its catalogue says."""
    files = [str(path) for path in Path(settings[DATA]).rglob("*.parquet")]
    rows = "".join(str(con.execute("FROM read_parquet(?)", [[name]]).fetchall()) for name in files)
    dump = programs()
    assert dump is not None
    reached = settings[SETTING].removeprefix("ducklake:postgres:")
    told = subprocess.run([str(dump / "pg_dump"), "--inserts", "-d", reached], check=True, capture_output=True)
    return rows, told.stdout.decode()


def test_what_is_deleted_is_in_no_file_and_not_in_the_catalogue(db: Path, settings: dict[str, str]) -> None:
    with warehouse(db) as con:
        add_report(con, "github:o/r#3", title=SECRET, text=SECRET)
        rows, catalogue = everything(con, settings)
        assert SECRET in rows
        # DuckLake keeps the largest text of a file, and of a table, in its catalogue.
        assert SECRET in catalogue
    change_for_good(
        db, lambda con: con.execute("UPDATE reports SET title = '', text = '' WHERE report_id = 'github:o/r#3'")
    )
    with open_working(db) as con:
        rows, catalogue = everything(con, settings)
        assert SECRET not in rows
        assert SECRET not in catalogue
        assert scalar(con, "SELECT count(*) FROM reports WHERE report_id = 'github:o/r#3'") == 1
        assert scalar(con, f"SELECT count(*) FROM ducklake_snapshots('{NAME}')") == 1


def test_processes_share_what_is_to_be_judged(db: Path) -> None:
    with open_working(db) as one, open_working(db) as other:
        mine = labels.shares(one)
        first = next(mine)
        assert first is not None
        theirs = labels.shares(other)
        held = [next(theirs) for _ in range(labels.SHARES - 1)]
        assert first not in held
        # What the other one holds comes last, when it is free; in the end each has been at every share.
        theirs.close()
        assert {first, *mine} == set(range(labels.SHARES))


def test_a_turn_is_one_processs_at_a_time(db: Path) -> None:
    with open_working(db) as one, open_working(db) as other:
        with turn(one, "link") as mine, turn(other, "link", wait=False) as theirs, turn(other, "screen") as else_:
            assert (mine, theirs, else_) == (True, False, True)
        with turn(other, "link", wait=False) as theirs:
            assert theirs


def test_a_file_becomes_a_lake_and_a_lake_a_file(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as file:
        file.delenv(SETTING)
        with warehouse(db) as con:
            add_report(con, "github:o/r#7", title="told", text="words")
            publish(con, db, version="t")
        made = back_up(db)
    restore(db)
    with open_working(db) as con:
        # All that a snapshot would hold is the same.
        assert not publish(con, db, version="t").new
        assert con.execute("SELECT report_id, text FROM reports").fetchall() == [("github:o/r#7", "words")]
    copied = back_up(db)
    assert copied.tables == made.tables
    assert len(listed(db)) == 2


@pytest.mark.parametrize(
    ("setting", "catalogue", "shared"),
    [
        ("ducklake", "/w/x.ducklake", False),
        ("ducklake:/l/y.ducklake", "/l/y.ducklake", False),
        ("ducklake:postgres:dbname=l", "postgres:dbname=l", True),
    ],
)
def test_a_setting_names_a_lake(setting: str, catalogue: str, shared: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, setting)
    monkeypatch.setenv(DATA, "/p")
    lake = lake_of(Path("/w/x.duckdb"))
    assert lake is not None
    assert (lake.catalogue, lake.shared, lake.data) == (catalogue, shared, "/p")


def test_a_setting_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "mysql://me:hidden@host/db")
    with pytest.raises(WarehouseError, match=SETTING) as told:
        lake_at(Path("/w/x.duckdb"))
    assert "hidden" not in str(told.value)
    monkeypatch.setenv(SETTING, "ducklake:postgres:dbname=l")
    with pytest.raises(WarehouseError, match=DATA):
        lake_at(Path("/w/x.duckdb"))


def test_no_password_is_told() -> None:
    told = without_password("postgres:host=h password=hidden user=u, password = 'hid den' postgresql://u:hidden@h/d")
    assert "hid" not in told
    assert "user=u" in told


def test_files_lie_by_month_and_the_catalogue_counts_what_they_hold(db: Path) -> None:
    with warehouse(db) as con:
        con.execute("DELETE FROM raw_items")
        items = [{**item, "created_at": AT + number * timedelta(days=20)} for number, item in enumerate(page(9, 0))]
        with transaction(con):
            raw.store_page(con, items=items, rejects=(), cursor={"source_id": "s", "stream": "m", "position": "1"})
        con.execute("DELETE FROM raw_items WHERE given_id = ?", [items[0]["given_id"]])
        counted = con.execute(
            "SELECT year(created_at), month(created_at), count(*) FROM raw_items GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        assert len(counted) > 12
        assert month_counts(con, "raw_items") == counted
        files = con.execute(f"SELECT count(*) FROM ducklake_list_files('{NAME}', 'raw_items')").fetchone()
        assert files == (len(counted),)


def test_the_figures_of_a_snapshot_lie_in_the_lake_too(db: Path) -> None:
    with warehouse(db) as con:
        con.execute("DELETE FROM reports")
        con.execute("DELETE FROM labels")
        for number in (1, 2):
            add_report(con, f"github:o/r#2{number}", title="told", text="words")
            publish(con, db, version="t")
            held = f"FROM {SCHEMA}.daily_counts WHERE counted = 'reports' AND split_by = 'all'"
            assert scalar(con, f"SELECT sum(n) {held}") == number
        assert con.execute(f"FROM {SCHEMA}.daily_counts ORDER BY ALL").fetchall() == (
            con.execute("SELECT * FROM daily_counts ORDER BY ALL").fetchall()
        )
        assert scalar(con, f"SELECT count(*) FROM {SCHEMA}.snapshot_info") == 1
