import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows import collect
from flows.collect import Collected, Coverage
from flows.errors import InputError
from flows.sources import jsonl
from tests.flows.killing import import_killed
from warehouse import raw
from warehouse.connect import WarehouseError, open_working


def post(n: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"t:{n}",
        "source": "github_issue:o/r",
        "url": f"https://github.com/o/r/issues/{n}",
        "created_at": "2026-03-01",
        "title": f"Title {n}",
        "text": "",
        **changes,
    }


def write(path: Path, *items: Any) -> Path:
    path.write_text("".join((item if isinstance(item, str) else json.dumps(item)) + "\n" for item in items))
    return path


def load(con: duckdb.DuckDBPyConnection, path: Path, coverage: Coverage | None = None) -> Collected:
    return collect.import_file(con, path, coverage=coverage, key=b"k", run_id="r")


def test_what_cannot_be_used_is_set_aside_by_file_and_line(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", post(1), "{", post(2, created_at="soon"), post(3, title=7), post(4))
    with open_working(tmp_path / "x.duckdb") as con:
        assert load(con, path) == Collected(2, 3)
        rows = con.execute("SELECT file, line, reject_reason, head FROM rejects ORDER BY line").fetchall()
    assert [row[:3] for row in rows] == [
        ("x.jsonl", 2, "not_json"),
        ("x.jsonl", 3, "invalid_date"),
        ("x.jsonl", 4, "wrong_type"),
    ]
    assert json.loads(rows[1][3]) == post(2, created_at="soon")


def test_reading_again_changes_no_row(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", post(1), "{", post(2))
    tables = ("raw_items", "rejects", "cursors", "coverage")
    with open_working(tmp_path / "x.duckdb") as con:
        load(con, path)
        before = {name: con.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in tables}
        assert load(con, path) == Collected(0, 1)
        # The same content under another name is the same file.
        path.rename(tmp_path / "y.jsonl")
        assert load(con, tmp_path / "y.jsonl").new == 0
        assert {name: con.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in tables} == before


def test_one_issue_under_two_ids_is_counted_as_a_duplicate(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", post(1), post(1, id="other:1", text="the whole text"))
    with open_working(tmp_path / "x.duckdb") as con:
        load(con, path)
        assert raw.counts(con) == {"items": 2, "ids": 2, "posts": 1, "duplicates": 1, "rejected": 0}


def test_coverage_is_unknown_unless_stated_and_what_was_stated_stands(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", post(1))
    sql = "SELECT coverage, from_at::DATE::VARCHAR, to_at::DATE::VARCHAR, posts FROM coverage"
    with open_working(tmp_path / "x.duckdb") as con:
        load(con, path)
        assert con.execute(sql).fetchall() == [("unknown", None, None, 1)]
        load(con, path, Coverage.parse("2026-03-01..2026-03-31"))
        assert con.execute(sql).fetchall() == [("read", "2026-03-01", "2026-04-01", 1)]
        load(con, path)
        assert con.execute(sql).fetchall() == [("read", "2026-03-01", "2026-04-01", 1)]


@pytest.mark.parametrize("text", ["2026", "2026-03-01", "2026-03-02..2026-03-01", "2026-03..2026-04", "a..b", ""])
def test_a_coverage_that_says_nothing_clear_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--coverage"):
        Coverage.parse(text)


def test_a_missing_file_is_named_and_can_be_read_once_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "late.jsonl"
    with open_working(tmp_path / "x.duckdb") as con:
        assert load(con, path) == Collected(0, 1)
        assert con.execute("SELECT file, line, reject_reason FROM rejects").fetchall() == [
            ("late.jsonl", 0, "unreadable")
        ]
        write(path, post(1))
        assert load(con, path).new == 1


def test_a_broken_page_stores_neither_its_rows_nor_its_cursor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "PAGE_LINES", 10)
    path = write(tmp_path / "x.jsonl", *(post(n) for n in range(25)))
    stored = 0
    whole = raw.store_page

    def third_breaks(*args: Any, **named: Any) -> Any:
        nonlocal stored
        stored += 1
        changed = whole(*args, **named)
        if stored == 3:
            raise OSError(28, "No space left on device")
        return changed

    monkeypatch.setattr(raw, "store_page", third_breaks)
    with pytest.raises(WarehouseError, match="no room left"), open_working(tmp_path / "x.duckdb") as con:
        load(con, path)
    with open_working(tmp_path / "x.duckdb") as con:
        assert con.execute("SELECT count(*) FROM raw_items").fetchall() == [(20,)]
        assert con.execute("SELECT position FROM cursors").fetchall() == [("21",)]
        assert load(con, path).new == 5


@pytest.mark.parametrize("page", [1, 4])
def test_killed_inside_a_page_nothing_is_lost_and_nothing_is_there_twice(tmp_path: Path, page: int) -> None:
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(post(n)) + "\n" for n in range(1050)).encode()))
    db = tmp_path / "x.duckdb"
    assert import_killed(db, path, page, "jsonl.PAGE_LINES = 100") == -9
    with open_working(db) as con:
        assert con.execute("SELECT count(*) FROM raw_items").fetchone() == (100 * (page - 1),)
        assert load(con, path).new == 1050 - 100 * (page - 1)
        assert con.execute("SELECT count(*), count(DISTINCT given_id) FROM raw_items").fetchone() == (1050, 1050)


def test_the_sample_is_curated_and_its_labels_are_not_read(tmp_path: Path) -> None:
    with open_working(tmp_path / "x.duckdb") as con:
        assert collect.load_sample(con, key=b"k", run_id="r") == Collected(180, 0)
        assert collect.load_sample(con, key=b"k", run_id="r") == Collected(0, 0)
        assert con.execute("SELECT DISTINCT coverage FROM coverage").fetchall() == [("curated",)]
        (payload,) = con.execute("SELECT payload FROM raw_items LIMIT 1").fetchone() or ("",)
        assert not {"kind", "behaviours", "score"} & set(json.loads(payload))
