import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flows.cli import main
from tests.warehouse.builders import add_report, warehouse
from tests.warehouse.test_incidents import settle
from warehouse.publish import publish


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "x.duckdb"
    with warehouse(path) as con:
        add_report(con, "github:a")
        settle(con, ["github:a"], {}, [])
        publish(con, path, version="test")
    return path


def test_the_published_study_has_its_published_intervals() -> None:
    told = call("rate-ratio", "65", "319").output
    assert "4.91" in told
    assert "3.75-6.51" in told
    found = json.loads(call("rate-ratio", "65", "319", "--exposure", "1", "1", "--dispersion", "4", "--json").output)
    (wide,) = found["over_dispersed"]
    assert (round(wide["low"], 1), round(wide["high"], 1)) == (2.9, 8.4)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("trends", "--db", "nowhere/x.duckdb"), "no snapshot of nowhere/x.duckdb is published yet"),
        (("query", "SELECT 1", "--db", "nowhere/x.duckdb"), "no snapshot of"),
        (("label", "nowhere.jsonl", "--out", "out.jsonl"), "nowhere.jsonl: there is no such file"),
        (("evaluate", "nowhere.jsonl"), "nowhere.jsonl"),
        (("run", "--import"), "needs at least one FILE"),
        (("run", "x.jsonl"), "--import FILE"),
        (("run", "--import", "x.jsonl", "--coverage", "soon"), "--coverage 'soon'"),
        (("rate-ratio", "--", "-1", "2"), "before must be"),
    ],
)
def test_an_error_is_told_in_words(
    arguments: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = call(*arguments)
    assert result.exit_code in {1, 2}
    assert told in result.output
    assert "Traceback" not in result.output


def test_a_month_that_is_none_is_refused(db: Path) -> None:
    assert "expected a month" in call("trends", "--db", str(db), "--from", "March").output


def test_a_query_prints_a_table_or_csv(db: Path) -> None:
    sql = "SELECT incident, is_strict FROM incidents"
    assert call("query", sql, "--db", str(db)).output.split() == [
        "incident",
        "is_strict",
        "--------",
        "---------",
        "1",
        "True",
    ]
    assert call("query", sql, "--csv", "--db", str(db)).output == "incident,is_strict\n1,True\n"


def test_trends_without_known_coverage_compute_nothing(db: Path) -> None:
    result = call("trends", "--db", str(db))
    assert "a collection, not a measurement" in result.output.lower()
    found = json.loads(call("trends", "--db", str(db), "--json").output)
    assert found["measurable"] is False
    assert "ratio" not in {key for key, value in found.items() if value not in (None, [], {})}


def test_exports_and_dictionary(db: Path, tmp_path: Path) -> None:
    assert call("export", str(tmp_path / "out"), "--db", str(db)).exit_code == 0
    text = call("dictionary").output
    (tmp_path / "d.md").write_text(text)
    assert call("dictionary", "--check", str(tmp_path / "d.md")).exit_code == 0
    (tmp_path / "d.md").write_text(text + "x")
    assert call("dictionary", "--check", str(tmp_path / "d.md")).exit_code == 1


def test_sources_lists_every_platform_with_what_it_cannot_see(db: Path) -> None:
    from flows.sources.registry import PLATFORMS

    told = " ".join(call("sources", "--db", str(db)).output.split())
    assert all(platform in told and item.cannot_see in told for platform, item in PLATFORMS.items())


def test_trends_per_day_and_by_action_and_of_reports(db: Path) -> None:
    found = json.loads(call("trends", "--db", str(db), "--per", "day", "--by", "action", "--json").output)
    assert (found["per"], found["by"], found["lines"][1]["name"]) == ("day", "action", "data_deletion")
    assert found["lines"][0]["days"][0]["incidents"] == 1
    told = call("trends", "--db", str(db), "--what", "reports", "--from", "2026-10-30", "--to", "2026-11").output
    assert "strict reports by month of publication" in told
    assert "a collection, not a measurement" in told
    assert (
        "first hand are split by source only"
        in call("trends", "--db", str(db), "--what", "first_hand", "--by", "agent").output
    )


def test_the_link_error_travels_with_the_instruments_card() -> None:
    from flows.steps import _card
    from warehouse.trends.corrected import link_error

    found = link_error(_card())
    assert found is not None
    assert found.low < found.factor < found.high
