"""What runs for months, as Prefect flows: thin wrappers around the plain functions.

Sources of one cadence are one deployment and are read side by side by its one writer: one after another, an hour
would not be enough for all that are read hourly.

Each run leaves a table in Prefect's UI: what came in, what was kept, labelled and opened, and how far reading got.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy, State
from prefect.concurrency.sync import concurrency
from prefect.deployments.runner import RunnerDeployment
from prefect.runtime import flow_run
from prefect.schedules import Interval
from prefect.states import Completed, Failed
from prefect.types.entrypoint import EntrypointType

from flows import children, housekeeping
from flows.cadence import Turn, told
from flows.collectors import statuses
from flows.ingest import Ingested, ingest, publish
from flows.settings import Settings
from flows.source_reader import Outcome
from warehouse.connect import open_snapshot
from warehouse.publish import Published

WRITER = "offscript-writer"
# A writer that waits longer than this for another one is stuck behind something a person should see.
PATIENCE = 3600.0
# A writer that was killed holds its turn until its lease ends: the least that Prefect grants. A living one renews it.
LEASE = 60.0


def as_task(name: str, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
    """Run a step as a Prefect task: its result is in the warehouse, so nothing is cached, persisted or retried."""
    step: Any = task(name=name, cache_policy=NO_CACHE, persist_result=False, retries=0)(function)
    return step(*arguments, **named)


def _mine() -> Any:  # noqa: ANN401 - Prefect's context manager
    """Take the writer's turn: one at a time over all processes that share a Prefect server."""
    children.die_with_parent()
    return concurrency(WRITER, occupy=1, timeout_seconds=PATIENCE, lease_duration=LEASE)


def _names() -> str:
    return ", ".join(flow_run.parameters["sources"])


@flow(name="collect", flow_run_name=_names, validate_parameters=False)
def collect_flow(db: str, sources: list[str], since: str = "7d") -> State[Any]:
    """Read public sources side by side and screen what they gave."""
    with _mine():
        done = ingest(db, [], sources=sources, since=since, command="collect", judge=False, step=as_task, wait=PATIENCE)
    create_table_artifact(_collected_rows(done), key="collected", description=f"{done.kept} kept by the screen")
    return _state(done.sources)


def _collected_rows(done: Ingested) -> list[dict[str, Any]]:
    return [
        {
            "source": outcome.source,
            "state": outcome.state,
            "rows in": outcome.served,
            "new": outcome.new,
            "set aside": outcome.rejected,
            "spans read": outcome.spans,
            "spans missed": outcome.missed,
            "deleted at the source": outcome.gone,
            "remark": outcome.detail,
        }
        for outcome in done.sources
    ]


def _state(outcomes: Sequence[Outcome]) -> State[Any]:
    """Return the run's state: what a source could not give shows in the UI's colour, without a traceback."""
    remarks = "; ".join(f"{outcome.source}: {outcome.detail}" for outcome in outcomes if outcome.detail)
    if any(outcome.state == "failed" for outcome in outcomes):
        return Failed(message=remarks)
    if any(outcome.state == "partial" for outcome in outcomes):
        return Completed(name="Partial", message=remarks)
    return Completed(message=f"{sum(outcome.new for outcome in outcomes)} new")


@flow(name="judge", flow_run_name="label, link, publish", validate_parameters=False)
def judge_flow(db: str) -> State[Any]:
    """Label and link what is pending, then publish a snapshot if anything changed."""
    with _mine():
        done = ingest(db, [], command="judge", step=as_task, wait=PATIENCE)
        published = publish(db, step=as_task, wait=PATIENCE)
    create_markdown_artifact(_published_page(Path(db), done, published), key="published", description="The snapshot")
    return Completed(message=f"{done.labelled} labelled, {done.opened} new incidents, snapshot {published.snapshot.id}")


