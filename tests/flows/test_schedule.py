"""The schedule's flows on a Prefect server: what an operator finds in its UI."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows import schedule
from flows.settings import quiet_prefect
from tests.flows.sources import stand_hackernews
from tests.flows.sources.standin import Site, posts, running
from warehouse.connect import find_snapshot

pytestmark = pytest.mark.prefect


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    quiet_prefect()
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=600):
        schedule.limit_writers()
        yield


def shown(state: Any, tasks: int) -> tuple[str, list[str], dict[str, Any]]:
    """Return a run's name, its tasks in alphabetical order, and its artifacts by key.

    The server learns of tasks by events that may arrive after the run has ended: so many are waited for.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
    from prefect.client.schemas.sorting import TaskRunSort

    number = state.state_details.flow_run_id
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(number)
        within = FlowRunFilter(id=FlowRunFilterId(any_=[number]))
        until = time.monotonic() + 120
        while True:
            done = client.read_task_runs(flow_run_filter=within, sort=TaskRunSort.NAME_ASC, limit=50)
            if len(done) >= tasks or time.monotonic() > until:
                break
            time.sleep(0.2)
        # The client's own `read_artifacts` sends nulls that its server refuses (3.8).
        asked = {"artifacts": {"flow_run_id": {"any_": [str(number)]}}, "limit": 50}
        left = client.request("POST", "/artifacts/filter", json=asked).json()
        assert client.read_global_concurrency_limit_by_name(schedule.WRITER).active_slots == 0
    names = sorted(task.name.rpartition("-")[0] for task in done)
    return run.name, names, {one["key"]: one["data"] for one in left}


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
    name, tasks, left = shown(collected, 3)
    assert name == "hackernews"
    assert tasks == ["import", "read sources", "screen"]
    (row,) = json.loads(left["collected"])
    assert (row["source"], row["rows in"], row["new"], row["spans missed"]) == ("hackernews", 40, 40, 0)

    judged = schedule.judge_flow(str(db), return_state=True)
    assert judged.is_completed()
    assert f"snapshot {find_snapshot(db).id}" in str(judged.message)
    name, tasks, left = shown(judged, 5)
    assert name == "label, link, publish"
    assert tasks == ["import", "label", "link", "publish", "screen"]
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
    assert [row["source"] for row in json.loads(shown(state, 3)[2]["collected"])] == ["lemmy", "hackernews"]
    copied = schedule.backup_flow(str(db), return_state=True)
    assert copied.is_completed()
    assert "sha256" in shown(copied, 0)[2]["backup"]
    kept = schedule.retention_flow(str(db), return_state=True)
    assert kept.message == "0 texts purged, 0 old snapshots dropped"
