"""Commands over one incident: why it is what it is, and its export."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from flows.cli.base import db_option, main
from flows.settings import Settings


@contextmanager
def _opened(db: Path, snapshot: str | None, working: bool) -> Iterator[tuple[Any, str]]:
    """Open the snapshot, or the working file of the operator; yield the connection and which it is."""
    from warehouse.connect import open_snapshot, open_working

    if working:
        with open_working(db) as con:
            yield con, "working file"
    else:
        with open_snapshot(db, snapshot) as (con, found):
            yield con, found.id


@main.command()
@click.argument("incident", type=int)
@click.option(
    "--as-of", "day", type=click.DateTime(["%Y-%m-%d"]), help="How the number stood at the end of a day, UTC."
)
@click.option("--working", is_flag=True, help="Ask the working file, which also knows the raw items.")
@click.option("--snapshot", help="Id of an older snapshot.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@db_option
def why(incident: int, day: datetime | None, working: bool, snapshot: str | None, as_json: bool, db: Path) -> None:
    """Show what stands behind INCIDENT: reports, links, labels, spans, runs; and the figures it counts in."""
    from warehouse import why as audit

    with _opened(db, snapshot, working) as (con, source):
        if day is not None:
            stood = audit.as_of(con, incident, day.replace(tzinfo=UTC) + timedelta(days=1, microseconds=-1))
            click.echo(json.dumps(stood, indent=1, default=str) if as_json else _stood(stood))
            return
        found = audit.trail(con, incident)
    if as_json:
        click.echo(json.dumps({"source": source, **found}, indent=1, default=str))
    else:
        click.echo(f"{audit.told(found)}\n{source}")


def _stood(stood: dict[str, Any]) -> str:
    redirected = f", redirects to {stood['incident']}" if stood["redirects_to"] else ""
    members = [f"  {row['report_id']} since {row['since']:%Y-%m-%d %H:%M}" for row in stood["members"]]
    head = f"incident {stood['asked']} on {stood['as_of']:%Y-%m-%d}: given {stood['opened_at']:%Y-%m-%d}{redirected}"
    return "\n".join([f"{head}, {len(members)} reports", *members])


@main.command()
@click.argument("number", type=int)
@click.option("--format", "form", type=click.Choice(["json", "markdown", "citation"]), default="markdown")
@click.option("--snapshot", help="Id of an older snapshot.")
@db_option
def incident(number: int, form: str, snapshot: str | None, db: Path) -> None:
    """Print one incident with its permanent address: as JSON, Markdown or a citation."""
    from warehouse.present.citation import export
    from warehouse.why import trail

    with _opened(db, snapshot, working=False) as (con, source):
        found = trail(con, number)
    click.echo(export(found, form, snapshot=source, site=Settings().site), nl=False)
