"""The command line: a thin mirror of the library. Prefect and torch are imported only by the commands that use them."""

import json
import os
import subprocess
import sys
from importlib.metadata import version as package_version
from importlib.resources import files as resource_files
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from flows.errors import OffscriptError
from flows.settings import Settings, quiet_prefect
from warehouse.connect import WarehouseError
from warehouse.migrate import MigrationError

SET_ASIDE = 3
_FILE = click.Path(path_type=Path)


class _Cli(click.Group):
    """Prints our own errors as one line; a traceback is for what we did not foresee."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401
        from classifiers.encoder import WeightsError
        from classifiers.items import GoldError

        try:
            return super().invoke(ctx)
        except (OffscriptError, WarehouseError, MigrationError, WeightsError, GoldError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Cli, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_version("offscript"))
def main() -> None:
    """Offscript: the open observatory of AI agents that act outside their instructions."""


def _db_option(command: Any) -> Any:  # noqa: ANN401
    return click.option(
        "--db",
        type=_FILE,
        default=lambda: Settings().db,
        show_default="OFFSCRIPT_DB or data/offscript.duckdb",
        help="Working file; snapshots are published beside it.",
    )(command)


def _console() -> Console:
    return Console(stderr=True, highlight=False)


@main.command()
@click.option("--sample", is_flag=True, help="Run on the shipped record of public events.")
@click.option("--import", "importing", is_flag=True, help="Run on the FILES given (JSON Lines, plain or gzip).")
@click.option("--coverage", help="What the files cover: 2025-10-01..2026-03-31, or unknown (the default).")
@click.option("--since", default="7d", show_default=True, help="How far back public sources are read: 12h, 7d, a date.")
@_db_option
@click.argument("files", nargs=-1, type=_FILE)
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
@_db_option
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
    with open_working(db) as con, progress.shown(_console()):
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
@_db_option
@click.argument("files", nargs=-1, required=True, type=_FILE)
def import_(coverage: str | None, db: Path, files: tuple[Path, ...]) -> None:
    """Import FILES, label, link and publish (as `run --import`)."""
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
    quiet_prefect()
    from flows import headline, progress
    from flows.ingest import ingest, publish

    console = _console()
    with progress.shown(console):
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


@main.command("label-pending")
@_db_option
def label_pending(db: Path) -> None:
    """Judge every report that the present instrument has not judged."""
    from classifiers.label import load_labeller
    from flows import progress, steps
    from flows.settings import author_key
    from warehouse import runs
    from warehouse.connect import open_working

    with open_working(db) as con, progress.shown(_console()):
        run_id = runs.start(con, "label-pending", package_version("offscript"))
        kept = steps.screen_pending(con, key=author_key(db), run_id=run_id)
        labeller = load_labeller()
        labelled = steps.label_pending(con, labeller, run_id=run_id)
        runs.finish(con, run_id, counts={"kept": kept, "labelled": labelled}, instrument=labeller.instrument)
    click.echo(f"{labelled} labelled by {labeller.instrument}")


@main.command("link-pending")
@_db_option
def link_pending(db: Path) -> None:
    """Join strict reports of one event into incidents."""
    from flows import progress, steps
    from warehouse import runs
    from warehouse.connect import open_working

    with open_working(db) as con, progress.shown(_console()):
        run_id = runs.start(con, "link-pending", package_version("offscript"))
        opened = steps.link_pending(con, run_id=run_id)
        runs.finish(con, run_id, counts={"opened": opened}, instrument=None)
    click.echo(f"{opened} new incidents")


@main.command()
@_db_option
def publish(db: Path) -> None:
    """Check the working file and publish a snapshot."""
    quiet_prefect()
    from flows.ingest import publish as publish_flow

    published = publish_flow(str(db))
    click.echo(f"{'published' if published.new else 'unchanged:'} {published.snapshot.path} sha256 {published.sha256}")


@main.command()
@click.argument("source", type=_FILE)
@click.option("--out", type=_FILE, required=True, help="Label lines, one per input line, same order.")
@click.option("--all", "judge_all", is_flag=True, help="Judge also what the screen would drop.")
def label(source: Path, out: Path, judge_all: bool) -> None:
    """Label IN.jsonl[.gz] without a database: one line in, one line out, same order."""
    from flows.files import label_file

    counts = label_file(source, out, screened=not judge_all, console=_console())
    click.echo(", ".join(f"{status} {number}" for status, number in counts.items()), err=True)
    if counts.get("rejected"):
        sys.exit(SET_ASIDE)


@main.command()
@click.argument("source", type=_FILE)
@click.option("--out", type=_FILE, required=True, help="Link lines, one per input line, same order.")
@click.option("--merge", type=click.Choice(["tight", "normal", "loose"]), default="normal", show_default=True)
def link(source: Path, out: Path, merge: Any) -> None:  # noqa: ANN401
    """Join the reports of IN.jsonl[.gz] that tell one event, without a database."""
    from flows.files import link_file

    number, events, rejected = link_file(source, out, merge)
    click.echo(f"{number} reports, {events} incidents, {rejected} lines set aside", err=True)
    if rejected:
        sys.exit(SET_ASIDE)


@main.command()
@click.argument("gold", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def evaluate(gold: Path, as_json: bool) -> None:
    """Measure the instrument on labelled texts, with intervals, by source and kind."""
    from flows.files import evaluate_file

    evaluation = evaluate_file(gold, console=_console())
    click.echo(json.dumps(evaluation.to_json(), indent=1) if as_json else evaluation.to_table())


@main.command()
@click.option("--from", "start", help="First month, as 2025-10.")
@click.option("--to", "end", help="Last month, as 2026-03.")
@click.option("--by", type=click.Choice(["behaviour", "source", "agent", "vendor"]))
@click.option("--merge", type=click.Choice(["tight", "normal", "loose"]), default="normal", show_default=True)
@click.option("--snapshot", help="Id of an older snapshot.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@_db_option
def trends(
    start: str | None,
    end: str | None,
    by: Any,  # noqa: ANN401
    merge: Any,  # noqa: ANN401
    snapshot: str | None,
    as_json: bool,
    db: Path,
) -> None:
    """Monthly strict incidents with coverage, from the published snapshot."""
    from flows.files import month
    from warehouse.connect import open_snapshot
    from warehouse.trends.series import monthly

    with open_snapshot(db, snapshot) as (con, found):
        series = monthly(con, by=by, start=month("--from", start), end=month("--to", end), merge=merge)
        if as_json:
            click.echo(json.dumps({"snapshot": found.id, **series.to_json()}, indent=1))
        else:
            click.echo(f"{series.to_table()}\nsnapshot {found.id}")


@main.command("rate-ratio")
@click.argument("before", type=int)
@click.argument("after", type=int)
@click.option(
    "--exposure", type=float, nargs=2, default=(1.0, 1.0), show_default=True, help="Time or volume behind each."
)
@click.option("--dispersion", type=float, help="Variance over mean; without it a table for 1, 2.9, 4 and 8.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def rate_ratio(before: int, after: int, exposure: tuple[float, float], dispersion: float | None, as_json: bool) -> None:
    """Ratio of two counts: exact and over-dispersed 95 % intervals, each test named."""
    from warehouse.trends import statistics

    try:
        found = statistics.rate_ratio(before, after, exposure=exposure, dispersion=dispersion)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(json.dumps(found.to_json(), indent=1) if as_json else statistics.format_rate_ratio(found))


@main.command()
@click.argument("sql")
@click.option("--snapshot", help="Id of an older snapshot.")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values.")
@_db_option
def query(sql: str, snapshot: str | None, as_csv: bool, db: Path) -> None:
    """Run one SELECT on the published snapshot (read-only; limits on time, memory and rows)."""
    from flows.files import answer_table
    from warehouse.query import query as ask

    answer = ask(db, sql, snapshot_id=snapshot)
    click.echo(answer_table(answer, as_csv=as_csv), nl=False)
    if answer.cut:
        click.echo(f"cut after {len(answer.rows)} rows: add a LIMIT, or export the tables", err=True)


@main.command()
@click.argument("folder", type=_FILE)
@click.option("--snapshot", help="Id of an older snapshot.")
@_db_option
def export(folder: Path, snapshot: str | None, db: Path) -> None:
    """Write the published tables to FOLDER: CSV, Parquet, datapackage.json, dictionary, checksums."""
    from warehouse.connect import find_snapshot
    from warehouse.export import export_snapshot

    found = find_snapshot(db, snapshot)
    written = export_snapshot(found, folder)
    click.echo(f"{len(written)} files in {folder}, from snapshot {found.id}")


@main.command()
@click.option("--check", type=_FILE, help="Compare with a file and exit 1 if it differs.")
def dictionary(check: Path | None) -> None:
    """Print the data dictionary as Markdown."""
    from warehouse.dictionary import dictionary as generated

    text = generated()
    if check is None:
        click.echo(text, nl=False)
    elif check.read_text("utf-8") != text:
        msg = f"{check} differs from the schema: offscript dictionary > {check}"
        raise click.ClickException(msg)


@main.command()
@_db_option
def sources(db: Path) -> None:
    """List the sources: ready or what they need, up to when they were read, posts a day, silence; and the platforms."""
    from flows.files import platforms_table, sources_table

    click.echo(sources_table(db))
    click.echo(platforms_table(db), nl=False)


@main.command()
@click.argument("gold", nargs=-1, type=_FILE)
@click.option("--open", "open_only", is_flag=True, help="Use only texts that are ours: all a plain clone has.")
@click.option("--out", type=_FILE, help="Folder of the artefact and its card; the default is the package itself.")
@click.option("--labels", type=_FILE, help="Folder of the per-item labels and predictions; the default is --out.")
@click.option("--pool", "pools", multiple=True, type=_FILE, help="Unlabelled posts, to count flagged posts per 10,000.")
@click.option("--seed", type=int, default=0, show_default=True)
def train(
    gold: tuple[Path, ...], open_only: bool, out: Path | None, labels: Path | None, pools: tuple[Path, ...], seed: int
) -> None:
    """Fit the instrument on GOLD files; write the artefact, its card and per-item predictions.

    Without GOLD files the shipped texts are used; then --out is needed, for such an artefact is weaker than the
    shipped one and must not replace it by accident.
    """
    if not gold and out is None:
        msg = "name GOLD files, or --out DIR to train on the shipped texts alone"
        raise click.UsageError(msg)
    from classifiers.train import train as fit

    package = Path(str(resource_files("classifiers")))
    files = gold or (package / "gold" / "own_words.jsonl",)
    record = Path(str(resource_files("warehouse"))) / "sample" / "record.jsonl"
    card = fit(
        files, out or package / "model", open_only=open_only, seed=seed, pools=pools, record=record, labels=labels
    )
    click.echo(f"instrument {card['instrument']}, cross-validated; everything else is in the card")
    for section, names in (
        ("strict_grey_apart", ("f1", "precision", "recall", "average_precision")),
        ("behaviours", ("macro_f1",)),
    ):
        for name in names:
            found = card["quality"]["sections"][section][name]
            interval = f"({found['low']:.3f}-{found['high']:.3f})" if found["value"] is not None else "insufficient"
            click.echo(f"  {section} {name} {found['value']} {interval}, n = {found['n']}")
    if card["stream"]:
        click.echo(f"  flagged per 10,000 posts drawn from the pools: {card['stream']['flagged_per_10000']}")


@main.command()
@click.option("--port", type=int, default=8501, show_default=True)
@_db_option
def dashboard(port: int, db: Path) -> None:
    """Open the dashboard on the published snapshot (loopback only)."""
    main_py = Path(str(resource_files("app"))) / "main.py"
    click.echo(f"http://localhost:{port}", err=True)
    command = [sys.executable, "-m", "streamlit", "run", str(main_py), "--server.port", str(port)]
    command += ["--server.address", "127.0.0.1", "--server.headless", "true", "--browser.gatherUsageStats", "false"]
    sys.exit(subprocess.run(command, env={**os.environ, "OFFSCRIPT_DB": str(db)}, check=False).returncode)  # noqa: S603
