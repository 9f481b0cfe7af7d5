"""Commands that bring posts in: run, collect, import, sources."""

import sys
from importlib.metadata import version as package_version
from pathlib import Path

import click
from rich.console import Console

from flows.cli.base import FILE, SET_ASIDE, console, db_option, main


@main.command()
@click.option("--sample", is_flag=True, help="Run on the shipped record of public events.")
@click.option("--import", "importing", is_flag=True, help="Run on the FILES given (see `import`).")
@click.option("--coverage", help="What the files cover: 2025-10-01..2026-03-31, or unknown (the default).")
@click.option("--since", default="7d", show_default=True, help="How far back public sources are read: 12h, 7d, a date.")
@db_option
@click.argument("files", nargs=-1, type=FILE)
def run(sample: bool, importing: bool, coverage: str | None, since: str, db: Path, files: tuple[Path, ...]) -> None:
    """Collect or import, label, link and publish; print the headline table.

    offscript run --sample, or offscript run --import FILE..., or offscript run: read every public source that is ready.
    Exit code 1: an error, or a source failed (what the others gave is published); 3: some input was set aside.
    """
    if files and not importing:
        msg = "files are imported with --import FILE..."
        raise click.UsageError(msg)
    if importing and not files:
        msg = "--import needs at least one FILE"
        raise click.UsageError(msg)
    command = "run --sample" if sample else "run --import" if importing else "run"
    sources = None if sample or importing else ()
    _ingest(db, files, sample=sample, coverage=coverage, sources=sources, since=since, command=command)


@main.command()
@click.option("--since", default="7d", show_default=True, help="From when on: 12h, 7d, 4w or a date.")
@click.option("--until", help="Up to when: a date; the default is now.")
@db_option
@click.argument("sources", nargs=-1)
def collect(since: str, until: str | None, db: Path, sources: tuple[str, ...]) -> None:
    """Read public SOURCES (all that are ready, if none is named) and screen what they gave; can be stopped and resumed.

    Exit code 1: a source failed; what the others gave is stored.
    """
    from datetime import UTC, datetime

    from flows import progress, steps
    from flows.collect import load_platforms
    from flows.collectors import parse_span, run_sources
    from flows.files import outcomes_table
    from flows.queries import load_queries
    from flows.settings import author_key
    from warehouse import runs
    from warehouse.connect import open_working

    window = parse_span(since, until, datetime.now(UTC))
    with open_working(db) as con, progress.shown(console()):
        run_id = runs.start(con, "collect", package_version("offscript"), load_queries().version)
        load_platforms(con)
        key = author_key(db)
        outcomes = run_sources(con, sources, window, key=key, run_id=run_id)
        kept = steps.screen_pending(con, key=key, run_id=run_id)
        failed = [outcome for outcome in outcomes if outcome.state == "failed"]
        error = "; ".join(f"{outcome.source}: {outcome.detail}" for outcome in failed) or None
        counts = {"new_items": sum(outcome.new for outcome in outcomes), "kept": kept}
        runs.finish(con, run_id, counts=counts, instrument=None, error=error)
    click.echo(outcomes_table(outcomes), nl=False)
    if failed:
        sys.exit(1)


@main.command("import")
@click.option("--coverage", help="What the files cover: 2025-10-01..2026-03-31, or unknown (the default).")
@db_option
@click.argument("files", nargs=-1, required=True, type=FILE)
def import_(coverage: str | None, db: Path, files: tuple[Path, ...]) -> None:
    """Import FILES, label, link and publish (as `run --import`).

    Posts as JSON Lines (plain or gzip); Reddit dumps (.zst, .zst_blocks); exports of X (tweets.js, pages of API v2) and
    of Bluesky (.car, records as JSON). Each is streamed and goes on where it stopped.
    """
    _ingest(db, files, sample=False, coverage=coverage, sources=None, since="7d", command="import")


def _ingest(
    db: Path,
    files: tuple[Path, ...],
    *,
    sample: bool,
    coverage: str | None,
    sources: tuple[str, ...] | None,
    since: str,
    command: str,
) -> None:
    from datetime import UTC, datetime

    from flows.collect import Coverage
    from flows.collectors import parse_span

    Coverage.parse(coverage)
    parse_span(since, None, datetime.now(UTC))
    from flows import headline, progress
    from flows.ingest import ingest, publish

    with progress.shown(console()):
        done = ingest(
            str(db),
            [str(file) for file in files],
            sample=sample,
            coverage=coverage,
            sources=None if sources is None else list(sources),
            since=since,
            command=command,
        )
        published = publish(str(db))
    headline.show(Console(highlight=False, soft_wrap=True), db, done, published, sample=sample)
    if any(outcome.state == "failed" for outcome in done.sources):
        sys.exit(1)
    if done.rejected:
        sys.exit(SET_ASIDE)


@main.command()
@db_option
def sources(db: Path) -> None:
    """List the sources: ready or what they need, last run, posts a day, silent since; and the platforms."""
    from flows.source_list import sources_list

    click.echo(sources_list(db), nl=False)