def _published_page(db: Path, done: Ingested, published: Published) -> str:
    with open_snapshot(db, published.snapshot.id) as (con, _):
        rows = statuses(con)
        strict = con.execute("SELECT count(*) FROM incidents WHERE is_strict").fetchone() or (0,)
    lines = [
        f"## {published.snapshot.id} ({'new' if published.new else 'nothing new to publish'})",
        "",
        "| kept | labelled | new incidents | strict incidents in all |",
        "| --- | --- | --- | --- |",
        f"| {done.kept} | {done.labelled} | {done.opened} | {strict[0]} |",
        "",
        "| source | read to | silent since | posts a day | hours missed |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        if row.last_read is None and not row.missed_hours:
            continue
        a_day = "" if row.posts_a_day is None else f"{row.posts_a_day:,.0f}"
        silent = _at(row.silent_since) if row.silent_since else ""
        lines.append(f"| {row.source} | {_at(row.last_read)} | {silent} | {a_day} | {row.missed_hours:,.1f} |")
    return "\n".join(lines)


def _at(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M}" if when else "never"


@flow(name="retention", flow_run_name="texts past their term", validate_parameters=False)
def retention_flow(db: str) -> State[Any]:
    """Purge texts past their term."""
    with _mine():
        report = housekeeping.retain(Path(db), wait=PATIENCE)
        dropped = housekeeping.thin_snapshots(Path(db), Settings().snapshot_days, datetime.now(UTC))
    create_table_artifact(report.rows, key="retention", description="Texts purged because their term is over")
    return Completed(message=f"{report.purged} texts purged, {len(dropped)} old snapshots dropped")


@flow(name="backup", flow_run_name="copy and verify", validate_parameters=False)
def backup_flow(db: str) -> State[Any]:
    """Copy the working file, verify the copy, and drop the oldest ones."""
    with _mine():
        made = housekeeping.back_up(Path(db), wait=PATIENCE)
    create_markdown_artifact(f"`{made.path}`\n\nsha256 `{made.sha256}`, {made.rows:,} rows", key="backup")
    return Completed(message=str(made.path.name))


_CHORES: dict[str, Any] = {
    "judge": judge_flow,
    "retention": retention_flow,
    "backup": backup_flow,
}


def deployments(db: Path, sources: Sequence[Turn], chores: Sequence[Turn], now: datetime) -> list[RunnerDeployment]:
    """Return what is run when: one deployment for each cadence of sources and one for each chore, never two at once."""
    alike: dict[timedelta, list[str]] = defaultdict(list)
    for turn in sources:
        if turn.every:
            alike[turn.every].append(turn.name)
    out = []
    first = now + timedelta(seconds=5)
    for every, names in sorted(alike.items()):
        given = {"db": str(db), "sources": names, "since": Settings().since}
        out.append(_deployment(collect_flow, f"every-{told(every)}", every, first, given))
        first += timedelta(seconds=2)
    for turn in chores:
        if turn.every:
            # The first look at the posts comes soon; the rest after a full turn.
            at = first if turn.name == "judge" else first + turn.every
            first += timedelta(seconds=2)
            out.append(_deployment(_CHORES[turn.name], turn.name, turn.every, at, {"db": str(db)}))
    return out


def _deployment(
    function: Any,  # noqa: ANN401 - Prefect's flow type keeps no signature
    name: str,
    every: timedelta,
    first: datetime,
    parameters: dict[str, Any],
) -> RunnerDeployment:
    made: RunnerDeployment = function.to_deployment(
        name,
        schedule=Interval(every, anchor_date=first),
        parameters=parameters,
        tags=["offscript"],
        description=function.description,
        # A run still going when the next is due makes that one superfluous: it would find nothing to do.
        concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return made


def limit_writers() -> None:
    """Tell the Prefect server that one run writes at a time."""

    async def limit() -> None:
        async with get_client() as client:
            await client.upsert_global_concurrency_limit_by_name(WRITER, 1)

    asyncio.run(limit())


def main(db: Path) -> None:
    """Register the schedule and run what is due until told to stop; called in a process of its own by `serve`."""
    from prefect import serve

    from flows.cadence import turns

    children.die_with_parent()
    limit_writers()
    sources, chores = turns()
    serve(*deployments(db, sources, chores, datetime.now(UTC)), limit=1, print_starting_message=False)


if __name__ == "__main__":
    # Flows are found again by module path: not as part of __main__.
    from flows.schedule import main as run_schedule

    run_schedule(Path(os.environ["OFFSCRIPT_DB"]))
