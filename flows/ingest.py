"""A whole run: the plain steps of `collect` and `steps` in order. `schedule` wraps them as Prefect flows.

A run typed by hand needs no server to orchestrate it: it starts at once and leaves nothing behind when it is killed.
"""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import duckdb

from classifiers.label import Labeller, load_labeller
from flows import collect, review, steps
from flows.alerts import alert
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
from warehouse.rows import transaction
from warehouse.upkeep import compact

VERSION = package_version("offscript")
_LOG = logging.getLogger("offscript")


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


# Runs one step: `step(name, function, *arguments)`; the schedule passes one that makes a Prefect task of it.
Step = Callable[..., Any]


def plain(_name: str, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
    """Run a step as the function it is."""
    return function(*arguments, **named)


def _collect(
    con: duckdb.DuckDBPyConnection, files: list[Path], sample: bool, coverage: Coverage | None, key: bytes, run_id: str
) -> Collected:
    collect.load_platforms(con)
    with transaction(con):
        load_references(con)
    collected = Collected()
    if sample:
        collected += collect.load_sample(con, key=key, run_id=run_id)
    for path in files:
        collected += collect.import_file(con, path, coverage=coverage, key=key, run_id=run_id)
    return collected


def ingest(
    db: str,
    files: list[str],
    sample: bool = False,
    coverage: str | None = None,
    sources: list[str] | None = None,
    since: str = "7d",
    until: str | None = None,
    command: str = "ingest",
    *,
    judge: bool = True,
    step: Step = plain,
    wait: float = 0.0,
) -> Ingested:
    """Collect (or import), screen, label and link, each step resumable; one writer holds the working file.

    Args:
        db: the working file.
        files: files to import: posts as JSON Lines, Reddit dumps, exports of X and Bluesky.
        sample: also load the shipped record.
        coverage: `FROM..TO` or `unknown`, what is known of the files' completeness.
        sources: public sources to read; an empty list means all that are ready, None means none.
        since: how far back they are read: `7d`, `12h`, `4w` or a date.
        until: up to when, None for now.
        command: what the log of runs says was run.
        judge: also label and link; without it what was kept waits for a run that does.
        step: runs each step.
        wait: seconds to wait for another process that writes the working file.
    """
    stated = Coverage.parse(coverage)
    window = parse_span(since, until, datetime.now(UTC))
    path = Path(db)
    with open_working(path, wait=wait) as con:
        run_id = runs.start(con, command, VERSION, load_queries().version if files or sources is not None else None)
        key = author_key(path)
        labeller: Labeller | None = None
        error: str | None = "stopped before the end"
        counts: dict[str, int] = {}
        try:
            collected: Collected = step(
                "import", _collect, con, [Path(file) for file in files], sample, stated, key, run_id
            )
            outcomes: list[Outcome] = []
            if sources is not None:
                outcomes = step("read sources", run_sources, con, sources, window, key=key, run_id=run_id)
            kept = step("screen", steps.screen_pending, con, key=key, run_id=run_id)
            labelled = opened = set_aside = 0
            if judge:
                labeller = load_labeller()
                labelled = step("label", steps.label_pending, con, labeller, run_id=run_id)
                set_aside = review.take_in(con, path, run_id=run_id).set_aside
                opened = step("link", steps.link_pending, con, run_id=run_id)
                review.draw_due(con, run_id=run_id)
            new = collected.new + sum(outcome.new for outcome in outcomes)
            rejected = collected.rejected + set_aside + sum(outcome.rejected for outcome in outcomes)
            done = Ingested(run_id, new, kept, labelled, opened, rejected, tuple(outcomes))
            numbers = {name: value for name, value in asdict(done).items() if isinstance(value, int)}
            counts = numbers | raw.counts(con)
            error = None
        finally:
            runs.finish(con, run_id, counts=counts, instrument=labeller.instrument if labeller else None, error=error)
    return done


def publish(db: str, *, step: Step = plain, wait: float = 0.0) -> Published:
    """Apply decisions, tell what was not expected, check the file, publish it, and write what reviewers are asked."""
    path = Path(db)
    with open_working(path, wait=wait) as con:
        review.apply_decisions(con, path, version=VERSION)
        for failure in alert(con):
            _LOG.warning("alert not sent, tried again at the next publishing: %s", failure)
        # What is read from here on is read from few files.
        compact(con)
        published: Published = step("publish", publish_snapshot, con, path, version=VERSION)
        review.write_queue(con, path)
    return published
