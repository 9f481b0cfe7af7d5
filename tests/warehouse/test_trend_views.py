import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.warehouse.builders import INSTRUMENT, NOW
from tests.warehouse.trend_builders import add, at, con, cover, decide, join, measured
from warehouse import ddl
from warehouse.publish import publish
from warehouse.rows import fetch, merge
from warehouse.schema.tables import TABLES
from warehouse.trends.series import monthly

__all__ = ["con"]
pytestmark = pytest.mark.usefixtures("place")
VIEWS = [name[3:].removesuffix(".sql") for name, _ in ddl.trend_views()]
BOTH = ["alignment_faking", "shutdown_tampering"]


def states(con: duckdb.DuckDBPyConnection, platform: str) -> dict[str, str]:
    rows = con.execute(
        "SELECT month, state FROM coverage_months WHERE source = ? ORDER BY month", [platform]
    ).fetchall()
    return {f"{month:%Y-%m}": state for month, state in rows}


def facts(con: duckdb.DuckDBPyConnection, setting: str = "normal") -> Mapping[str, dict[str, Any]]:
    return {row["group_key"]: row for row in fetch(con, "SELECT * FROM group_facts WHERE merge = ?", [setting])}


# labels


def test_only_the_present_text_by_the_newest_instrument_that_read_it_counts(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "github:1", "2026-01-05")
    add(con, "github:2", "2026-01-05")
    con.execute("UPDATE labels SET text_hash = 'an older text' WHERE report_id = 'github:2'")
    current = "SELECT report_id, is_strict, instrument FROM current_labels"
    assert con.execute(current).fetchall() == [("github:1", True, INSTRUMENT)]
    merge(con, TABLES["instruments"], [{"instrument": "test-2", "ordinal": 2, "registered_at": NOW}])
    # A text that the new one can no longer read keeps the older label, under the older one's name.
    assert con.execute(current).fetchall() == [("github:1", True, INSTRUMENT)]
    merge(con, TABLES["instruments"], [{"instrument": "judge-1", "registered_at": NOW}])
    row = {"report_id": "github:1", "text_hash": "h", "instrument": "test-2", "label_status": "judged"}
    merge(con, TABLES["labels"], [{**row, "is_strict": False}])
    assert con.execute(current).fetchall() == [("github:1", False, "test-2")]
    # A second judge has no ordinal: its word enters no count.
    merge(con, TABLES["labels"], [{**row, "instrument": "judge-1", "is_strict": True}])
    assert con.execute(current).fetchall() == [("github:1", False, "test-2")]


def test_behaviours_and_agents_are_one_row_each(con: duckdb.DuckDBPyConnection) -> None:
    agents = [
        {"name": name, "family": None, "vendor": vendor} for name, vendor in (("a", "V"), ("b", None), ("a", "V"))
    ]
    probabilities = {"alignment_faking": 0.4, "shutdown_tampering": 0.9, "model_exfiltration": 0.0}
    add(
        con,
        "github:1",
        "2026-01-05",
        behaviours=json.dumps(probabilities),
        behaviours_present=["shutdown_tampering"],
        behaviours_unsure=["alignment_faking"],
        agents=json.dumps(agents),
    )
    rows = con.execute("SELECT behaviour, p, present, unsure FROM label_behaviours ORDER BY behaviour").fetchall()
    assert rows == [
        ("alignment_faking", 0.4, False, True),
        ("model_exfiltration", 0.0, False, False),
        ("shutdown_tampering", 0.9, True, False),
    ]
    named = con.execute("SELECT agent, family, vendor FROM report_agents ORDER BY agent").fetchall()
    assert named == [("a", None, "V"), ("b", None, None)]


# groups


def test_a_group_says_what_its_strict_reports_say_together(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "github:1", "2026-02-03", behaviours_present=["alignment_faking"], evidence=1, gravity=3)
    add(con, "reddit:2", "2026-01-31", evidence=3, gravity=1, agents="[]", actions=["message"])
    add(
        con,
        "github:3",
        "2026-03-01",
        is_strict=False,
        kind="discussion",
        evidence=4,
        behaviours_present=["model_exfiltration"],
        actions=["refusal"],
        gravity=4,
        agents=json.dumps([{"name": "other", "family": None, "vendor": "Other"}]),
    )
    join(con, "normal", "reddit:2", "github:1", "reddit:2", "github:3")
    for report in ("github:1", "reddit:2"):
        merge(con, TABLES["incident_reports"], [{"incident": 7, "report_id": report}])
    group = facts(con)["reddit:2"]
    assert group["incident"] == 7
    assert (group["month"], group["first_reported_at"]) == (date(2026, 1, 1), at("2026-01-31"))
    assert (group["platforms"], group["sources"], group["reports"]) == (["github", "reddit"], ["import"], 3)
    assert (group["behaviours"], group["actions"]) == (BOTH, ["data_deletion", "message"])
    assert (group["agents"], group["vendors"]) == (["codex"], ["OpenAI"])
    assert (group["evidence"], group["gravity"]) == (3, 3)
    assert not facts(con, "tight")["github:3"]["is_strict"]


