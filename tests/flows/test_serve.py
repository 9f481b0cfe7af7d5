import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from flows import cadence, vitals
from flows.cadence import parse_every
from flows.errors import InputError
from flows.serve import Ports, environment, serve
from tests.conftest import ROOT
from tests.warehouse.builders import add_report, warehouse
from warehouse.backup import back_up
from warehouse.connect import open_working
from warehouse.publish import publish

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(("text", "every"), [("15m", timedelta(minutes=15)), ("2d", timedelta(days=2)), ("off", None)])
def test_a_cadence_is_read(text: str, every: timedelta | None) -> None:
    assert parse_every("X", text) == every
    assert every is None or cadence.told(every) == text


@pytest.mark.parametrize("text", ["", "0h", "hourly", "-1h", "1w"])
def test_a_wrong_cadence_names_its_setting(text: str) -> None:
    with pytest.raises(InputError, match="OFFSCRIPT_LEMMY_EVERY"):
        parse_every("OFFSCRIPT_LEMMY_EVERY", text)


def test_every_source_has_a_turn_and_one_that_lacks_a_key_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OFFSCRIPT_LEMMY_EVERY", "15m")
    monkeypatch.setenv("OFFSCRIPT_FEEDS_EVERY", "off")
    monkeypatch.delenv("OFFSCRIPT_X_BEARER_TOKEN", raising=False)
    sources, chores = cadence.turns(str(tmp_path / "none.env"))
    found = {turn.name: turn for turn in sources}
    assert found["lemmy"].every == timedelta(minutes=15)
    assert (found["feeds"].every, found["feeds"].reason) == (None, "off (OFFSCRIPT_FEEDS_EVERY)")
    assert (found["x"].every, found["x"].reason) == (
        None,
        "needs OFFSCRIPT_X_BEARER_TOKEN, OFFSCRIPT_X_MONTHLY_DOLLARS",
    )
    assert {turn.name for turn in chores} == set(cadence.CHORES)


def test_the_deployments_take_turns_and_are_found_by_module(tmp_path: Path) -> None:
    from flows.schedule import deployments

    sources, chores = cadence.turns(str(tmp_path / "none.env"))
    made = deployments(tmp_path / "x.duckdb", sources, chores, NOW)
    together = next(one for one in made if one.name == "every-1h")
    assert {"hackernews", "feeds"} <= set(together.parameters["sources"])
    read = [name for one in made for name in one.parameters.get("sources", ())]
    assert sorted(read) == sorted(turn.name for turn in sources if turn.every)
    assert {turn.name for turn in chores} <= {one.name for one in made}
    assert all(one.entrypoint and one.entrypoint.startswith("flows.schedule.") for one in made)
    assert all(one.concurrency_limit == 1 for one in made)
    anchors = [one.schedules[0].schedule.anchor_date for one in made if one.schedules]  # type: ignore[union-attr]
    assert len(set(anchors)) == len(anchors)


def test_what_is_deployed_by_hand_is_what_serve_runs(tmp_path: Path) -> None:
    """prefect.yaml against the registry: it passes Prefect's own model and leaves nothing out, no purging either."""
    import yaml  # type: ignore[import-untyped]
    from prefect.cli.deploy._models import PrefectYamlModel

    from flows import schedule

    told = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))
    PrefectYamlModel.model_validate(told)
    deployed = {
        (one["entrypoint"].rpartition(":")[2], source): timedelta(seconds=one["schedules"][0]["interval"])
        for one in told["deployments"]
        for source in one["parameters"].get("sources", [""])
    }
    sources, chores = cadence.turns(str(tmp_path / "none.env"))
    wanted = {("collect_flow", turn.name): turn.every for turn in sources if turn.every}
    wanted |= {(f"{turn.name}_flow", ""): turn.every for turn in chores if turn.every}
    assert deployed == wanted
    assert all(callable(getattr(schedule, name)) for name, _ in deployed)


def test_a_taken_port_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} \\(health\\) is taken"):
            serve(tmp_path / "x.duckdb", Ports(0, port, 0), print)
    assert list(tmp_path.iterdir()) == []


def test_another_prefect_server_is_used_where_one_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    assert environment(tmp_path / "x.duckdb", Ports(prefect=4711))["PREFECT_API_URL"] == "http://127.0.0.1:4711/api"
    monkeypatch.setenv("PREFECT_API_URL", "https://prefect.example/api")
    assert environment(tmp_path / "x.duckdb", Ports())["PREFECT_API_URL"] == "https://prefect.example/api"


def test_health_and_metrics_tell_how_it_stands(tmp_path: Path) -> None:
    db = tmp_path / "x.duckdb"
    with warehouse(db) as con:
        add_report(con, "github:o/r#1")
        con.execute(
            "INSERT INTO coverage VALUES ('lemmy', 's', 'lemmy', ?, ?, 'read', 24, 'r')",
            [NOW - timedelta(days=1), NOW],
        )
        publish(con, db, version="t")
    back_up(db)
    watch = vitals.Watch(db)
    server = vitals.listen(watch, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        told = json.load(urlopen(f"{base}/healthz"))
        text = urlopen(f"{base}/metrics").read().decode()
    finally:
        server.shutdown()
        server.server_close()
    assert told["status"] == "ok"
    assert told["reports"] == 1
    metrics = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert metrics[("offscript_reports",)] == 1
    assert metrics[("offscript_backup_age_seconds",)] >= 0
    assert metrics[("offscript_source_silent_seconds", "lemmy")] >= 0


def test_sources_that_are_tried_and_never_read_are_told_and_all_of_them_a_problem(tmp_path: Path) -> None:
    db = tmp_path / "x.duckdb"

    def told(source: str, state: str) -> vitals.Vitals:
        with open_working(db) as con:
            con.execute(
                "INSERT INTO coverage VALUES (?, 's', 'p', ?, ?, ?, 0, 'r')",
                [source, NOW - timedelta(days=1), NOW, state],
            )
            publish(con, db, version="t")
        return vitals.read(vitals.Watch(db), NOW + timedelta(hours=1))

    with warehouse(db) as con:
        con.execute("INSERT INTO runs BY NAME SELECT 'r' AS run_id, 'collect' AS command, ? AS started_at", [NOW])
    none = told("lemmy", "missed")
    assert none.problems == ("no source could be read; see remarks",)
    assert none.remarks == (f"lemmy: tried at {NOW:%Y-%m-%d %H:%M} and never read; 24 h missed",)
    one = told("hackernews", "read")
    assert one.problems == ()
    assert len(one.remarks) == 1


def test_no_snapshot_for_an_hour_is_a_problem(tmp_path: Path) -> None:
    watch = vitals.Watch(tmp_path / "x.duckdb", started=NOW)
    assert vitals.read(watch, NOW + timedelta(minutes=5)).problems == ()
    late = vitals.read(watch, NOW + timedelta(hours=2))
    assert "no snapshot" in late.problems[0]
    assert json.loads(vitals.health_json(late))["status"] == "failing"
