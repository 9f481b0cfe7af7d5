"""What a reviewer is shown, and which questions still wait for whom; answers by one key."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import duckdb

from warehouse.review.decisions import AUDIT, Decision, decide, in_force
from warehouse.rows import fetch
from warehouse.schema import codes

KIND_KEYS: Final = {str(number): kind for number, kind in enumerate(codes.KIND, start=1)}
"""1 to 7: the kinds of the codebook in its order; the two incident kinds mean a strict positive."""
THIN_KEYS: Final = {"8": "first_hand", "9": "second_hand"}
"""An account of an event too thin to be a strict positive."""
LABEL_KEYS: Final = {
    "a": "agree with the label as it stands",
    **{key: f"{codes.KIND[kind]}" for key, kind in KIND_KEYS.items()},
    **{key: f"{kind.replace('_', ' ')}, but too thin: not strict" for key, kind in THIN_KEYS.items()},
}
AUDIT_KEYS: Final = {
    "y": "a strict positive: a specific event outside instructions, told first or second hand, score 5 or more",
    "n": "not one",
}
PAIR_KEYS: Final = {"y": "the same event", "n": "two events"}


@dataclass(frozen=True)
class Text:
    """One report as it is shown; `spans` are (field, start, end) of what the instrument found."""

    report_id: str
    text_hash: str
    platform: str
    url: str | None
    published: str
    title: str
    text: str
    spans: tuple[tuple[str, int, int], ...] = ()

    def ranges(self, name: str) -> list[tuple[int, int]]:
        """Return the ranges found in `title` or `text`."""
        return [(start, end) for where, start, end in self.spans if where == name]


@dataclass(frozen=True)
class Item:
    """One question of the queue; an audit shows no label, so that it cannot sway the answer."""

    question: str
    shown: Text
    other: Text | None
    reasons: tuple[str, ...]
    incident: int | None
    draw_reason: str
    inclusion_p: float | None
    instrument: str | None
    second_reading: bool
    label: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> tuple[str, ...]:
        """What tells this question from the others: what is asked, and of which reports."""
        return (self.question, *sorted(text.report_id for text in (self.shown, self.other) if text))

    @property
    def keys(self) -> Mapping[str, str]:
        """Keys that answer it, and what each means."""
        return {"label": LABEL_KEYS, "audit": AUDIT_KEYS, "pair": PAIR_KEYS}[self.question]

    def answer(self, key: str, *, reviewer: str) -> list[Decision]:
        """Return the decisions that a key stands for.

        Raises:
            ValueError: the key answers nothing here.
        """
        if key not in self.keys:
            msg = f"{key!r} answers nothing here: {', '.join(self.keys)}"
            raise ValueError(msg)
        if self.question == "audit":
            return [self.decided("is_strict", "true" if key == "y" else "false", reviewer=reviewer)]
        if self.question == "pair":
            same = "same" if key == "y" else "not_same"
            other = self.other.report_id if self.other else ""
            return [decide(self.shown.report_id, same, other, reviewer=reviewer, draw_reason=self.draw_reason)]
        if key == "a":
            kind, strict = self.label["kind"], self.label["is_strict"]
        else:
            kind = KIND_KEYS.get(key) or THIN_KEYS[key]
            strict = key not in THIN_KEYS and kind in codes.INCIDENT_KINDS
        return [
            self.decided("kind", kind, reviewer=reviewer),
            self.decided("is_strict", "true" if strict else "false", reviewer=reviewer),
        ]

    def decided(self, name: str, value: str | Sequence[str], *, reviewer: str, reason: str | None = None) -> Decision:
        """Return a decision on a field of the report shown, guarded by its text.

        Raises:
            ValueError: the value is none that the field takes.
        """
        return decide(
            self.shown.report_id,
            name,
            value,
            reviewer=reviewer,
            review_reason=reason,
            expected_text_hash=self.shown.text_hash,
            draw_reason=self.draw_reason,
            inclusion_p=self.inclusion_p,
            instrument=self.instrument,
        )


_LABEL: Final = (
    *("instrument", "kind", "is_strict", "p_strict", "behaviours", "behaviours_present", "behaviours_unsure"),
    *("actions", "evidence", "gravity", "score", "decided"),
)


def items(con: duckdb.DuckDBPyConnection) -> list[Item]:
    """Return the whole queue of a review file, in its order."""
    texts = {
        row["report_id"]: row
        for row in fetch(
            con,
            "SELECT report_id, text_hash, platform, url, title, text, "
            "CASE created_precision WHEN 'unknown' THEN 'date unknown' WHEN 'year' THEN strftime(created_at, '%Y') "
            "WHEN 'month' THEN strftime(created_at, '%Y-%m') ELSE strftime(created_at, '%Y-%m-%d') END AS published "
            "FROM reports",
        )
    }
    labels = {row["report_id"]: row for row in fetch(con, "SELECT * FROM current_labels")}
    found = []
    for row in fetch(con, "SELECT * FROM review_queue ORDER BY queue_position"):
        label = labels.get(row["report_id"], {}) if row["question"] != AUDIT else {}
        other = texts.get(row["other_report_id"])
        if row["report_id"] not in texts or (row["other_report_id"] and other is None):
            continue
        found.append(
            Item(
                question=row["question"],
                shown=_text(texts[row["report_id"]], label.get("spans")),
                other=_text(other) if other else None,
                # What the stratum of a draw says of the instrument's answer is kept from the reviewer.
                reasons=("drawn at random",) if row["question"] == AUDIT else tuple(row["queue_reasons"]),
                incident=row["incident"],
                draw_reason=row["draw_reason"],
                inclusion_p=row["inclusion_p"],
                instrument=row["instrument"],
                second_reading=row["second_reading"],
                label={name: label[name] for name in _LABEL} if label else {},
            )
        )
    return found


def _text(row: Mapping[str, Any], spans: str | None = None) -> Text:
    marked = tuple((span["field"], span["start"], span["end"]) for span in json.loads(spans or "[]"))
    return Text(**{name: row[name] for name in Text.__dataclass_fields__ if name != "spans"}, spans=marked)


def waiting(queue: Sequence[Item], decisions: Iterable[Decision], reviewer: str) -> list[Item]:
    """Return the questions that this reviewer has not answered and nobody's answer has settled.

    A second reviewer is asked where a second reading is wanted, a third one where two disagree.
    """
    by_report: dict[str, list[Decision]] = defaultdict(list)
    for decision in in_force(decisions):
        by_report[decision.review_of].append(decision)
    return [item for item in queue if _waits(item, by_report, reviewer)]


def _waits(item: Item, by_report: Mapping[str, Sequence[Decision]], reviewer: str) -> bool:
    if item.question == "pair":
        _, first, second = item.name
        held = [one for one in by_report.get(first, ()) if one.decided_value == second]
        held = [one for one in held if one.decision in codes.PAIR_DECISIONS]
    else:
        held = [
            one
            for one in by_report.get(item.shown.report_id, ())
            if one.decision in codes.LABEL_DECISIONS
            and (one.draw_reason == AUDIT) == (item.question == AUDIT)
            and one.expected_text_hash == item.shown.text_hash
        ]
    readers = {one.reviewer for one in held}
    if reviewer in readers:
        return False
    if len(readers) < (2 if item.second_reading else 1):
        return True
    return item.question != AUDIT and disputed(held)


def disputed(held: Iterable[Decision]) -> bool:
    """Return whether on some matter no answer is given by more than half of those who decided it."""
    answers: dict[str, list[str | None]] = defaultdict(list)
    for one in held:
        pair = one.decision in codes.PAIR_DECISIONS
        answers["pair" if pair else one.decision].append(one.decision if pair else one.decided_value)
    return any(2 * max(given.count(value) for value in given) <= len(given) for given in answers.values())


def both_read(decisions: Iterable[Decision]) -> dict[str, list[tuple[str, str]]]:
    """Return by field the answers that two reviewers gave on one text, of each matter the first two readers'.

    The readers are ordered by name, so that with two reviewers the first answer is always the same one's.
    """
    held: dict[tuple[object, ...], dict[str, str]] = defaultdict(dict)
    for one in sorted(in_force(decisions), key=lambda one: (one.reviewed_at, one.review_id)):
        if one.decision in codes.PAIR_DECISIONS:
            held["pair", one.review_of, one.decided_value][one.reviewer] = one.decision
        elif one.decision in codes.LABEL_DECISIONS:
            held[one.decision, one.review_of, one.expected_text_hash, one.draw_reason == AUDIT][one.reviewer] = (
                one.decided_value or ""
            )
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for matter, answers in held.items():
        if len(answers) >= 2:
            first, second = sorted(list(answers.items())[:2])
            found[str(matter[0])].append((first[1], second[1]))
    return dict(found)