@pytest.mark.parametrize(
    ("when", "precision", "month"),
    [
        ("2025-12-31 23:59:59", "second", date(2025, 12, 1)),
        ("2026-01-01", "month", date(2026, 1, 1)),
        ("2026-01-01", "year", None),
        (None, "unknown", None),
    ],
)
def test_a_date_coarser_than_a_month_is_in_no_month(
    con: duckdb.DuckDBPyConnection, when: str | None, precision: str, month: date | None
) -> None:
    add(con, "github:1", when, precision)
    group = facts(con)["github:1"]
    assert (group["month"], group["first_reported_precision"]) == (month, precision)
    assert con.execute("SELECT count(*) FROM monthly_incidents").fetchone() == (3 if month else 0,)


def test_months_are_utc_whatever_the_readers_time_zone(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "github:1", "2026-01-01 00:30:00", "second")
    cover(con, "github", "2026-01-01", "2026-02-01")
    con.execute("SET TimeZone = 'America/Los_Angeles'")
    assert facts(con)["github:1"]["month"] == date(2026, 1, 1)
    assert states(con, "github") == {"2026-01": "measured"}


def test_a_year_alone_does_not_hide_a_better_date(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "github:1", "2026-01-01", "year")
    add(con, "github:2", "2026-03-04")
    join(con, "normal", "github:1", "github:1", "github:2")
    assert facts(con)["github:1"]["month"] == date(2026, 3, 1)


# coverage


def test_a_month_is_measured_only_where_read_spans_fill_it(con: duckdb.DuckDBPyConnection) -> None:
    cover(con, "github", "2025-10-01", "2025-11-16", stream="a")
    cover(con, "github", "2025-11-10", "2025-12-01", stream="b")
    cover(con, "github", "2025-12-01", "2025-12-31 23:00:00", stream="b")
    cover(con, "github", "2026-02-01", "2026-03-01", stream="b")
    assert states(con, "github") == {
        "2025-10": "measured",
        "2025-11": "measured",
        "2025-12": "partial",
        "2026-01": "none",
        "2026-02": "measured",
    }


def test_capped_and_missed_spans_spoil_a_month_until_read(con: duckdb.DuckDBPyConnection) -> None:
    cover(con, "github", "2026-01-01", "2026-02-01", stream="a")
    cover(con, "github", "2026-01-05", "2026-01-06", "capped", stream="b")
    assert states(con, "github") == {"2026-01": "partial"}
    cover(con, "github", "2026-01-04", "2026-01-07", stream="b")
    assert states(con, "github") == {"2026-01": "measured"}
    cover(con, "reddit", "2026-01-01", "2026-02-01", "missed")
    assert states(con, "reddit") == {"2026-01": "none"}


def test_unknown_and_curated_spans_outweigh_read_ones(con: duckdb.DuckDBPyConnection) -> None:
    for platform in ("github", "reddit"):
        cover(con, platform, "2026-01-01", "2026-03-01", stream="a")
    cover(con, "github", None, None, "unknown", stream="b")
    cover(con, "reddit", "2026-02-10", "2026-02-11", "curated", stream="b")
    add(con, "record:1", "2026-01-05")
    assert states(con, "github") == {"2026-01": "unknown", "2026-02": "unknown"}
    assert states(con, "reddit") == {"2026-01": "measured", "2026-02": "curated"}
    # Reports and no statement at all: nobody knows.
    assert states(con, "record") == {"2026-01": "unknown", "2026-02": "unknown"}


# decisions


def test_a_decision_taken_back_or_decided_anew_is_not_in_force(con: duckdb.DuckDBPyConnection) -> None:
    decide(con, 1, "github:1", "kind", "first_hand")
    decide(con, 2, "github:1", "kind", "mention")
    decide(con, 3, "github:1", "kind", "second_hand", reviewer="cd")
    decide(con, 4, "github:1", "same", "github:2")
    decide(con, 5, "github:1", "same", "github:3")
    decide(con, 6, "github:1", "undo", "", undoes="r4")
    held = con.execute("SELECT review_id FROM decisions ORDER BY review_id").fetchall()
    assert held == [("r2",), ("r3",), ("r5",)]


# where the views live


def test_the_views_use_public_columns_only_and_say_the_same_in_a_snapshot(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    measured(con)
    add(con, "reddit:1", None, behaviours_present=BOTH)
    held = publish(con, tmp_path / "x.duckdb", version="test")
    snapshot = duckdb.connect(str(held.snapshot.path), read_only=True)
    snapshot.execute("SET TimeZone = 'UTC'")
    for name in VIEWS:
        rows = con.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall()
        assert rows
        assert snapshot.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() == rows
    assert monthly(snapshot).to_json() == monthly(con).to_json()
    snapshot.close()
