"""The bench writes what it measured, keeps what it did not, and its page holds no other figure."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.bench import PARTS, frame, page
from tests.bench.__main__ import apart


def _part(value: float, **row: Any) -> dict[str, Any]:
    rows = [frame.Row("told", value, "posts/s", 10, **row)]
    return frame.entry("A title", "What it is.", rows, posts="generated posts", spent=frame.Spent(1.0, 1.0))


@pytest.mark.parametrize("part", PARTS)
def test_every_part_says_what_it_measures(part: str) -> None:
    module = import_module(PARTS[part])
    assert module.TITLE
    assert module.ABOUT.endswith(".")
    assert callable(module.rows)


def test_a_part_runs_in_a_process_of_its_own_and_its_figures_can_be_read() -> None:
    found = apart("screen", small=True)
    assert found is not None
    rows = {row["name"]: row for row in found["rows"]}
    assert rows["screen"]["baseline"] == "parse lines"
    assert rows["screen"]["ratio"] == pytest.approx(rows["screen"]["value"] / rows["parse lines"]["value"], rel=0.01)
    assert rows["screen"]["cpu"] > 0
    assert found["machine"]["cores"] >= 1
    assert "duckdb" in found["machine"]["versions"]


def test_a_lake_is_made_and_its_past_is_counted() -> None:
    found = apart("lake", small=True)
    assert found is not None
    rows = {row["name"]: row for row in found["rows"]}
    later = rows["strict incidents a month, as published, 4,000 held"]
    assert later["baseline"] == "strict incidents a month, as published, 2,000 held"
    assert later["ratio"] > 0
    assert rows["making a month, 4,000 held"]["n"] == 2000


def test_a_part_that_does_not_end_is_ended_and_told(capfd: pytest.CaptureFixture[str]) -> None:
    assert apart("screen", small=True, longest=0.2) is None
    assert "took longer" in capfd.readouterr().err


def test_keeping_a_part_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "results.json"
    frame.keep({"screen": _part(1.0), "link": _part(2.0)}, path)
    frame.keep({"link": _part(3.0)}, path)
    found = json.loads(path.read_text())
    assert {name: part["rows"][0]["value"] for name, part in found.items()} == {"screen": 1.0, "link": 3.0}


def test_the_page_tells_every_row_with_its_ratio_and_what_is_missing() -> None:
    told = page.text({"screen": _part(1234.5, baseline="another", ratio=2.5)})
    assert "| told | 1,234 posts/s | 10 |  |  | 2.5 | another |" in told
    assert "Not measured: cascade" in told


def test_the_shipped_page_is_what_the_shipped_file_says() -> None:
    assert page.PAGE.read_text("utf-8") == page.text(frame.read()), "python -m tests.bench --page"
