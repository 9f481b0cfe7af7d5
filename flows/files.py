"""What the command line does with files and answers: no database, no orchestration."""

import csv
import io
import json
from calendar import monthrange
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from classifiers.items import strip_title
from flows import progress
from flows.collect_source import Outcome
from flows.errors import InputError
from flows.identity import identify, tracker
from flows.mapping import MappingError, parse_when
from flows.sources import jsonl
from warehouse.query import Answer
from warehouse.schema.models import LabelLine, Linkable, LinkLine, Merge, Post

if TYPE_CHECKING:
    from classifiers.evaluate import Evaluation

BATCH = 512


def post_of_item(item: dict[str, Any]) -> Post:
    """Return what the instrument reads of one input line; only `id` and a title or text are needed.

    Raises:
        MappingError: a field is absent or of the wrong type.
    """
    for name in ("id", "title", "text", "source", "lang"):
        value = item.get(name)
        if value is not None and not isinstance(value, str):
            raise MappingError("wrong_type", f"{name} should be a string, is {type(value).__name__}")
    if not item.get("id"):
        raise MappingError("missing_field", "id is absent")
    if item.get("title") is None and item.get("text") is None:
        raise MappingError("missing_field", "title and text are absent")
    title = item.get("title") or ""
    text = strip_title(title, item.get("text") or "")
    return Post(id=item["id"], source=item.get("source") or "", title=title, text=text, lang=item.get("lang"))


def _readable(path: Path) -> Iterator[tuple[int, jsonl.Line | jsonl.Reject | None]]:
    """Yield a file's lines; what is wrong with the file as a whole is an error, not a line."""
    for number, entry in jsonl.entries(path):
        if number == 0 and isinstance(entry, jsonl.Reject):
            msg = f"{path}: {entry.detail}"
            raise InputError(msg)
        yield number, entry


def label_file(source: Path, out: Path, *, screened: bool, console: Console) -> Counter[str]:
    """Write one label line for each input line, in order; return how many have which status."""
    from classifiers.label import load_labeller

    labeller = load_labeller()
    counts: Counter[str] = Counter()
    part = out.with_name(f".{out.name}.part")
    entries = _readable(source)
    with progress.shown(console), progress.step("label") as advance, part.open("w", encoding="utf-8") as file:
        while batch := list(islice(entries, BATCH)):
            posts: list[Post] = []
            slots: list[LabelLine | None] = []
            for number, entry in batch:
                try:
                    posts.append(post_of_item(_item(entry)))
                    slots.append(None)
                except MappingError:
                    given = entry.item.get("id") if isinstance(entry, jsonl.Line) else None
                    name = given if isinstance(given, str) and given else f"line:{number}"
                    slots.append(LabelLine(id=name, status="rejected", instrument=labeller.instrument))
            judged = iter(labeller.label(posts, screened=screened))
            for slot in slots:
                line = slot or next(judged)
                counts[line.status] += 1
                file.write(line.model_dump_json() + "\n")
            advance(len(batch))
    part.replace(out)
    return counts


def _item(entry: jsonl.Line | jsonl.Reject | None) -> dict[str, Any]:
    if isinstance(entry, jsonl.Line):
        return entry.item
    raise MappingError(entry.reason if entry else "not_json", entry.detail if entry else "the line is blank")


def link_file(source: Path, out: Path, merge: Merge) -> tuple[int, int, int]:
    """Write one link line for each input line, in order; return (reports, incidents, lines set aside)."""
    from classifiers.agents import find_agents, tracked
    from classifiers.label import load_labeller
    from classifiers.linking import link_lines

    now = datetime.now(UTC)
    posts: list[Post] = []
    slots: list[LinkLine | None] = []
    rest: list[tuple[datetime | None, str | None]] = []
    for number, entry in _readable(source):
        try:
            item = _item(entry)
            post = post_of_item(item)
            when = parse_when(item.get("created_at") or item.get("published_on"), now)
        except MappingError as error:
            slots.append(
                LinkLine(id=f"line:{number}", incident="", linked_to=None, score=0.0, reason=f"set aside: {error}")
            )
            continue
        url = item.get("url")
        slots.append(None)
        posts.append(post)
        rest.append((when.at, url if isinstance(url, str) else None))
    # Only on an issue tracker does it matter who tells it: elsewhere nothing needs to be judged.
    stands = [identify(post.id, post.source, url) for post, (_, url) in zip(posts, rest, strict=True)]
    told = {number: found for number, who in enumerate(stands) if (found := tracker(who.platform, who.channel))}
    judged = load_labeller().label([posts[number] for number in told], screened=False) if told else []
    witnesses = {
        number: found for (number, found), line in zip(told.items(), judged, strict=True) if line.kind == "first_hand"
    }
    reports = [
        Linkable(
            id=post.id,
            title=post.title,
            text=post.text,
            created_at=at,
            agents=tuple(agent.name for agent in find_agents(post) or tracked(post.source)),
            url=url,
            witness=witnesses.get(number),
        )
        for number, (post, (at, url)) in enumerate(zip(posts, rest, strict=True))
    ]
    linked = iter(link_lines(reports, merge))
    lines = [slot or next(linked) for slot in slots]
    part = out.with_name(f".{out.name}.part")
    part.write_text("".join(line.model_dump_json() + "\n" for line in lines), "utf-8")
    part.replace(out)
    return len(posts), len({line.incident for line in lines if line.incident}), len(slots) - len(posts)


