import hashlib
import json
import os
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.builders import add_report, warehouse
from tests.warehouse.test_incidents import settle
from warehouse.connect import WarehouseError, find_snapshot, open_snapshot, snapshot_folder
from warehouse.excerpts import mask
from warehouse.export import export_snapshot
from warehouse.publish import publish
from warehouse.query import query
from warehouse.schema.fields import FIELDS

ORDER = ["github:a", "record:c", "reddit:b"]
SECRET_TITLE = "Zebra-title of somebody"
TEXT = (
    "Then, without asking anybody at all, quokka it deleted the folder. "
    + "Filler words follow here. " * 20
    + "wombat end"
)
AT = TEXT.index("it deleted")
SPANS = json.dumps([{"rule": "act.deleted", "field": "text", "start": AT, "end": AT + len("it deleted")}])


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "x.duckdb"
    with warehouse(path) as con:
        add_report(con, "github:a", title=SECRET_TITLE, text=TEXT, spans=SPANS)
        add_report(con, "reddit:b", title=SECRET_TITLE, text=TEXT, spans=SPANS, publish_text="none")
        add_report(con, "record:c", title="Ours", text=TEXT, spans=SPANS, publish_text="full")
        settle(con, ORDER, {}, [])
        publish(con, path, version="test")
    return path


def test_a_snapshot_has_no_private_column_and_no_private_text(db: Path) -> None:
    with open_snapshot(db) as (con, snapshot):
        columns = {
            name
            for (name,) in con.execute(
                "SELECT DISTINCT column_name FROM duckdb_columns() WHERE NOT internal"
            ).fetchall()
        }
        excerpts = dict(con.execute("SELECT report_id, excerpt FROM evidence_spans").fetchall())
    assert not {field.name for field in FIELDS.values() if field.sensitivity == "private"} & columns
    content = snapshot.path.read_bytes()
    for secret in (b"Zebra-title", b"authorkey"):
        assert secret not in content
    assert set(excerpts) == {"github:a", "record:c"}
    assert "it deleted" in excerpts["github:a"]
    assert len(excerpts["github:a"]) < 200 < len(excerpts["record:c"])


def test_spans_point_into_their_excerpts(db: Path) -> None:
    with open_snapshot(db) as (con, _):
        rows = con.execute("SELECT excerpt, span_start, span_end FROM evidence_spans").fetchall()
    assert [excerpt[start:end] for excerpt, start, end in rows] == ["it deleted"] * 2


def test_nothing_new_publishes_nothing(db: Path) -> None:
    before = find_snapshot(db)
    with warehouse(db) as con:
        again = publish(con, db, version="test")
    assert (again.new, again.snapshot) == (False, before)
    with warehouse(db) as con:
        add_report(con, "github:new")
        settle(con, [*ORDER, "github:new"], {}, [])
        newer = publish(con, db, version="test")
    assert newer.new
    assert find_snapshot(db).id == newer.snapshot.id != before.id
    assert hashlib.sha256(newer.snapshot.path.read_bytes()).hexdigest() == newer.sha256
    assert (snapshot_folder(db) / f"{newer.snapshot.id}.sha256").read_text().split() == [
        newer.sha256,
        newer.snapshot.path.name,
    ]
    assert before.path.is_file()


def test_a_reader_keeps_what_it_opened(db: Path) -> None:
    with open_snapshot(db) as (con, _):
        with warehouse(db) as writing:
            add_report(writing, "github:new")
            settle(writing, [*ORDER, "github:new"], {}, [])
            publish(writing, db, version="test")
        assert con.execute("SELECT count(*) FROM reports").fetchall() == [(3,)]


def test_a_failed_check_publishes_nothing(db: Path) -> None:
    before = find_snapshot(db)
    with warehouse(db) as con:
        con.execute("INSERT INTO labels (report_id, label_status, is_strict) VALUES ('nobody', 'judged', false)")
        with pytest.raises(WarehouseError, match="labels__belong_to_a_report"):
            publish(con, db, version="test")
    assert find_snapshot(db) == before
    assert not list(snapshot_folder(db).glob(".building*"))


