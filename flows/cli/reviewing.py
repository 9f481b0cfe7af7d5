"""Commands of reviewers: review, explain, relabel."""

from importlib.metadata import version as package_version
from pathlib import Path

import click
from rich.console import Console

from flows.cli.base import console, db_option, main
from flows.errors import InputError


@main.command()
@click.option("--reviewer", envvar="OFFSCRIPT_REVIEWER", help="Short name that your decisions carry; it is published.")
@click.option("--audit", is_flag=True, help="Ask the random audit draws instead of the most informative questions.")
@click.option("--list", "listing", is_flag=True, help="List what waits, and what is flagged; no texts.")
@click.option("--kappa", is_flag=True, help="Agreement of reviewers on the same texts, by field.")
@click.option("--decide", nargs=3, metavar="OF WHAT VALUE", help="One decision: incident:42 status confirmed.")
@click.option("--reason", help="Why, with --decide; kept private.")
@click.option("--undo", "undone", metavar="REVIEW_ID", help="Take a decision back.")
@click.option("--draw", type=int, metavar="N", help="Draw N posts for audit from all that no draw has seen yet.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of --draw.")
@db_option
def review(
    reviewer: str | None,
    audit: bool,
    listing: bool,
    kappa: bool,
    decide: tuple[str, str, str] | None,
    reason: str | None,
    undone: str | None,
    draw: int | None,
    seed: int,
    db: Path,
) -> None:
    """Answer what waits for review, one key a decision; decisions are appended to X.reviews.jsonl beside the warehouse.

    Of several reviewers the answer of more than half of them is applied; where they differ without one, nothing is,
    and a third is asked. A correction of a text that has changed since is flagged, not applied.
    """
    from flows import review as reviews
    from flows import review_desk as desk

    if draw is not None:
        drawn, waiting = reviews.draw_now(db, draw, seed=seed, version=package_version("offscript"))
        click.echo(f"{drawn} posts drawn for audit; {waiting} questions in the queue")
    elif kappa:
        for name, figure in reviews.kappas(desk.every_decision(db)).items():
            click.echo(f"{name:<14} kappa {figure}")
    elif listing:
        for line in desk.listed(db, reviewer, audit=audit):
            click.echo(line)
    else:
        if not reviewer:
            msg = "say who reviews: --reviewer NAME or OFFSCRIPT_REVIEWER"
            raise click.UsageError(msg)
        try:
            if decide:
                click.echo(desk.decide_one(db, decide, reviewer=reviewer, reason=reason))
            elif undone:
                click.echo(desk.undo_one(db, undone, reviewer=reviewer))
            else:
                desk.sit(db, reviewer, audit=audit, console=Console(highlight=False))
        except ValueError as error:
            raise InputError(str(error)) from error


@main.command()
@click.argument("report")
@db_option
def explain(report: str, db: Path) -> None:
    """Explain the label of REPORT (an id or an address): thresholds, rule hits, the words that moved it, decisions."""
    from classifiers.label import load_labeller
    from flows.explain import explained
    from flows.explain_text import show

    show(explained(db, report, load_labeller()), Console(highlight=False, soft_wrap=True))


@main.command()
@db_option
def relabel(db: Path) -> None:
    """Judge the whole warehouse with the present instrument; older labels stay, the break is stored and printed.

    Can be stopped and resumed: until every text is read, the instrument before it counts.
    """
    from classifiers.label import load_labeller
    from flows import progress, steps
    from warehouse import runs
    from warehouse.connect import open_working
    from warehouse.trends.breaks import breaks

    with open_working(db) as con, progress.shown(console()):
        run_id = runs.start(con, "relabel", package_version("offscript"))
        labeller = load_labeller()
        done = steps.label_pending(con, labeller, run_id=run_id)
        opened = steps.link_pending(con, run_id=run_id)
        counts = {"labelled": done, "opened": opened}
        runs.finish(con, run_id, counts=counts, instrument=labeller.instrument)
        found = breaks(con)
    click.echo(f"{done} labelled by {labeller.instrument}, {opened} new incidents; `offscript publish` shows them")
    for each in found:
        click.echo(each.sentence())
