import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flows import doctor
from flows.cli import main
from flows.findings import Finding, look_at_backups, look_at_snapshot, look_at_warehouse
from tests.flows.sources import stand_hackernews
from tests.flows.sources.standin import Site, running
from tests.warehouse.builders import add_report, warehouse
from warehouse.backup import back_up
from warehouse.connect import find_snapshot, open_working
from warehouse.publish import publish


def now() -> datetime:
    """The time of the test, not of its collection: what is made in it must not lie in its future."""
    return datetime.now(UTC)


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OFFSCRIPT_CONTACT", "ops@example.org")
    db = tmp_path / "x.duckdb"
    with warehouse(db) as con:
        add_report(con, "github:o/r#1")
        publish(con, db, version="t")
    back_up(db)
    return db


def told(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments])


def states(found: list[Finding]) -> dict[str, str]:
    return {finding.area: finding.state for finding in found}


def test_a_sound_installation_is_well(db: Path) -> None:
    result = told("--offline", "--json", "--db", str(db))
    assert result.exit_code == 0, result.output
    areas = {row["area"]: row["state"] for row in json.loads(result.stdout)["findings"]}
    assert {"packages", "weights", "settings", "disk", "checks", "snapshot", "backup"} <= set(areas)
    assert set(areas.values()) <= {"ok", "note"}


def test_what_is_wrong_is_named_with_what_to_do(db: Path) -> None:
    with open_working(db) as con:
        con.execute("INSERT INTO labels (report_id, text_hash, instrument) VALUES ('nobody', 'h', 'i')")
    find_snapshot(db).path.write_bytes(b"x")
    result = told("--offline", "--db", str(db))
    assert result.exit_code == 1
    assert "labels__belong_to_a_report" in result.output
    assert "snapshot" in result.output


def test_a_writer_at_work_is_no_fault(db: Path) -> None:
    with open_working(db):
        (found,) = look_at_warehouse(db, now())
    assert found.state == "ok"
    assert f"process {os.getpid()}" in found.detail


def test_a_damaged_file_is_told_with_the_last_good_backup(db: Path) -> None:
    data = bytearray(db.read_bytes())
    data[8192:16384] = os.urandom(8192)
    data[:4096] = os.urandom(4096)
    db.write_bytes(data)
    (found,) = look_at_warehouse(db, now())
    assert found.state == "fail"
    assert "offscript restore" in found.detail


def test_a_clock_that_went_back_is_noticed(db: Path) -> None:
    with open_working(db) as con:
        con.execute(
            "INSERT INTO runs (run_id, started_at, run_state) VALUES ('r', ?, 'done')", [now() + timedelta(days=1)]
        )
    assert states(list(look_at_warehouse(db, now())))["clock"] == "fail"
    assert states(list(look_at_warehouse(db, now() + timedelta(days=2)))).get("clock") is None


def test_old_snapshots_and_backups_deserve_a_look(db: Path) -> None:
    later = now() + timedelta(days=10)
    assert [finding.state for finding in look_at_snapshot(db, now())] == ["ok"]
    assert [finding.state for finding in look_at_snapshot(db, later)] == ["warn"]
    assert [finding.state for finding in look_at_backups(db, now())] == ["ok"]
    assert [finding.state for finding in look_at_backups(db, later)] == ["warn"]


def test_a_source_that_fell_silent_is_named(db: Path) -> None:
    span = [now() - timedelta(days=6), now() - timedelta(days=5), now() - timedelta(days=5), now()]
    with open_working(db) as con:
        con.execute(
            "INSERT INTO coverage VALUES ('lemmy','s','lemmy',?,?,'read',24,'r'), ('lemmy','s','lemmy',?,?,'read',0,'r')",
            span,
        )
    found = [finding for finding in look_at_warehouse(db, now()) if finding.area == "silence"]
    assert [finding.detail.split(":")[0] for finding in found] == ["lemmy"]


def test_a_file_of_secrets_that_others_may_read_is_refused(db: Path) -> None:
    env = Path(".env")
    env.write_text("OFFSCRIPT_GITHUB_TOKEN=ghp_averysecrettoken\n")
    env.chmod(0o644)
    refused = CliRunner().invoke(main, ["sources", "--db", str(db)])
    assert refused.exit_code == 1
    assert "chmod 600" in refused.output
    assert "averysecret" not in refused.output
    env.chmod(0o600)
    assert CliRunner().invoke(main, ["sources", "--db", str(db)]).exit_code == 0
    env.write_text("OFFSCRIPT_DB=x.duckdb\n")
    env.chmod(0o644)
    assert CliRunner().invoke(main, ["sources", "--db", str(db)]).exit_code == 0


def test_sources_are_asked_and_any_answer_counts(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.sources.registry import SOURCES

    monkeypatch.setattr(doctor, "SOURCES", {name: SOURCES[name] for name in ("hackernews", "aiid")})
    with running(Site(stand_hackernews.answer)) as site:
        monkeypatch.setenv("OFFSCRIPT_HACKERNEWS_BASE", site.base)
        monkeypatch.setenv("OFFSCRIPT_AIID_BASE", "http://127.0.0.1:9")
        refused = {finding.detail: finding.state for finding in doctor.reachable(now())}
        assert "a private address" in next(iter(refused))
        monkeypatch.setenv("OFFSCRIPT_ALLOW_PRIVATE", "true")
        found = list(doctor.reachable(now()))
    reach = {finding.detail.split(":")[0]: finding.state for finding in found if finding.area == "reach"}
    assert reach == {"hackernews": "ok", "aiid": "warn"}