def test_a_publish_that_breaks_leaves_the_old_snapshot(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from warehouse import publish as module

    before = find_snapshot(db)

    def full(_path: Path) -> str:
        raise OSError(28, os.strerror(28))

    with warehouse(db) as con:
        add_report(con, "github:new")
        settle(con, [*ORDER, "github:new"], {}, [])
        monkeypatch.setattr(module, "checksum", full)
        with pytest.raises(OSError, match="No space left"):
            publish(con, db, version="test")
    assert find_snapshot(db) == before
    assert not list(snapshot_folder(db).glob(".building*"))


def test_a_missing_or_broken_snapshot_is_told_in_words(tmp_path: Path, db: Path) -> None:
    with pytest.raises(WarehouseError, match="no snapshot of"):
        find_snapshot(tmp_path / "other.duckdb")
    with pytest.raises(WarehouseError, match="there are: 2"):
        find_snapshot(db, "nonesuch")
    snapshot = find_snapshot(db)
    snapshot.path.chmod(0o644)
    snapshot.path.write_bytes(snapshot.path.read_bytes()[:1000])
    with pytest.raises(WarehouseError, match="cannot be opened"), open_snapshot(db):
        pass


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO reports (report_id) VALUES ('x')",
        "DROP TABLE reports",
        "ATTACH '/tmp/other.duckdb'",
        "COPY reports TO '/tmp/out.csv'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SELECT 1; SELECT 2",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "SELECT getenv('HOME')",
        "nonsense",
        "",
    ],
)
def test_a_query_can_only_read_the_snapshot(db: Path, sql: str) -> None:
    with pytest.raises(WarehouseError):
        query(db, sql)


def test_a_query_is_limited_in_rows_and_time(db: Path) -> None:
    answer = query(db, "SELECT * FROM range(100)", rows=10)
    assert (len(answer.rows), answer.cut) == (10, True)
    with pytest.raises(WarehouseError, match=r"stopped after 0\.2 s"):
        query(db, "SELECT count(*) FROM range(100000000) a, range(100000000) b", seconds=0.2)


def test_an_export_is_whole_and_inert(db: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(find_snapshot(db).path)) as con:
        con.execute("UPDATE reports SET url = '=cmd|calc' WHERE report_id = 'github:a'")
    folder = tmp_path / "out"
    written = export_snapshot(find_snapshot(db), folder)
    assert {path.name for path in written} >= {"incidents.csv", "incidents.parquet", "datapackage.json", "SHA256SUMS"}
    assert "'=cmd|calc" in (folder / "reports.csv").read_text()
    package = json.loads((folder / "datapackage.json").read_text())
    for resource in package["resources"]:
        header = (folder / resource["path"]).read_text().splitlines()[0]
        assert header.split(",") == [field["name"] for field in resource["schema"]["fields"]]
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_personal_details_are_covered_and_the_length_stays() -> None:
    text = "mail bob@example.org or @bob_b, in /home/bob/x and C:\\Users\\bob\\y, a@b"
    covered = mask(text)
    assert len(covered) == len(text)
    assert "bob" not in covered


def test_many_readers_of_one_process_open_one_snapshot(tmp_path: Path) -> None:
    """They share DuckDB's instance of the file: the first one's lock on the settings must not shut out the others."""
    from concurrent.futures import ThreadPoolExecutor

    db = tmp_path / "x.duckdb"
    with warehouse(db) as con:
        add_report(con, "github:o/r#1")
        publish(con, db, version="t")

    def read(_: int) -> tuple[object, ...] | None:
        with open_snapshot(db) as (con, _snapshot):
            zone = con.execute("SELECT current_setting('TimeZone'), count(*) FROM reports").fetchone()
            with pytest.raises(duckdb.Error):
                con.execute("SELECT * FROM read_csv('/etc/hostname')")
            with pytest.raises(duckdb.Error):
                con.execute("SET enable_external_access = true")
        return zone

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(read, range(40))) == {("UTC", 1)}
