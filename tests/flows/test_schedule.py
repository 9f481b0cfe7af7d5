"""The schedule's flows on a Prefect server: what an operator finds in its UI."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows import schedule
from tests.flows.sources import stand_hackernews
from tests.flows.sources.standin import Site, posts, running
from warehouse.connect import find_snapshot

pytestmark = pytest.mark.prefect


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        schedule.limit_writers()
        yield


def shown(state: Any) -> tuple[str, list[str], dict[str, Any]]:
    """Return a run's name, its tasks in order of their start, and its artifacts by key."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, FlowRunFilter, FlowRunFilterId
    from prefect.client.schemas.sorting import ArtifactSort, TaskRunSort

    number = state.state_details.flow_run_id
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(number)
        within = FlowRunFilter(id=FlowRunFilterId(any_=[number]))
        tasks = client.read_task_runs(flow_run_filter=within, sort=TaskRunSort.END_TIME_DESC, limit=50)
        made = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[number]))
        left = client.read_artifacts(artifact_filter=made, sort=ArtifactSort.KEY_ASC, limit=50, offset=0)
        assert client.read_global_concurrency_limit_by_name(schedule.WRITER).active_slots == 0
    ordered = sorted(tasks, key=lambda task: task.start_time or datetime.max.replace(tzinfo=UTC))
    return run.name, [task.name.rpartition("-")[0] for task in ordered], {str(one.key): one.data for one in left}


def test_a_run_shows_what_it_did_and_not_a_task_for_every_post(
    server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFSCRIPT_ALLOW_PRIVATE", "true")
    db = tmp_path / "x.duckdb"
    end = datetime.now(UTC) - timedelta(hours=3)
    with running(Site(stand_hackernews.answer, posts(40, end=end))) as site:
        monkeypatch.setenv("OFFSCRIPT_HACKERNEWS_BASE", site.base)
        collected = schedule.collect_flow(str(db), ["hackernews"], since="3d", return_state=True)
    assert collected.is_completed()
    assert collected.message == "40 new"
    name, tasks, left = shown(collected)
    assert name == "hackernews"
    assert tasks == ["import", "read sources", "screen"]
    (row,) = json.loads(left["collected"])
    assert (row["source"], row["rows in"], row["new"], row["spans missed"]) == ("hackernews", 40, 40, 0)

    judged = schedule.judge_flow(str(db), return_state=True)
    assert judged.is_completed()
    assert f"snapshot {find_snapshot(db).id}" in str(judged.message)
    name, tasks, left = shown(judged)
    assert name == "label, link, publish"
    assert tasks == ["import", "screen", "label", "link", "publish"]
    assert "| kept | labelled | new incidents | strict incidents in all |" in left["published"]
    assert "| hackernews |" in left["published"]


def test_chores_leave_their_report_and_a_failed_source_is_red_without_a_traceback(
    server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import collectors
    from flows.collect_source import Outcome

    db = tmp_path / "x.duckdb"
    outcomes = [Outcome("lemmy", "failed", detail="no such host"), Outcome("hackernews", "done", served=3, new=3)]
    monkeypatch.setattr(collectors, "collect", lambda *_, **__: outcomes)
    state = schedule.collect_flow(str(db), ["lemmy", "hackernews"], return_state=True)
    assert state.is_failed()
    assert state.message == "lemmy: no such host"
    assert [row["source"] for row in json.loads(shown(state)[2]["collected"])] == ["lemmy", "hackernews"]
    copied = schedule.backup_flow(str(db), return_state=True)
    assert copied.is_completed()
    assert "sha256" in shown(copied)[2]["backup"]
    kept = schedule.retention_flow(str(db), return_state=True)
    assert kept.message == "0 texts purged, 0 old snapshots dropped"
