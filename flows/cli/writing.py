"""Commands that write pages for people from a published snapshot: the brief, the feeds."""

from pathlib import Path

import click

from flows.cli.base import FILE, db_option, main
from flows.settings import Settings


@main.command()
@click.argument("month")
@click.option("--out", type=FILE, help="Folder; the default is brief-MONTH here.")
@click.option("--snapshot", help="Id of an older snapshot.")
@db_option
def brief(month: str, out: Path | None, snapshot: str | None, db: Path) -> None:
    """Write one page about MONTH (as 2026-03) for journalists: HTML and Markdown, its chart as SVG, PNG and CSV."""
    from flows.files import first_day
    from warehouse.connect import checksum, open_snapshot
    from warehouse.present.brief import brief as make
    from warehouse.present.document import write

    start = first_day("MONTH", month)
    if start is None or start.day != 1:
        msg = "name a month, as 2026-03"
        raise click.UsageError(msg)
    with open_snapshot(db, snapshot) as (con, found):
        made = make(con, start, sha256=checksum(found.path))
    folder = out or Path(f"brief-{made.month}")
    for path in write(folder, f"brief-{made.month}", made.title, made.blocks):
        click.echo(path)


@main.command()
@click.argument("folder", type=FILE)
@click.option("--snapshot", help="Id of an older snapshot.")
@db_option
def feeds(folder: Path, snapshot: str | None, db: Path) -> None:
    """Write the Atom feeds to FOLDER: incidents.atom and months.atom; OFFSCRIPT_SITE is where they will be served."""
    from warehouse.connect import open_snapshot
    from warehouse.present.feeds import incidents_feed, monthly_feed

    folder.mkdir(parents=True, exist_ok=True)
    site = Settings().site
    with open_snapshot(db, snapshot) as (con, _):
        for name, feed in (("incidents", incidents_feed), ("months", monthly_feed)):
            (folder / f"{name}.atom").write_text(feed(con, site), "utf-8")
            click.echo(folder / f"{name}.atom")


@main.command()
@click.argument("folder", type=FILE)
@click.option("--snapshot", help="Id of an older snapshot.")
@db_option
def site(folder: Path, snapshot: str | None, db: Path) -> None:
    """Write the static site to FOLDER: plain HTML and SVG, no server; OFFSCRIPT_SITE is where it will be served."""
    from warehouse.connect import checksum, open_snapshot
    from warehouse.present.site import write_site

    with open_snapshot(db, snapshot) as (con, found):
        pages = write_site(con, folder, site=Settings().site, sha256=checksum(found.path))
    click.echo(f"{pages} pages in {folder}, from snapshot {found.id}")
