"""What a Prefect server of one's own must know before its workers are started: `python -m flows.workers`.

A pool for the workers, the schedule that `offscript serve` keeps, that one run writes at a time, and that a run whose
worker died has crashed: the worker cannot say so any more. To be run again after a change of the cadence.

`prefect deploy` is not used: with Prefect 3.8 on FastAPI 0.152 it ends with an error after the first deployment.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from flows.cadence import turns
from flows.schedule import deployments, limit_writers
from flows.settings import Settings, quiet_prefect

POOL: Final = "offscript"
CRASHED: Final = "offscript: a run whose worker died"
BEAT: Final = "prefect.flow-run.heartbeat"
SILENT: Final = timedelta(seconds=90)
"""Three heartbeats of 30 seconds (PREFECT_FLOWS_HEARTBEAT_FREQUENCY=30, which the workers need)."""


def prepare(db: Path) -> list[str]:
    """Register pool, schedule, limit and watch at the server; return the names of the deployments."""
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"), overwrite=True)
    limit_writers()
    mark_crashed_runs()
    sources, chores = turns()
    made = deployments(db, sources, chores, datetime.now(UTC))
    for each in made:
        each.apply(work_pool_name=POOL)
    return [f"{each.flow_name}/{each.name}" for each in made]


def mark_crashed_runs() -> None:
    """Have the server mark a run as crashed once it is silent; what it stored is kept, the next run goes on there."""
    ends = (f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed"))
    automation = AutomationCore(
        name=CRASHED,
        trigger=EventTrigger(
            after={BEAT},
            expect={BEAT, *ends},
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENT,
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message="Its worker died, or lost the server. What it stored is kept; the next run goes on there.",
            )
        ],
    )
    with get_client(sync_client=True) as client:
        held = client.read_automations_by_name(CRASHED)
        if held:
            client.update_automation(held[0].id, automation)
        else:
            client.create_automation(automation)


def main() -> int:
    """Prepare the server at PREFECT_API_URL for the working file at OFFSCRIPT_DB."""
    quiet_prefect()
    if not os.environ.get("PREFECT_API_URL"):
        sys.stderr.write("set PREFECT_API_URL to the address of your Prefect server, as http://10.0.0.5:4200/api\n")
        return 1
    names = prepare(Settings().db.resolve())
    sys.stdout.write(f"{len(names)} deployments: {', '.join(names)}\n")
    sys.stdout.write(
        f"start workers: PREFECT_FLOWS_HEARTBEAT_FREQUENCY=30 prefect worker start --pool {POOL} --limit 1\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
