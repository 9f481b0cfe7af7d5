from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.warehouse.builders import add_report, warehouse
from warehouse import incidents, labels, numbers, reports
from warehouse.retention import purge_past_term
from warehouse.rows import merge, transaction
from warehouse.schema.tables import TABLES

pytestmark = pytest.mark.usefixtures("place")

NOW = datetime(2026, 11, 20, tzinfo=UTC)
TERMS: dict[str, int | None] = {"github": 100, "record": None}


def held(con: duckdb.DuckDBPyConnection, report_id: str, read: datetime, *, kept: bool = True) -> None:
    """Store a raw item with its screening and, if the screen kept it, its report and label."""
    platform = report_id.split(":", 1)[0]
    common = {"report_id": report_id, "text_hash": f"h-{report_id}", "run_id": "run"}
    raw = {"source_id": "s", "given_id": report_id, "content_hash": "c", "mapper": "m", "found_at": "f:1"}
    merge(con, TABLES["raw_items"], [{**common, **raw, "payload": '{"text": "words"}', "fetched_at": read}])
    screening = {"screen": "s", "platform": platform, "kept": kept, "reasons": [], "screened_at": read}
    merge(con, TABLES["screenings"], [{**common, **screening}])
    if kept:
        add_report(con, report_id, title="told", text="words", at=read)


@pytest.fixture
def con(tmp_path: Path) -> Any:
    with warehouse(tmp_path / "x.duckdb") as opened:
        yield opened


def test_a_text_goes_after_its_platforms_term_and_its_label_stays(con: duckdb.DuckDBPyConnection) -> None:
    for report_id, days in (("github:o/r#1", 101), ("github:o/r#2", 99), ("record:1", 5000)):
        held(con, report_id, NOW - timedelta(days=days))
    judged = con.execute("SELECT count(*) FROM current_labels WHERE is_strict").fetchone()
    found = purge_past_term(con, TERMS, audit_days=None, now=NOW)
    assert {row["platform"]: row["texts"] for row in found.rows} == {"github": 1, "record": 0}
    left = con.execute("SELECT report_id FROM reports WHERE text <> '' ORDER BY 1").fetchall()
    assert left == [("github:o/r#2",), ("record:1",)]
    assert con.execute("SELECT count(*) FROM raw_items WHERE payload IS NOT NULL").fetchone() == (2,)
    assert con.execute("SELECT count(*) FROM raw_items").fetchone() == (3,)
    assert con.execute("SELECT count(*) FROM current_labels WHERE is_strict").fetchone() == judged
    assert purge_past_term(con, TERMS, audit_days=None, now=NOW).purged == 0


def test_a_text_that_is_gone_keeps_its_last_label_under_a_new_instrument(con: duckdb.DuckDBPyConnection) -> None:
    held(con, "github:o/r#1", NOW - timedelta(days=101))
    held(con, "github:o/r#2", NOW - timedelta(days=1))
    purge_past_term(con, TERMS, audit_days=None, now=NOW)
    row = {"instrument": "test-2", "registered_at": NOW, "screen": "s", "card": "{}"}
    labels.announce(con, row)
    # Only what can be read is judged again, and nothing is read into an empty text.
    assert [r["report_id"] for batch in labels.unlabelled(con, "test-2", 10) for r in batch] == ["github:o/r#2"]
    con.execute(
        "INSERT INTO labels SELECT * REPLACE ('test-2' AS instrument) FROM labels WHERE report_id = 'github:o/r#2'"
    )
    labels.take_over(con, "test-2", run_id="run")
    held_now = con.execute("SELECT report_id, instrument FROM current_labels ORDER BY 1").fetchall()
    assert held_now == [("github:o/r#1", "test-1"), ("github:o/r#2", "test-2")]
    assert next(iter(reports.unscreened(con, "s2", "m2")))[0]["given_id"] == "github:o/r#2"


def test_what_the_screen_dropped_is_kept_for_the_audit_only(con: duckdb.DuckDBPyConnection) -> None:
    held(con, "github:o/r#1", NOW - timedelta(days=50), kept=False)
    held(con, "github:o/r#2", NOW - timedelta(days=50))
    assert purge_past_term(con, TERMS, audit_days=60, now=NOW).purged == 0
    found = purge_past_term(con, TERMS, audit_days=40, now=NOW)
    assert (found.rows[0]["items"], found.rows[0]["texts"]) == (1, 0)
    assert con.execute("SELECT given_id FROM raw_items WHERE payload IS NULL").fetchall() == [("github:o/r#1",)]


def test_a_platform_without_a_term_of_its_own_has_the_shortest(con: duckdb.DuckDBPyConnection) -> None:
    held(con, "elsewhere:1", NOW - timedelta(days=101))
    assert purge_past_term(con, TERMS, audit_days=None, now=NOW).rows[0]["texts"] == 1


def test_a_purge_changes_no_incident(con: duckdb.DuckDBPyConnection) -> None:
    held(con, "github:o/r#1", NOW - timedelta(days=101))
    order = ["github:o/r#1"]
    with transaction(con):
        numbers.settle(con, order, {order[0]: order[0]}, [], "run")
        incidents.refresh(con)
    before = con.execute("SELECT * EXCLUDE (inputs_hash, summary_basis) FROM incidents").fetchall()
    purge_past_term(con, TERMS, audit_days=None, now=NOW)
    with transaction(con):
        incidents.refresh(con)
    assert con.execute("SELECT * EXCLUDE (inputs_hash, summary_basis) FROM incidents").fetchall() == before
