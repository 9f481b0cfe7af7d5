"""Commands that judge and join texts, and measure the instrument that does."""

import json
import sys
from importlib.metadata import version as package_version
from importlib.resources import files as resource_files
from pathlib import Path
from typing import Any

import click

from flows.cli.base import FILE, SET_ASIDE, console, db_option, main
from warehouse.schema.models import MERGES


@main.command("label-pending")
@db_option
def label_pending(db: Path) -> None:
    """Judge every report that the present instrument has not judged."""
    from classifiers.label import load_labeller
    from flows import progress, steps
    from flows.settings import author_key
    from warehouse import runs
    from warehouse.connect import open_working

    with open_working(db) as con, progress.shown(console()):
        run_id = runs.start(con, "label-pending", package_version("offscript"))
        kept = steps.screen_pending(con, key=author_key(db), run_id=run_id)
        labeller = load_labeller()
        labelled = steps.label_pending(con, labeller, run_id=run_id)
        runs.finish(con, run_id, counts={"kept": kept, "labelled": labelled}, instrument=labeller.instrument)
    click.echo(f"{labelled} labelled by {labeller.instrument}")


@main.command("link-pending")
@db_option
def link_pending(db: Path) -> None:
    """Join strict reports of one event into incidents, as reviewers' decisions have it."""
    from flows import progress, review, steps
    from warehouse import runs
    from warehouse.connect import open_working

    with open_working(db) as con, progress.shown(console()):
        run_id = runs.start(con, "link-pending", package_version("offscript"))
        merged = review.take_in(con, db, run_id=run_id)
        opened = steps.link_pending(con, run_id=run_id)
        counts = {"decisions": merged.new, "set_aside": merged.set_aside, "opened": opened}
        runs.finish(con, run_id, counts=counts, instrument=None)
    click.echo(f"{merged.new} decisions taken in, {opened} new incidents")


@main.command()
@click.argument("source", type=FILE)
@click.option("--out", type=FILE, required=True, help="Label lines, one per input line, same order.")
@click.option("--all", "judge_all", is_flag=True, help="Judge also what the screen would drop.")
def label(source: Path, out: Path, judge_all: bool) -> None:
    """Label IN.jsonl[.gz] without a database: one line in, one line out, same order."""
    from flows.files import label_file

    counts = label_file(source, out, screened=not judge_all, console=console())
    click.echo(", ".join(f"{status} {number}" for status, number in counts.items()), err=True)
    if counts.get("rejected"):
        sys.exit(SET_ASIDE)


@main.command()
@click.argument("source", type=FILE)
@click.option("--out", type=FILE, required=True, help="Link lines, one per input line, same order.")
@click.option("--merge", type=click.Choice(MERGES), default="normal", show_default=True)
def link(source: Path, out: Path, merge: Any) -> None:  # noqa: ANN401
    """Join the reports of IN.jsonl[.gz] that tell one event, without a database."""
    from flows.files import link_file

    number, events, rejected = link_file(source, out, merge)
    click.echo(f"{number} reports, {events} incidents, {rejected} lines set aside", err=True)
    if rejected:
        sys.exit(SET_ASIDE)


