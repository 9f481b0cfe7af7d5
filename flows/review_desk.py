"""What `offscript review` does: read the private queue, append decisions, list what waits and what is flagged."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console

from flows.errors import InputError
from flows.review_terminal import Session
from warehouse.present.inert import visible
from warehouse.review.decisions import Decision, append, decide, decisions_file, in_force, read, stored, together, undo
from warehouse.review.file import open_review
from warehouse.review.items import Item, items, waiting
from warehouse.rows import fetch
from warehouse.schema import codes


def every_decision(db: Path) -> list[Decision]:
    """Return the decisions merged so far and those only in the file, each once."""
    with open_review(db) as con:
        return together(stored(con), read(decisions_file(db))[0])


def _queue(db: Path) -> list[Item]:
    with open_review(db) as con:
        return items(con)


def _asked(item: Item, *, audit: bool) -> bool:
    return (item.question == "audit") == audit


def sit(db: Path, reviewer: str, *, audit: bool, console: Console) -> int:
    """Ask a reviewer what waits; return how many questions were answered."""
    queue = [item for item in waiting(_queue(db), every_decision(db), reviewer) if _asked(item, audit=audit)]
    if not queue:
        console.print("Nothing waits for you: the queue is made anew at every publish.")
        return 0
    # The name is checked before the first question, not after it.
    decide("x", "same", "y", reviewer=reviewer)

    def key() -> str:
        return click.getchar() if sys.stdin.isatty() else sys.stdin.read(1)

    def line(ask: str) -> str:
        return str(click.prompt(ask, default="", show_default=False))

    return Session(console, decisions_file(db), reviewer, key, line).run(queue)


def listed(db: Path, reviewer: str | None, *, audit: bool) -> Iterator[str]:
    """Yield a line for each waiting question, then for each decision that is flagged and each line set aside."""
    decisions = every_decision(db)
    queue = [item for item in waiting(_queue(db), decisions, reviewer or "") if _asked(item, audit=audit)]
    for item in queue:
        other = f" and {item.other.report_id}" if item.other else ""
        told = f"{item.question:<6} {item.shown.report_id}{other}  {'; '.join(item.reasons)}  {item.shown.url or ''}"
        yield visible(told).rstrip()
    yield f"{len(queue)} questions wait{f' for {reviewer}' if reviewer else ''}"
    with open_review(db) as con:
        flagged = fetch(
            con,
            "SELECT * FROM decision_outcomes WHERE outcome IN ('text_changed', 'disputed', 'no_report') "
            "ORDER BY outcome, review_of, decision, reviewed_at",
        )
    for row in flagged:
        told = f"{row['outcome']}: {row['review_of']} {row['decision']} {row['decided_value']} by {row['reviewer']}"
        yield visible(f"{told} ({row['review_id']}), not applied")
    for bad in read(decisions_file(db))[1]:
        yield f"set aside: {decisions_file(db).name}:{bad.line} {bad.reason}: {visible(bad.detail)}"


def decide_one(db: Path, asked: tuple[str, str, str], *, reviewer: str, reason: str | None) -> str:
    """Append one decision; a label decision is guarded by the text that the review file holds.

    Raises:
        InputError: the review file does not hold the report.
        ValueError: it cannot be decided so.
    """
    of, what, value = asked
    guard = instrument = None
    if what in codes.LABEL_DECISIONS:
        held = [item for item in _queue(db) if item.shown.report_id == of and item.question == "label"]
        if not held:
            msg = f"{of} is not among the labels in the queue: a text is decided on by who has it before them"
            raise InputError(msg)
        guard, instrument = held[0].shown.text_hash, held[0].instrument
    made = decide(
        of, what, value, reviewer=reviewer, review_reason=reason, expected_text_hash=guard, instrument=instrument
    )
    append(decisions_file(db), [made])
    return f"{made.review_id}: {visible(f'{made.review_of} {made.decision} {made.decided_value}')} by {reviewer}"


def undo_one(db: Path, review_id: str, *, reviewer: str) -> str:
    """Append the decision that takes another one back.

    Raises:
        InputError: there is no such decision in force.
    """
    found = [one for one in in_force(every_decision(db)) if one.review_id == review_id]
    if not found:
        msg = f"no decision {review_id!r} is in force"
        raise InputError(msg)
    append(decisions_file(db), [undo(found[0], reviewer=reviewer)])
    return f"{review_id} is taken back"
