"""Commands for texts and their owners, and for copies of the working file: retention, forget, backup, restore."""

import json
from pathlib import Path

import click

from flows.cli.base import db_option, main


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@db_option
def retention(as_json: bool, db: Path) -> None:
    """Delete texts past their term (labels and counts stay) and report what went, by platform."""
    from flows.rights import retain

    found = retain(db)
    if as_json:
        click.echo(
            json.dumps({"purged": found.purged, "set_aside": found.set_aside, "platforms": found.rows}, indent=1)
        )
        return
    click.echo(f"{'platform':<16}{'term, days':>12}{'texts gone':>12}{'not kept':>10}{'held':>10}{'gone in all':>13}")
    for row in found.rows:
        term = "none" if row["term_days"] is None else row["term_days"]
        click.echo(
            f"{row['platform']:<16}{term:>12}{row['texts']:>12,}{row['items']:>10,}{row['held']:>10,}{row['gone']:>13,}"
        )
    click.echo(f"{found.purged:,} texts deleted, {found.set_aside:,} of them lines set aside")


@main.command()
@click.argument("whom")
@click.option("--author", "whole_author", is_flag=True, help="With an address: everything by that post's author.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@db_option
def forget(whom: str, whole_author: bool, as_json: bool, db: Path) -> None:
    """Remove a person's texts everywhere; only the count of their reports stays.

    WHOM is a post's address, an author's key, or PLATFORM:ACCOUNT. The working file, review files, backups and every
    kept snapshot are written anew; X.snapshots/checksums.log says which snapshots changed.
    """
    from flows.rights import forget as forget_everywhere

    done = forget_everywhere(db, whom, whole_author=whole_author)
    if as_json:
        click.echo(json.dumps(done.to_json(), indent=1))
        return
    for file in done.files:
        click.echo(f"{file['reports']:>6} {file['file']} {file['sha256'][:16]}")
    click.echo(f"{done.reports} reports forgotten; they will not be collected again")


@main.command()
@click.option("--list", "listing", is_flag=True, help="List the copies there are, and verify each.")
@click.option("--keep", type=int, default=None, help="How many copies to keep; the default is OFFSCRIPT_BACKUPS, or 7.")
@db_option
def backup(listing: bool, keep: int | None, db: Path) -> None:
    """Copy the working file to X.backups, verify the copy, and drop the oldest ones."""
    from flows.settings import Settings
    from warehouse.backup import back_up, listed, problem_of

    if listing:
        for made in listed(db):
            click.echo(f"{made.path.stem}  {made.rows:>12,} rows  {problem_of(made) or 'good'}")
        return
    made = back_up(db, keep=Settings().backups if keep is None else keep)
    click.echo(f"{made.path} {made.rows:,} rows, sha256 {made.sha256}")


@main.command()
@click.argument("name", required=False)
@db_option
def restore(name: str | None, db: Path) -> None:
    """Put back the newest good copy, or the one NAMEd; the file it replaces is kept beside it."""
    from warehouse.backup import restore as put_back

    made, aside = put_back(db, name=name)
    click.echo(f"{db} is {made.path.stem} again: {made.rows:,} rows, verified")
    if aside:
        click.echo(f"what stood there is {aside}; delete it when it is no longer needed")