def evaluate_file(gold: Path, lines: Path | None = None, *, console: Console) -> "Evaluation":
    """Judge labelled texts and compare with their labels.

    With `lines` those label lines are compared instead, and items without one are left out. Where the items hold no
    texts but predictions, as the shipped files of real posts do, these are compared: every printed figure recomputes.

    Raises:
        GoldError: a line is broken, or an item has no text; the message names it.
    """
    from classifiers.evaluate import compare, evaluate_posts
    from classifiers.items import predictions, read_gold, read_lines
    from classifiers.label import load_labeller

    items = read_gold(gold)
    if lines is not None:
        return compare(items, read_lines(lines))
    if all(item.prediction and not item.has_text for item in items):
        return compare(items, predictions(items))
    labeller = load_labeller()

    def judge(posts: list[Post]) -> list[LabelLine]:
        judged: list[LabelLine] = []
        with progress.shown(console), progress.step("label", len(posts)) as advance:
            for start in range(0, len(posts), BATCH):
                batch = posts[start : start + BATCH]
                judged += labeller.label(batch)
                advance(len(batch))
        return judged

    evaluation = evaluate_posts(items, judge)
    known = trained_on()
    learnt = sum(item.id in known for item in items)
    if learnt:
        note = (
            f"{learnt} of these {len(items)} items were learnt from: figures on them flatter the instrument; "
            "its cross-validated ones stand on its card."
        )
        return replace(evaluation, notes=[*evaluation.notes, note])
    return evaluation


def trained_on() -> set[str]:
    """Return the ids of the texts that the shipped instrument learnt from."""
    folder = files("classifiers") / "gold"
    names = [item for item in folder.iterdir() if item.name.endswith("_labels.jsonl")]
    return {json.loads(line)["id"] for item in names for line in item.read_text("utf-8").splitlines()}


def first_day(option: str, text: str | None) -> date | None:
    """Read a month such as 2025-10, or a day, as its first day.

    Raises:
        InputError: neither.
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text if text.count("-") == 2 else f"{text}-01")
    except ValueError as error:
        msg = f"{option} {text!r}: expected a month, as 2025-10, or a day, as 2025-10-06"
        raise InputError(msg) from error


def last_day(option: str, text: str | None) -> date | None:
    """Read a month such as 2026-03, or a day, as its last day.

    Raises:
        InputError: neither.
    """
    first = first_day(option, text)
    if first is None or text is None or text.count("-") == 2:
        return first
    return first.replace(day=monthrange(first.year, first.month)[1])


def answer_table(answer: Answer, *, as_csv: bool) -> str:
    """Return a query's rows as CSV or as aligned columns."""
    rows = [["" if value is None else _cell(value) for value in row] for row in answer.rows]
    if as_csv:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(answer.columns)
        writer.writerows(rows)
        return buffer.getvalue()
    return aligned([list(answer.columns), *rows])


def _cell(value: object) -> str:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    # A post's control characters must not reach the terminal.
    return "".join(char if char.isprintable() else " " for char in str(value))


def aligned(rows: list[list[str]]) -> str:
    """Return rows as aligned columns; the first row is the header."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]]) + "\n"


def outcomes_table(outcomes: Sequence[Outcome]) -> str:
    """Return what reading each source came to."""
    table = [["source", "state", "served", "new", "set aside", "spans", "missed", "gone", ""]]
    table += [
        [o.source, o.state, *(f"{n:,}" for n in (o.served, o.new, o.rejected, o.spans, o.missed, o.gone)), o.detail]
        for o in outcomes
    ]
    return aligned(table)
