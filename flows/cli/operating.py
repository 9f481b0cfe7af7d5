"""Commands that keep it running: serve, dashboard, doctor."""

import json
import os
import sys
from pathlib import Path

import click

from flows.cli.base import db_option, main
from flows.settings import Settings


@main.command()
@click.option("--dashboard-port", type=int, default=8501, show_default=True, help="0: no dashboard.")
@click.option("--health-port", type=int, default=8502, show_default=True, help="/healthz and /metrics; 0: none.")
@click.option("--prefect-port", type=int, default=4200, show_default=True, help="Of the schedule's own server.")
@db_option
def serve(dashboard_port: int, health_port: int, prefect_port: int, db: Path) -> None:
    """Collect, judge and publish on a schedule, and show the dashboard, until stopped (loopback only by default).

    Each source has its cadence (OFFSCRIPT_<SOURCE>_EVERY, as 15m, 6h, 1d or off); so have judging and publishing
    (OFFSCRIPT_JUDGE_EVERY) and the chores. With PREFECT_API_URL set, that Prefect server is used.
    """
    from flows.serve import Ports
    from flows.serve import serve as run

    ports = Ports(dashboard_port, health_port, prefect_port, Settings().bind)
    sys.exit(run(db, ports, lambda told: click.echo(told, err=True)))


@main.command()
@click.option("--offline", is_flag=True, help="Ask no source whether it answers.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@db_option
def doctor(offline: bool, as_json: bool, db: Path) -> None:
    """Look at everything it needs and say what is missing, broken or silent, and what to do.

    Exit code 0: well; 1: something failed; 3: something deserves a look.
    """
    from flows.doctor import examine, worst

    found = examine(db, offline=offline)
    if as_json:
        click.echo(json.dumps({"exit": worst(found), "findings": [finding.to_json() for finding in found]}, indent=1))
    else:
        signs = {"ok": "ok  ", "note": "note", "warn": "WARN", "fail": "FAIL"}
        for finding in found:
            click.echo(f"{signs[finding.state]}  {finding.area:<10} {finding.detail}")
            if finding.todo:
                click.echo(f"                 -> {finding.todo}")
    sys.exit(worst(found))


@main.command()
@click.option("--port", type=int, default=8501, show_default=True)
@db_option
def dashboard(port: int, db: Path) -> None:
    """Open the dashboard on the published snapshot (loopback only)."""
    from flows.serve import dashboard_command

    click.echo(f"http://localhost:{port}", err=True)
    # Not a child: whoever stops this process stops the page.
    os.execve(sys.executable, dashboard_command(port), {**os.environ, "OFFSCRIPT_DB": str(db)})  # noqa: S606