@main.command()
@click.argument("gold", type=FILE)
@click.option("--lines", type=FILE, help="Label lines to compare with the labels, instead of judging the texts.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def evaluate(gold: Path, lines: Path | None, as_json: bool) -> None:
    """Measure the instrument on labelled texts, with intervals, by source and kind.

    A file of labels without texts is measured by the predictions that it holds.
    """
    from flows.files import evaluate_file

    evaluation = evaluate_file(gold, lines, console=console())
    click.echo(json.dumps(evaluation.to_json(), indent=1) if as_json else evaluation.to_table())


@main.command()
@click.argument("gold", nargs=-1, type=FILE)
@click.option("--open", "open_only", is_flag=True, help="Use only texts that are ours: all a plain clone has.")
@click.option("--out", type=FILE, help="Folder of the artefact and its card; the default is the package itself.")
@click.option("--labels", type=FILE, help="Folder of the per-item labels and predictions; the default is --out.")
@click.option("--reviews", type=FILE, help="Warehouse whose reviewed labels are learnt from too, where terms allow it.")
@click.option("--pool", "pools", multiple=True, type=FILE, help="Unlabelled posts, to count flagged posts per 10,000.")
@click.option("--seed", type=int, default=0, show_default=True)
def train(
    gold: tuple[Path, ...],
    open_only: bool,
    out: Path | None,
    labels: Path | None,
    reviews: Path | None,
    pools: tuple[Path, ...],
    seed: int,
) -> None:
    """Fit the instrument on GOLD files; write the artefact, its card and per-item predictions.

    With --reviews, what people decided in a warehouse is a further gold file: labels with a decided kind, of texts on
    platforms whose `train` is yes, and never an audit answer.

    Without GOLD files the shipped texts are used; then --out is needed, for such an artefact is weaker than the
    shipped one and must not replace it by accident.
    """
    if not gold and out is None:
        msg = "name GOLD files, or --out DIR to train on the shipped texts alone"
        raise click.UsageError(msg)
    from classifiers.train import train as fit
    from flows.review import reviewed_gold

    package = Path(str(resource_files("classifiers")))
    files = gold or (package / "gold" / "own_words.jsonl",)
    record = Path(str(resource_files("warehouse"))) / "sample" / "record.jsonl"
    with reviewed_gold(reviews) as reviewed:
        if reviews is not None and not reviewed:
            click.echo(f"{reviews}: no reviewed label may train", err=True)
        learnt = (*files, *reviewed)
        card = fit(
            learnt, out or package / "model", open_only=open_only, seed=seed, pools=pools, record=record, labels=labels
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
        found = card["stream"]
        click.echo(
            f"  of {found['drawn']:,} posts drawn from the pools: {found['share_kept_by_the_screen']:.1%} kept by the "
            f"screen, {found['share_judged']:.1%} judged; flagged per 10,000: {found['flagged_per_10000']}, "
            f"false alarms among them: {found['false_alarms_per_10000']}"
        )


@main.command()
@click.option("--limit", type=int, default=200, show_default=True, help="Texts to ask about, at most.")
@db_option
def judge(limit: int, db: Path) -> None:
    """Ask a second judge, an OpenAI-compatible model, and print how far it agrees with the instrument.

    Off unless OFFSCRIPT_JUDGE_URL and OFFSCRIPT_JUDGE_MODEL are set (OFFSCRIPT_JUDGE_KEY where it needs one,
    OFFSCRIPT_JUDGE_TOKENS bounds the cost). Its labels are stored beside the instrument's and enter no count.
    """
    from flows import progress
    from flows.judge import JudgeSettings, agreement, judge_client, judge_pending
    from warehouse import runs
    from warehouse.connect import open_working

    settings = JudgeSettings()
    client = judge_client(settings)
    with open_working(db) as con, progress.shown(console()):
        run_id = runs.start(con, "judge", package_version("offscript"))
        done = judge_pending(con, settings, client, limit=limit, run_id=run_id)
        found = agreement(con, done.instrument, run_id)
        counts = {"asked": done.asked, "judged": done.stored, "unreadable": done.unreadable, "tokens": done.tokens}
        runs.finish(con, run_id, counts=counts, instrument=done.instrument, error=done.stopped)
    click.echo(f"{done.instrument}: {', '.join(f'{number:,} {what}' for what, number in counts.items())}")
    for name, figure in found.items():
        click.echo(f"  {name:<28} kappa {figure}")
    if done.stopped:
        msg = f"stopped: {done.stopped}; what was judged is stored"
        raise click.ClickException(msg)


@main.group()
def gold() -> None:
    """The labelled posts whose texts are not ours to ship."""


@gold.command("fetch")
@click.option("--out", type=FILE, default=Path("gold.jsonl"), show_default=True, help="Gold file to write.")
def gold_fetch(out: Path) -> None:
    """Fetch the labelled posts again from where they were published; say what share came back unchanged."""
    from flows import progress
    from flows.collectors import user_agent
    from flows.gold import fetch_gold
    from flows.http import Client
    from flows.settings import Settings

    client = Client(user_agent(Settings().contact))
    with progress.shown(console()):
        found = fetch_gold(out, client)
    total = sum(found.outcomes.values())
    for outcome, number in sorted(found.outcomes.items(), key=lambda pair: -pair[1]):
        click.echo(f"{outcome:<14} {number:>5,} of {total:,}")
    for reason, number in sorted(found.reasons.items(), key=lambda pair: -pair[1]):
        click.echo(f"  {reason}: {number:,}")
    click.echo(f"{out}: {found.outcomes.get('same', 0):,} texts as labelled")


@gold.command("fingerprint")
@click.argument("source", type=FILE)
@click.option("--out", type=FILE, required=True, help="CSV of hashes, as shipped beside the labels.")
def gold_fingerprint(source: Path, out: Path) -> None:
    """Write hashes of the texts of a gold file, by which `gold fetch` knows them again."""
    from classifiers.items import read_gold
    from flows.gold import write_fingerprints

    items = [item for item in read_gold(source) if not item.shippable]
    click.echo(f"{write_fingerprints(items, out):,} texts in {out}")
