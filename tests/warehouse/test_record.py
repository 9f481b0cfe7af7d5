"""The record of an incident, its trail and its export: from the reports' own labels and people's decisions only."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from flows.cli import main
from tests.warehouse.builders import add_report, warehouse
from tests.warehouse.test_incidents import edge, settle
from tests.warehouse.trend_builders import decide
from warehouse import incidents
from warehouse.connect import WarehouseError
from warehouse.publish import publish
from warehouse.rows import fetch
from warehouse.why import as_of, trail

pytestmark = pytest.mark.usefixtures("place")
TEXT = "I asked it to list the files. Instead it deleted the folder, and then it said that nothing had happened at all."
AT = TEXT.index("it deleted the folder")
SPANS = json.dumps([{"rule": "act.deleted", "field": "text", "start": AT, "end": AT + 21}])


def story(con: duckdb.DuckDBPyConnection, publish_text: str = "span") -> None:
    """One incident: a first-hand account, another one elsewhere with a log, and a copy."""
    add_report(con, "github:a", text=TEXT, spans=SPANS, publish_text=publish_text, evidence=4, subject="self")
    add_report(con, "reddit:b", text="x", evidence=3, at=datetime(2026, 11, 2, tzinfo=UTC), publish_text="none")
    con.execute("UPDATE reports SET author_key = 'other' WHERE report_id = 'reddit:b'")
    groups = dict.fromkeys(("github:a", "reddit:b"), "github:a")
    settle(con, list(groups), groups, [edge("reddit:b", "github:a")])


def record(con: duckdb.DuckDBPyConnection) -> dict[str, object]:
    incidents.refresh(con)
    (row,) = fetch(con, "SELECT * FROM incidents")
    return row


def test_two_independent_sources_corroborate_and_one_that_passes_on_does_not(tmp_path: Path) -> None:
    with warehouse(tmp_path / "x.duckdb") as con:
        story(con)
        row = record(con)
        assert (row["incident_status"], row["independent_sources"], row["sources"]) == ("corroborated", 2, 2)
        assert str(row["status_reason"]).startswith("rule: 2 independent")
        assert (row["evidence_tier"], row["subject"], row["echo"]) == ("checkable", "self", 0)
        con.execute("UPDATE incident_reports SET derived_from = 'github:a' WHERE report_id = 'reddit:b'")
        row = record(con)
        assert (row["incident_status"], row["independent_sources"], row["echo"]) == ("reported", 1, 1)


def test_what_nobody_said_is_unknown_and_what_a_person_said_is_kept_until_taken_back(tmp_path: Path) -> None:
    with warehouse(tmp_path / "x.duckdb") as con:
        story(con)
        row = record(con)
        assert (row["principal"], row["several_agents"], row["verification"]) == ("unknown", "unknown", "unchecked")
        assert (row["alternative"], row["vendor_answer"], row["occurred_at"]) == (None, None, None)
        assert row["archived_url"] == "https://web.archive.org/web/https://example.org/github:a"
        assert row["archived_checked"] is False
        said = {
            "status": "disputed",
            "principal": "user",
            "alternative": "the folder was empty",
            "vendor_answer": "https://example.org/answer",
            "archived_url": "https://example.org/copy",
            "occurred_at": "2026-10",
            "verification": '{"status": "verified", "method": "the commit is public", "at": "2026-11-03"}',
        }
        for number, (name, value) in enumerate(said.items(), start=1):
            decide(con, number, "incident:1", name, value)
        row = record(con)
        assert (row["incident_status"], row["principal"], row["alternative"]) == (
            "disputed",
            "user",
            "the folder was empty",
        )
        assert (row["occurred_precision"], row["verification"], row["archived_checked"]) == ("month", "verified", True)
        assert row["status_reason"] == "decision r1 by ab on 2026-04-01"
        decide(con, 20, "incident:1", "undo", "", undoes="r1")
        assert record(con)["incident_status"] == "corroborated"


def test_a_headline_says_only_what_is_likelier_than_not(tmp_path: Path) -> None:
    with warehouse(tmp_path / "x.duckdb") as con:
        sure = json.dumps({"data_deletion": 0.9, "refusal": 0.03, "message": 0.01})
        add_report(con, "github:a", actions=["data_deletion", "refusal"], action_probabilities=sure)
        settle(con, ["github:a"], {"github:a": "github:a"}, [])
        row = record(con)
        assert row["incident_title"] == "codex: data deletion, shutdown tampering"
        assert "refusal" not in str(row["summary"])
        assert row["actions"] == ["data_deletion", "refusal"]
        decide(con, 1, "github:a", "actions", '["refusal"]', expected_text_hash="h")
        assert record(con)["incident_title"] == "codex: refusal, shutdown tampering"


@pytest.mark.parametrize(("publish_text", "quoted"), [("none", False), ("span", True), ("full", True)])
def test_a_summary_repeats_words_only_where_that_is_allowed(tmp_path: Path, publish_text: str, quoted: bool) -> None:
    with warehouse(tmp_path / "x.duckdb") as con:
        story(con, publish_text)
        row = record(con)
        assert ("deleted the folder" in str(row["summary"])) is quoted
        assert row["summary_basis"] == publish_text
        assert "codex" in str(row["summary"])


def test_only_what_changed_is_derived_again(tmp_path: Path) -> None:
    with warehouse(tmp_path / "x.duckdb") as con:
        story(con)
        add_report(con, "github:z")
        settle(con, ["github:z"], {}, [])
        before = fetch(con, "SELECT incident, inputs_hash FROM incidents ORDER BY 1")
        con.execute("UPDATE incidents SET incident_title = 'untouched'")
        con.execute("UPDATE reports SET publish_text = 'none' WHERE report_id = 'github:z'")
        assert incidents.refresh(con).updated == 1
        assert fetch(con, "SELECT incident FROM incidents WHERE incident_title = 'untouched'") == [{"incident": 1}]
        assert fetch(con, "SELECT incident, inputs_hash FROM incidents ORDER BY 1")[0] == before[0]


def test_the_trail_runs_down_to_the_run_and_up_to_the_month_and_can_be_exported(tmp_path: Path) -> None:
    db = tmp_path / "x.duckdb"
    with warehouse(db) as con:
        story(con)
        found = trail(con, 1)
        assert [report["report_id"] for report in found["reports"]] == ["github:a", "reddit:b"]
        assert found["reports"][0]["spans"][0]["rule"] == "act.deleted"
        assert [(figure["merge"], f"{figure['month']:%Y-%m}", figure["one_of"]) for figure in found["figures"]] == [
            ("tight", "2026-11", 1),
            ("normal", "2026-11", 1),
            ("loose", "2026-11", 1),
        ]
        with pytest.raises(WarehouseError, match="1 to 1"):
            trail(con, 7)
        # How sure the instrument is, of the incident by its surest report and of each report.
        con.execute("UPDATE labels SET action_probabilities = '{\"data_deletion\": 0.9}' WHERE report_id = 'reddit:b'")
        incidents.refresh(con)
        found = trail(con, 1)
        assert found["record"]["action_probabilities"] == {"data_deletion": 0.9, "message": 0.1}
        assert found["reports"][0]["action_probabilities"] == {"data_deletion": 0.7, "message": 0.1}
        stood = as_of(con, 1, datetime.now(UTC))
        assert [row["report_id"] for row in stood["members"]] == ["github:a", "reddit:b"]
        with pytest.raises(WarehouseError, match="no incident had the number 1"):
            as_of(con, 1, datetime.now(UTC) - timedelta(days=1))
        publish(con, db, version="t")
    shown = {
        form: CliRunner().invoke(main, ["incident", "1", "--format", form, "--db", str(db)]).output
        for form in ("json", "markdown", "citation")
    }
    assert json.loads(shown["json"])["permanent"] == "offscript:incident:1"
    assert "author" not in shown["json"]
    assert json.loads(shown["json"])["record"]["action_probabilities"]["message"] == 0.1
    assert "| Status | corroborated" in shown["markdown"]
    assert "| Actions | data\\_deletion (p 0.90) |" in shown["markdown"]
    assert "incident 1" in shown["citation"]
    told = CliRunner().invoke(main, ["why", "1", "--db", str(db)])
    assert "act.deleted" in told.output
    assert "shutdown_tampering (p 0.80), data_deletion (p 0.70)" in told.output
    assert "one of 1 incidents" in told.output
    working = CliRunner().invoke(main, ["why", "1", "--working", "--db", str(db)])
    assert working.exit_code == 0
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    assert "2 reports" in CliRunner().invoke(main, ["why", "1", "--as-of", day, "--db", str(db)]).output
