"""The Prefect flows: thin wrappers around the plain steps of `collect` and `steps`."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import duckdb
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from classifiers.label import Labeller, load_labeller
from flows import collect, review, steps
from flows.collect import Collected, Coverage
from flows.collect_source import Outcome
from flows.collectors import parse_span, run_sources
from flows.queries import load_queries
from flows.settings import author_key
from warehouse import raw, runs
from warehouse.connect import open_working
from warehouse.publish import Published
from warehouse.publish import publish as publish_snapshot
from warehouse.references import load_references

VERSION = package_version("offscript")


@dataclass(frozen=True)
class Ingested:
    """What one run did: new items, kept by the screen, labels written, incidents opened, lines set aside.

    `sources` holds what reading each public source came to.
    """

    run_id: str
    new_items: int
    kept: int
    labelled: int
    opened: int
    rejected: int
    sources: tuple[Outcome, ...] = ()


def _task(name: str, function: Any) -> Any:  # noqa: ANN401 - Prefect's task type keeps no signature
    # A step's result is in the warehouse: nothing to cache, nothing to persist, no retry of what is not the network.
    return task(name=name, cache_policy=NO_CACHE, persist_result=False, retries=0)(function)


def _collect(
    con: duckdb.DuckDBPyConnection, files: list[Path], sample: bool, coverage: Coverage | None, key: bytes, run_id: str
) -> Collected:
    collect.load_platforms(con)
    load_references(con)
    collected = Collected()
    if sample:
        collected += collect.load_sample(con, key=key, run_id=run_id)
    for path in files:
        collected += collect.import_file(con, path, coverage=coverage, key=key, run_id=run_id)
    return collected


_collect_task = _task("collect", _collect)
_sources_task = _task("read sources", run_sources)
_screen_task = _task("screen", steps.screen_pending)
_label_task = _task("label", steps.label_pending)
_link_task = _task("link", steps.link_pending)
_publish_task = _task("publish", publish_snapshot)


@flow(name="ingest", validate_parameters=False)
def ingest(
    db: str,
    files: list[str],
    sample: bool = False,
    coverage: str | None = None,
    sources: list[str] | None = None,
    since: str = "7d",
    until: str | None = None,
    command: str = "ingest",
) -> Ingested:
    """Collect (or import), screen, label and link, each step resumable; one writer holds the working file.

    Args:
        db: the working file.
        files: JSON Lines files to import.
        sample: also load the shipped record.
        coverage: `FROM..TO` or `unknown`, what is known of the files' completeness.
        sources: public sources to read; an empty list means all that are ready, None means none.
        since: how far back they are read: `7d`, `12h`, `4w` or a date.
        until: up to when, None for now.
        command: what the log of runs says was run.
    """
    stated = Coverage.parse(coverage)
    window = parse_span(since, until, datetime.now(UTC))
    path = Path(db)
    with open_working(path) as con:
        run_id = runs.start(con, command, VERSION, load_queries().version if sources is not None else None)
        key = author_key(path)
        labeller: Labeller | None = None
        error: str | None = "stopped before the end"
        counts: dict[str, int] = {}
        try:
            collected: Collected = _collect_task(con, [Path(file) for file in files], sample, stated, key, run_id)
            outcomes: list[Outcome] = []
            if sources is not None:
                outcomes = _sources_task(con, sources, window, key=key, run_id=run_id)
            kept = _screen_task(con, key=key, run_id=run_id)
            labeller = load_labeller()
            labelled = _label_task(con, labeller, run_id=run_id)
            decided = review.take_in(con, path, run_id=run_id)
            opened = _link_task(con, run_id=run_id)
            review.draw_due(con, run_id=run_id)
            new = collected.new + sum(outcome.new for outcome in outcomes)
            rejected = collected.rejected + decided.set_aside + sum(outcome.rejected for outcome in outcomes)
            done = Ingested(run_id, new, kept, labelled, opened, rejected, tuple(outcomes))
            numbers = {name: value for name, value in asdict(done).items() if isinstance(value, int)}
            counts = numbers | raw.counts(con)
            error = None
        finally:
            runs.finish(con, run_id, counts=counts, instrument=labeller.instrument if labeller else None, error=error)
    return done


@flow(name="publish", validate_parameters=False)
def publish(db: str) -> Published:
    """Check the working file, publish a snapshot of it, and write what reviewers are asked beside it."""
    path = Path(db)
    with open_working(path) as con:
        review.apply_decisions(con, path, version=VERSION)
        published: Published = _publish_task(con, path, version=VERSION)
        review.write_queue(con, path)
    return published
