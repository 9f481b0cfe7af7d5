"""Commands over what is published: figures, tables, the page."""

import json
import os
import subprocess
import sys
from importlib.resources import files as resource_files
from pathlib import Path
from typing import Any

import click

from flows.cli.base import FILE, db_option, main
from flows.settings import quiet_prefect


@main.command()
@db_option
def publish(db: Path) -> None:
    """Check the working file and publish a snapshot."""
    quiet_prefect()
    from flows.ingest import publish as publish_flow

    published = publish_flow(str(db))
    click.echo(f"{'published' if published.new else 'unchanged:'} {published.snapshot.path} sha256 {published.sha256}")


@main.command()
@click.option("--from", "start", help="First month, as 2025-10.")
@click.option("--to", "end", help="Last month, as 2026-03.")
@click.option("--by", type=click.Choice(["behaviour", "source", "agent", "vendor"]))
@click.option("--merge", type=click.Choice(["tight", "normal", "loose"]), default="normal", show_default=True)
@click.option("--snapshot", help="Id of an older snapshot.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@db_option
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
    from warehouse.trends.breaks import breaks
    from warehouse.trends.series import monthly

    with open_snapshot(db, snapshot) as (con, found):
        series = monthly(con, by=by, start=month("--from", start), end=month("--to", end), merge=merge)
        changed = [each.sentence() for each in breaks(con)]
        if as_json:
            click.echo(json.dumps({"snapshot": found.id, **series.to_json(), "breaks": changed}, indent=1))
        else:
            click.echo("\n".join([series.to_table(), *changed, f"snapshot {found.id}"]))


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


@main.command()
@click.option("--port", type=int, default=8501, show_default=True)
@db_option
def dashboard(port: int, db: Path) -> None:
    """Open the dashboard on the published snapshot (loopback only)."""
    main_py = Path(str(resource_files("app"))) / "main.py"
    click.echo(f"http://localhost:{port}", err=True)
    command = [sys.executable, "-m", "streamlit", "run", str(main_py), "--server.port", str(port)]
    command += ["--server.address", "127.0.0.1", "--server.headless", "true", "--browser.gatherUsageStats", "false"]
    sys.exit(subprocess.run(command, env={**os.environ, "OFFSCRIPT_DB": str(db)}, check=False).returncode)  # noqa: S603
