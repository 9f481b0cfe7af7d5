"""Commands over the published series and what is computed from them."""

import json
from pathlib import Path
from typing import Any

import click

from flows.cli.base import db_option, main
from warehouse.schema.models import MERGES


@main.command()
@click.option("--from", "start", help="First month or day, as 2025-10 or 2025-10-06.")
@click.option("--to", "end", help="Last month or day, as 2026-03.")
@click.option("--per", type=click.Choice(["day", "week", "month"]), default="month", show_default=True)
@click.option("--by", type=click.Choice(["behaviour", "action", "agent", "vendor", "source", "evidence", "gravity"]))
@click.option(
    "--what",
    type=click.Choice(["incidents", "reports", "first_hand"]),
    default="incidents",
    show_default=True,
    help="What is counted; first_hand leaves out incidents that are only passed on.",
)
@click.option("--merge", type=click.Choice(MERGES), default="normal", show_default=True)
@click.option("--snapshot", help="Id of an older snapshot.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@db_option
def trends(
    start: str | None,
    end: str | None,
    per: Any,  # noqa: ANN401
    by: Any,  # noqa: ANN401
    what: Any,  # noqa: ANN401
    merge: Any,  # noqa: ANN401
    snapshot: str | None,
    as_json: bool,
    db: Path,
) -> None:
    """Strict incidents or reports per day, week or month with coverage, from the published snapshot."""
    from flows.files import first_day, last_day
    from warehouse.connect import open_snapshot
    from warehouse.labels import current_card
    from warehouse.present.merging import merging
    from warehouse.trends.series import counted

    window = {"start": first_day("--from", start), "end": last_day("--to", end)}
    with open_snapshot(db, snapshot) as (con, found):
        try:
            series = counted(con, what, per=per, by=by, merge=merge, **window)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        error_of_joining = merging(current_card(con), merge)
        if as_json:
            told = {"snapshot": found.id, "merging": error_of_joining, **series.to_json()}
            click.echo(json.dumps(told, indent=1))
        else:
            click.echo(f"{series.to_table()}\n{error_of_joining}\nsnapshot {found.id}")
