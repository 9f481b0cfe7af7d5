"""What is to be screened is found in a file and in a lake alike, also when a lake does not look at what it has seen."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from flows import collect, steps
from tests.flows.test_collect import post, write
from warehouse.connect import open_working
from warehouse.layout import next_row
from warehouse.reports import store_screened
from warehouse.rows import merge, scalar
from warehouse.schema.tables import TABLES

pytestmark = pytest.mark.usefixtures("place")
KEY = b"k"
TOLD = {"title": "Claude Code deleted my folder without asking", "text": "It ran rm -rf on its own. " * 3}


def add(con: duckdb.DuckDBPyConnection, folder: Path, name: str, *items: dict[str, object]) -> None:
    collect.import_file(con, write(folder / name, *items), coverage=None, key=KEY, run_id="r")


def screenings(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    return con.execute("SELECT report_id, text_hash, screen FROM screenings ORDER BY ALL").fetchall()


def test_each_text_is_screened_once_whenever_and_however_often_it_comes(tmp_path: Path) -> None:
    with open_working(tmp_path / "x.duckdb") as con:
        collect.load_platforms(con)
        add(con, tmp_path, "a.jsonl", post(1, **TOLD), post(2, **TOLD, created_at="2024-01-05"))
        assert steps.screen_pending(con, key=KEY, run_id="r") == 2
        assert steps.screen_pending(con, key=KEY, run_id="r") == 0
        first = screenings(con)
        # The same posts under other ids, one with more text, and one that is older than both.
        add(
            con,
            tmp_path,
            "b.jsonl",
            post(1, **TOLD, id="again:1"),
            post(2, **TOLD, id="again:2", created_at="2024-01-05") | {"text": TOLD["text"] * 2},
            post(3, **TOLD, created_at="2021-07-01"),
        )
        assert steps.screen_pending(con, key=KEY, run_id="r") == 2
        held = screenings(con)
        assert len(held) == len(set(held)) == len(first) + 2
        assert scalar(con, "SELECT length(text) FROM reports WHERE report_id = 'github:o/r#2'") > len(TOLD["text"])
        assert steps.screen_pending(con, key=KEY, run_id="r") == 0


def test_what_came_while_a_pass_ran_is_found_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_working(tmp_path / "x.duckdb") as con:
        collect.load_platforms(con)
        add(con, tmp_path, "a.jsonl", post(1, **TOLD))
        screened = steps._screen

        def meanwhile(*given: object) -> int:
            kept = screened(*given)  # type: ignore[arg-type]
            add(con, tmp_path, "b.jsonl", post(4, **TOLD))
            return kept

        with monkeypatch.context() as busy:
            busy.setattr(steps, "_screen", meanwhile)
            assert steps.screen_pending(con, key=KEY, run_id="r") == 1
        assert steps.screen_pending(con, key=KEY, run_id="r") == 1
        assert len(screenings(con)) == 2


def test_a_pass_over_a_lake_looks_at_new_rows_only(tmp_path: Path, place: str) -> None:
    with open_working(tmp_path / "x.duckdb") as con:
        collect.load_platforms(con)
        add(con, tmp_path, "a.jsonl", post(1, **TOLD))
        steps.screen_pending(con, key=KEY, run_id="r")
        con.execute("DELETE FROM screenings")
        assert steps.screen_pending(con, key=KEY, run_id="r") == (1 if place == "file" else 0)
        assert (next_row(con, "raw_items") is None) == (place == "file")


def test_a_report_held_under_another_time_is_the_same_report(tmp_path: Path) -> None:
    at = datetime(2024, 1, 5, tzinfo=UTC)
    row = {"report_id": "github:o/r#9", "title": "t", "text": "short", "text_hash": "a", "created_at": None}
    with open_working(tmp_path / "x.duckdb") as con:
        merge(con, TABLES["reports"], [row])
        for number, (when, text) in enumerate(
            [(at, "a longer text"), (at + timedelta(days=400), "the longest text of all")]
        ):
            fuller = {**row, "created_at": when, "text": text, "text_hash": f"b{number}"}
            other = {**fuller, "report_id": f"github:o/r#1{number}"}
            changed = store_screened(con, [], [fuller, other])
            assert (changed.inserted, changed.updated) == (1, 1)
        assert con.execute("SELECT text, created_at FROM reports WHERE report_id = 'github:o/r#9'").fetchall() == [
            ("the longest text of all", at + timedelta(days=400))
        ]
