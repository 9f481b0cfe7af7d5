"""The whole pipeline on the real parts: the shipped instrument, a real working file."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.flows.test_collect import post
from warehouse.connect import find_snapshot, open_snapshot

DELETED = "Claude Code deleted my whole src folder without asking"
TOLD = (
    "I told it to rename two files and not to touch anything else. It ran rm -rf src/ on its own, without asking, "
    "and then said that it had followed my instructions. The log:\n$ rm -rf src/\nI lost two days of work."
)


def run(*arguments: str) -> Result:
    from flows.cli import main

    result = CliRunner().invoke(main, ["run", *arguments])
    if result.exit_code not in {0, 3}:
        raise AssertionError(result.output) from result.exception
    return result


def tables(db: Path) -> dict[str, list[Any]]:
    import duckdb

    from warehouse.schema.tables import WORKING

    with duckdb.connect(str(db), read_only=True) as con:
        return {
            table.name: con.execute(f"SELECT * FROM {table.name} ORDER BY ALL").fetchall()
            for table in WORKING
            if table.name != "runs"
        }


def test_the_sample_runs_end_to_end_and_running_again_changes_no_row(tmp_path: Path) -> None:
    db = tmp_path / "x.duckdb"
    result = run("--sample", "--db", str(db))
    assert result.exit_code == 0
    told = result.output.lower()
    assert "a collection, not a measurement" in told
    assert "3.75-6.51" in told
    assert "make dashboard" in told
    assert "agreement, all of the record (n = 180)" in told
    with open_snapshot(db) as (con, _):
        (strict,) = con.execute("SELECT count(*) FROM incidents WHERE is_strict").fetchone() or (0,)
        assert con.execute("SELECT count(*) FROM evidence_spans").fetchone() != (0,)
        instrument, card = con.execute("SELECT instrument, card FROM instruments").fetchone() or ("", "{}")
    assert strict > 50
    assert json.loads(card)["instrument"] == instrument
    before, snapshot = tables(db), find_snapshot(db)
    run("--sample", "--db", str(db))
    assert tables(db) == before
    assert find_snapshot(db) == snapshot


def test_bad_input_is_named_and_the_rest_is_published(tmp_path: Path) -> None:
    good, broken = tmp_path / "good.jsonl.gz", tmp_path / "broken.jsonl.gz"
    lines = [
        json.dumps(post(1, title=DELETED, text=TOLD)),
        "{broken",
        json.dumps(post(2, title=DELETED, text=TOLD, id="again:2")),
        json.dumps(post(3, created_at="2026-02-31")),
        json.dumps(post(4, title="How do I install this?", text="")),
        json.dumps(post(5, text="x" * 5_000_000)),
    ]
    good.write_bytes(gzip.compress("\n".join(lines).encode()))
    broken.write_bytes(b"this is not gzip")
    db = tmp_path / "x.duckdb"
    result = run("--import", str(good), str(broken), "--db", str(db))
    assert result.exit_code == 3
    for place in (
        "good.jsonl.gz:2 not_json",
        "good.jsonl.gz:4 invalid_date",
        "good.jsonl.gz:6 too_long",
        "broken.jsonl.gz:0 not_gzip",
    ):
        assert place in result.output
    with open_snapshot(db) as (con, _):
        # Two issues with one text are one incident, told twice.
        rows = con.execute("SELECT incident, reports FROM incidents WHERE is_strict").fetchall()
        assert rows == [(1, 2)]
        link = con.execute(
            "SELECT link_method, linked_to FROM incident_reports WHERE report_id = 'github:o/r#2'"
        ).fetchall()
        assert link == [("exact", "github:o/r#1")]
        assert con.execute("SELECT DISTINCT coverage FROM coverage").fetchall() == [("unknown",)]
        assert con.execute("SELECT count(*) FROM rejects").fetchall() == [(4,)]


def test_a_killed_run_is_marked_and_the_next_one_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows import link

    db = tmp_path / "x.duckdb"
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(post(1, title=DELETED, text=TOLD)) + "\n")

    def breaks(*_: Any, **__: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as broken:
        broken.setattr(link, "compare_new", breaks)
        from flows.cli import main

        assert isinstance(
            CliRunner().invoke(main, ["run", "--import", str(path), "--db", str(db)]).exception, MemoryError
        )
    assert tables(db)["labels"]
    assert not tables(db)["incidents"]
    run("--import", str(path), "--db", str(db))
    assert len(tables(db)["incidents"]) == 1
    import duckdb

    with duckdb.connect(str(db), read_only=True) as con:
        assert con.execute("SELECT run_state FROM runs ORDER BY started_at").fetchall() == [("failed",), ("done",)]


def test_a_public_source_is_read_judged_and_its_hours_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.flows.sources import stand_hackernews
    from tests.flows.sources.standin import Site, posts, running

    end = datetime.now(UTC) - timedelta(hours=3)
    monkeypatch.setenv("OFFSCRIPT_ALLOW_PRIVATE", "true")
    db = tmp_path / "x.duckdb"
    with running(Site(stand_hackernews.answer, posts(40, end=end))) as site:
        monkeypatch.setenv("OFFSCRIPT_HACKERNEWS_BASE", site.base)
        from flows.cli import main

        told = CliRunner().invoke(main, ["collect", "hackernews", "--since", "3d", "--db", str(db)])
        assert told.exit_code == 0, told.output
        again = CliRunner().invoke(main, ["collect", "hackernews", "--since", "3d", "--db", str(db)])
    line = next(line for line in told.output.splitlines() if line.startswith("hackernews")).split()
    assert line[1:4] == ["done", "40", "40"]
    assert next(line for line in again.output.splitlines() if line.startswith("hackernews")).split()[3] == "0"
    path = tmp_path / "none.jsonl"
    path.write_text(json.dumps(post(1, title="How do I install this?")) + "\n")
    run("--import", str(path), "--db", str(db))
    with open_snapshot(db) as (con, _):
        assert con.execute("SELECT count(*) FROM labels WHERE report_id LIKE 'hackernews:%'").fetchone() == (40,)
        states = con.execute("SELECT DISTINCT coverage FROM coverage WHERE source_id = 'hackernews'").fetchall()
        assert states == [("read",)]
    status = CliRunner().invoke(main, ["sources", "--db", str(db)]).output
    assert next(line for line in status.splitlines() if line.startswith("hackernews")).split()[1] == "ready"


def test_a_failed_source_is_told_and_the_rest_is_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows import collectors
    from flows.cli import main
    from flows.collect_source import Outcome

    outcomes = [Outcome("lemmy", "failed", detail="no such host"), Outcome("hackernews", "done", served=3, new=3)]
    monkeypatch.setattr(collectors, "collect", lambda *_, **__: outcomes)
    db = tmp_path / "x.duckdb"
    result = CliRunner().invoke(main, ["run", "--since", "1d", "--db", str(db)])
    assert result.exit_code == 1
    assert "no such host" in result.output
    assert find_snapshot(db).path.is_file()


def test_stated_coverage_makes_the_month_measurable(tmp_path: Path) -> None:
    db = tmp_path / "x.duckdb"
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(post(1, title=DELETED, text=TOLD)) + "\n")
    result = run("--import", str(path), "--coverage", "2026-03-01..2026-03-31", "--db", str(db))
    assert "a collection, not a measurement" not in result.output.lower()
    with open_snapshot(db) as (con, _):
        states = con.execute("SELECT state FROM coverage_months WHERE month = DATE '2026-03-01'").fetchall()
    assert states == [("measured",)]
