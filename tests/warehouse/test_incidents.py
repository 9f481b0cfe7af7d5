from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.builders import add_report, warehouse
from warehouse import incidents, linking, numbers
from warehouse.checks import run_checks
from warehouse.schema.models import Link

pytestmark = pytest.mark.usefixtures("place")


def edge(report: str, earlier: str, merge: str = "normal") -> Link:
    return Link.model_validate(
        {
            "report_id": report,
            "linked_to": earlier,
            "method": "same_event",
            "score": 0.9,
            "merge": merge,
            "reason": "told alike",
        }
    )


def settle(con: duckdb.DuckDBPyConnection, order: list[str], groups: dict[str, str], links: list[Link]) -> int:
    """Join as told; a report of no group stands alone."""
    groups = {report: groups.get(report, report) for report in order}
    con.execute("BEGIN")
    linking.store_links(con, links, "run")
    opened = numbers.settle(con, order, groups, links, "run")
    linking.store_groupings(con, dict.fromkeys(("tight", "normal", "loose"), groups))
    incidents.refresh(con)
    con.execute("COMMIT")
    return opened


def held(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return dict(con.execute("SELECT report_id, incident FROM incident_reports").fetchall())


def test_numbers_are_permanent_and_merges_redirect(tmp_path: Path) -> None:
    with warehouse(tmp_path / "x.duckdb") as con:
        for name in ("github:a", "github:b", "github:c"):
            add_report(con, name)
        assert settle(con, ["github:a", "github:b"], {"github:a": "github:a", "github:b": "github:b"}, []) == 2
        assert held(con) == {"github:a": 1, "github:b": 2}
        # A third report ties both: the older number stays, the younger one redirects.
        groups = dict.fromkeys(("github:a", "github:b", "github:c"), "github:a")
        links = [edge("github:c", "github:a"), edge("github:c", "github:b")]
        assert settle(con, list(groups), groups, links) == 0
        assert held(con) == dict.fromkeys(groups, 1)
        assert con.execute("SELECT from_incident, into_incident FROM merges").fetchall() == [(2, 1)]
        # The number that redirects is not given again.
        add_report(con, "github:d")
        groups["github:d"] = "github:d"
        assert settle(con, list(groups), groups, links) == 1
        assert held(con)["github:d"] == 3
        counted = con.execute("SELECT incident, reports, is_strict FROM incidents ORDER BY 1").fetchall()
        assert counted == [(1, 3, True), (2, 0, False), (3, 1, True)]
        assert run_checks(con) == []


def test_settling_twice_changes_nothing(tmp_path: Path) -> None:
    with warehouse(tmp_path / "x.duckdb") as con:
        add_report(con, "github:a")
        settle(con, ["github:a"], {"github:a": "github:a"}, [])
        before = con.execute("SELECT * FROM incidents").fetchall()
        assert settle(con, ["github:a"], {"github:a": "github:a"}, []) == 0
        assert con.execute("SELECT * FROM incidents").fetchall() == before


def test_the_record_is_made_of_the_strict_reports_and_says_who_was_named(tmp_path: Path) -> None:
    with warehouse(tmp_path / "x.duckdb") as con:
        add_report(con, "github:a", at=datetime(2026, 3, 5, tzinfo=UTC), evidence=2, actions=["data_deletion"])
        add_report(con, "github:b", at=datetime(2026, 3, 1, tzinfo=UTC), evidence=4, actions=["publication"])
        add_report(con, "github:c", at=None, is_strict=False, evidence=4, actions=["transaction"])
        groups = dict.fromkeys(("github:b", "github:a", "github:c"), "github:b")
        settle(con, list(groups), groups, [edge("github:a", "github:b"), edge("github:c", "github:b")])
        row = con.execute(
            "SELECT incident_title, first_reported_at, last_reported_at, best_report_id, actions, vendors, "
            "evidence, reports FROM incidents"
        ).fetchone()
        assert row is not None
        assert row[0] == "codex: publication, shutdown tampering, data deletion"
        assert (row[1].day, row[2].day) == (1, 5)
        assert row[3:] == ("github:b", ["data_deletion", "publication"], ["OpenAI"], 4, 3)


def test_every_report_says_how_it_was_joined(tmp_path: Path) -> None:
    with warehouse(tmp_path / "x.duckdb") as con:
        add_report(con, "github:a")
        add_report(con, "github:b")
        groups = dict.fromkeys(("github:a", "github:b"), "github:a")
        settle(con, list(groups), groups, [edge("github:b", "github:a")])
        rows = con.execute(
            "SELECT report_id, link_method, linked_to, link_score, link_reason FROM incident_reports ORDER BY 1"
        ).fetchall()
        assert rows[0][:3] == ("github:a", "origin", None)
        assert rows[1] == ("github:b", "same_event", "github:a", pytest.approx(0.9), "told alike")


def test_a_report_that_turns_out_to_belong_elsewhere_moves_alone(tmp_path: Path) -> None:
    with warehouse(tmp_path / "x.duckdb") as con:
        for name in ("github:a", "github:b", "github:c", "github:d"):
            add_report(con, name)
        settle(con, ["github:a", "github:b", "github:c"], {"github:c": "github:b"}, [edge("github:c", "github:b")])
        assert held(con) == {"github:a": 1, "github:b": 2, "github:c": 2}
        # b gains d under number 2, then c turns out to belong to a: it moves, and number 2 keeps the others.
        groups = {"github:d": "github:b", "github:c": "github:a"}
        order = ["github:b", "github:d", "github:a", "github:c"]
        settle(con, order, groups, [edge("github:d", "github:b"), edge("github:c", "github:a")])
        assert held(con) == {"github:a": 1, "github:b": 2, "github:c": 1, "github:d": 2}
        assert run_checks(con) == []
