from pathlib import Path

import duckdb
import pytest

from tests.warehouse.builders import warehouse
from warehouse import ddl, references
from warehouse.references import load_references, study_first_last
from warehouse.rows import fetch
from warehouse.schema import codes
from warehouse.schema.tables import TABLES


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect()
    ddl.create_all(opened, [TABLES[name] for name in ("reference_counts", "reference_rates", "events")])
    return opened


def test_loading_twice_changes_nothing(tmp_path: Path) -> None:
    with warehouse(tmp_path / "x.duckdb") as opened:
        assert load_references(opened) > 40
        before = fetch(opened, "SELECT * FROM reference_rates ORDER BY ALL")
        assert load_references(opened) == 0
        assert fetch(opened, "SELECT * FROM reference_rates ORDER BY ALL") == before


def test_changed_and_foreign_rows_are_put_right(con: duckdb.DuckDBPyConnection) -> None:
    load_references(con)
    held = fetch(con, "SELECT * FROM reference_counts ORDER BY ALL")
    con.execute("UPDATE reference_counts SET value = 66 WHERE what = 'incidents in the first month'")
    con.execute("INSERT INTO reference_counts (series, what, value) VALUES ('gone', 'gone', 1)")
    assert load_references(con) == 2
    assert fetch(con, "SELECT * FROM reference_counts ORDER BY ALL") == held


def test_columns_are_mapped_and_what_was_not_published_stays_empty(con: duckdb.DuckDBPyConnection) -> None:
    load_references(con)
    assert con.execute("SELECT DISTINCT value_unit FROM reference_counts WHERE value = 319").fetchall() == [
        ("incidents",)
    ]
    rows = con.execute(
        "SELECT rate, tested_behaviour FROM reference_rates WHERE model = 'Gemini 3 Flash' AND condition = 'bad_peer' "
        "AND statistic = 'reported'"
    ).fetchall()
    assert rows == [(0.15, "shutdown_tampering")]
    empty = con.execute("SELECT count(*) FROM reference_rates WHERE statistic = 'not found' AND rate IS NOT NULL")
    assert empty.fetchone() == (0,)
    bounds = "SELECT period_start, period_end FROM reference_counts WHERE what = 'incidents in the last month'"
    assert con.execute(bounds).fetchall() == [(None, None)]


def test_the_studys_first_and_last_month_with_their_citation(con: duckdb.DuckDBPyConnection) -> None:
    load_references(con)
    first, last, citation = study_first_last(con)
    assert (first, last) == (65, 319)
    assert study_first_last() == (first, last, citation)
    for part in ("https://arxiv.org/abs/2604.09104", "not published", "equal length is assumed", "never added"):
        assert part in citation


def test_a_source_without_the_figures_is_named(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="incidents in the first month"):
        study_first_last(con)
    file = tmp_path / "counts.csv"
    file.write_text("series,what,period_start,period_end,value,unit,confidence,source_url,note\n", "utf-8")
    with pytest.raises(LookupError, match="incidents in the last month"):
        study_first_last(file)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("series,what\na,b\n", "expected series, what, period_start"),
        (
            "series,what,period_start,period_end,value,unit,confidence,source_url,note\na,b,,,many,x,p,u,\n",
            "counts.csv:2: 'many' is not a number",
        ),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "counts.csv"
    file.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=told):
        study_first_last(file)


def test_a_key_that_stands_twice_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = "series,what,period_start,period_end,value,unit,confidence,source_url,note\n"
    (tmp_path / "twice.csv").write_text(header + "a,b,,,1,x,p,u,\na,b,,,2,x,p,u,\n", "utf-8")
    monkeypatch.setattr(references, "_FILES", {"reference_counts": "twice.csv"})
    monkeypatch.setattr(references, "_shipped", lambda name: tmp_path / name)
    with pytest.raises(ValueError, match="key stands twice"):
        load_references(con)


def test_the_lab_table_keeps_conditions_and_leaves_empty_what_was_not_found(con: duckdb.DuckDBPyConnection) -> None:
    load_references(con)
    every, found = references.lab_table(con), references.lab_table(con, found_only=True)
    assert len(every) > len(found) > 5
    assert all(row.rate is not None and row.condition and row.source_url for row in found)
    assert any(row.rate is None for row in every)
    assert "Not comparable as rates" in references.LAB_NOTE


def test_events_are_dated_cited_and_no_counts(con: duckdb.DuckDBPyConnection) -> None:
    load_references(con)
    rows = fetch(con, "SELECT * FROM events ORDER BY event_date")
    assert len(rows) >= 10
    assert all(row["source_url"].startswith("https://") for row in rows)
    assert {row["event_kind"] for row in rows} <= set(codes.EVENT_KIND)
