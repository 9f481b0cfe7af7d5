"""Commands over what is published: ratios, tables."""

import json
from pathlib import Path

import click

from flows.cli.base import FILE, db_option, main


@main.command()
@db_option
def publish(db: Path) -> None:
    """Check the working file and publish a snapshot."""
    from flows.ingest import publish as publish_now

    published = publish_now(str(db))
    click.echo(f"{'published' if published.new else 'unchanged:'} {published.snapshot.path} sha256 {published.sha256}")


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
@db_option
def query(sql: str, snapshot: str | None, as_csv: bool, db: Path) -> None:
    """Run one SELECT on the published snapshot (read-only; limits on time, memory and rows)."""
    from flows.files import answer_table
    from warehouse.query import query as ask

    answer = ask(db, sql, snapshot_id=snapshot)
    click.echo(answer_table(answer, as_csv=as_csv), nl=False)
    if answer.cut:
        click.echo(f"cut after {len(answer.rows)} rows: add a LIMIT, or export the tables", err=True)


@main.command()
@click.argument("folder", type=FILE)
@click.option("--snapshot", help="Id of an older snapshot.")
@db_option
def export(folder: Path, snapshot: str | None, db: Path) -> None:
    """Write the published tables to FOLDER: CSV, Parquet, datapackage.json, dictionary, checksums."""
    from warehouse.connect import find_snapshot
    from warehouse.export import export_snapshot

    found = find_snapshot(db, snapshot)
    written = export_snapshot(found, folder)
    click.echo(f"{len(written)} files in {folder}, from snapshot {found.id}")


@main.command()
@click.option("--check", type=FILE, help="Compare with a file and exit 1 if it differs.")
def dictionary(check: Path | None) -> None:
    """Print the data dictionary as Markdown."""
    from warehouse.dictionary import dictionary as generated

    text = generated()
    if check is None:
        click.echo(text, nl=False)
    elif check.read_text("utf-8") != text:
        msg = f"{check} differs from the schema: offscript dictionary > {check}"
        raise click.ClickException(msg)
