"""Decisions: one JSON object a line, appended whole under a lock and synced; merged into table `reviews` by their id.

The file X.reviews.jsonl is never rewritten: a line cut short by a kill, or one that says nothing usable, stays where
it is and is named, and what follows it is read.
"""

import fcntl
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Self

import duckdb
from pydantic import AwareDatetime, Field, ValidationError, model_validator

from warehouse.rows import fetch, merge, transaction
from warehouse.schema import codes
from warehouse.schema.models import Probability, Row
from warehouse.schema.tables import TABLES

AUDIT: Final = "audit"
HEAD: Final = 65_536
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,31}")
_INCIDENT = re.compile(r"incident:[1-9]\d{0,17}")
_LISTS: Final = {"behaviours": "behaviour", "actions": "action"}
_NUMBERS: Final = {"evidence": 4, "gravity": 4, "score": 9}
_CODES: Final = {"kind": "kind", "subject": "subject", "status": "incident_status", "several_agents": "several_agents"}
# Decisions about an incident, not about a report.
_OF_INCIDENT: Final = frozenset(codes.DECISION) - {*codes.LABEL_DECISIONS, *codes.PAIR_DECISIONS, "undo"}


class Decision(Row):
    """One decision of one person: a row of table `reviews`."""

    review_id: Annotated[str, Field(pattern=r"^[0-9a-zA-Z_-]{1,64}$")]
    review_of: Annotated[str, Field(min_length=1, max_length=500)]
    decision: str
    decided_value: Annotated[str, Field(max_length=20_000)] | None = None
    reviewer: str
    review_reason: Annotated[str, Field(max_length=2_000)] | None = None
    expected_text_hash: str | None = None
    draw_reason: str | None = None
    inclusion_p: Probability | None = None
    instrument: str | None = None
    reviewed_at: AwareDatetime
    undoes: str | None = None

    @model_validator(mode="after")
    def _can_be_made(self) -> Self:
        if not _NAME.fullmatch(self.reviewer):
            msg = "reviewer: a short name of letters, digits, dots and dashes is needed; it is published"
            raise ValueError(msg)
        if self.decision not in codes.DECISION:
            msg = f"decision: {self.decision!r} is none of {', '.join(codes.DECISION)}"
            raise ValueError(msg)
        if (self.decision in _OF_INCIDENT) != bool(_INCIDENT.fullmatch(self.review_of)) and self.decision != "undo":
            wanted = "incident:NUMBER" if self.decision in _OF_INCIDENT else "a report"
            msg = f"{self.decision} is decided of {wanted}, not of {self.review_of!r}"
            raise ValueError(msg)
        if (self.decision == "undo") != (self.undoes is not None):
            msg = "undo names in `undoes` the decision that it takes back; nothing else does"
            raise ValueError(msg)
        if self.decision in codes.LABEL_DECISIONS and not self.expected_text_hash:
            msg = f"{self.decision} needs expected_text_hash, the text that was decided on"
            raise ValueError(msg)
        if (self.draw_reason == AUDIT) != (self.inclusion_p is not None):
            msg = "an audit answer, and nothing else, carries the probability of its draw"
            raise ValueError(msg)
        if self.draw_reason == AUDIT and self.decision not in {"is_strict", "undo"}:
            msg = "an audit draw is answered by is_strict"
            raise ValueError(msg)
        _checked(self.decision, self.decided_value, self.review_of)
        return self


def _checked(decision: str, value: str | None, of: str) -> None:
    """Raise ValueError unless the value can be decided."""
    if decision == "undo":
        return
    if not value:
        msg = f"{decision}: a value is needed"
        raise ValueError(msg)
    vocabulary = codes.VOCABULARIES.get(_CODES.get(decision, decision))
    allowed: Iterable[str] | None = None
    if decision == "is_strict":
        allowed = ("true", "false")
    elif decision in _NUMBERS:
        allowed = map(str, range(_NUMBERS[decision] + 1))
    elif decision in _LISTS:
        given = _json(decision, value)
        listed = codes.VOCABULARIES[_LISTS[decision]]
        if not isinstance(given, list) or not all(isinstance(code, str) and code in listed for code in given):
            msg = f"{decision}: a JSON list of {', '.join(listed)} is needed"
            raise ValueError(msg)
    elif decision == "split":
        given = _json(decision, value)
        if not isinstance(given, list) or len(given) < 2 or not all(_reports(group) for group in given):
            msg = "split: a JSON list of two or more lists of report ids is needed"
            raise ValueError(msg)
        every = [report for group in given for report in group]
        if len(set(every)) < len(every):
            msg = "split: a report stands in one list only"
            raise ValueError(msg)
    elif decision in codes.PAIR_DECISIONS:
        if value == of:
            msg = f"{decision}: a report is not compared with itself"
            raise ValueError(msg)
    elif decision in {"vendor_answer", "archived_url"}:
        if not re.fullmatch(r"https?://\S{3,2000}", value):
            msg = f"{decision}: an http(s) address is needed"
            raise ValueError(msg)
    elif decision == "occurred_at":
        if not re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", value):
            msg = "occurred_at: a year, month or day is needed, as 2026-03"
            raise ValueError(msg)
    elif vocabulary is not None:
        allowed = vocabulary
    if allowed is not None and value not in (known := tuple(allowed)):
        msg = f"{decision}: {value!r} is none of {', '.join(known)}"
        raise ValueError(msg)


def _json(decision: str, value: str) -> object:
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        msg = f"{decision}: not JSON: {error}"
        raise ValueError(msg) from error


def _reports(group: object) -> bool:
    return isinstance(group, list) and bool(group) and all(isinstance(name, str) and name for name in group)


def decide(
    review_of: str,
    decision: str,
    value: str | Sequence[str] | None,
    *,
    reviewer: str,
    review_reason: str | None = None,
    expected_text_hash: str | None = None,
    draw_reason: str | None = None,
    inclusion_p: float | None = None,
    instrument: str | None = None,
    undoes: str | None = None,
) -> Decision:
    """Return a decision made now, under an id of its own; lists are sorted, so that equal answers are equal.

    Raises:
        ValueError: it cannot be made; the message says why.
    """
    if decision in codes.PAIR_DECISIONS and isinstance(value, str):
        review_of, value = sorted((review_of, value))
    if value is not None and not isinstance(value, str):
        value = json.dumps(sorted(set(value)))
    try:
        return Decision(
            review_id=secrets.token_hex(8),
            review_of=review_of,
            decision=decision,
            decided_value=value,
            reviewer=reviewer,
            review_reason=review_reason,
            expected_text_hash=expected_text_hash,
            draw_reason=draw_reason,
            inclusion_p=inclusion_p,
            instrument=instrument,
            reviewed_at=datetime.now(UTC),
            undoes=undoes,
        )
    except ValidationError as error:
        raise ValueError(_told(error)) from None


def undo(decision: Decision, *, reviewer: str) -> Decision:
    """Return the decision that takes another one back; an undo is not undone, one decides anew.

    Raises:
        ValueError: `decision` is itself an undo.
    """
    if decision.decision == "undo":
        msg = f"{decision.review_id} takes a decision back: decide anew instead"
        raise ValueError(msg)
    return decide(
        decision.review_of,
        "undo",
        None,
        reviewer=reviewer,
        undoes=decision.review_id,
        draw_reason=decision.draw_reason,
        inclusion_p=decision.inclusion_p,
    )


def _told(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"]).removeprefix("Value error, ")


def decisions_file(db: Path) -> Path:
    """Return where a working file's decisions are appended: X.duckdb -> X.reviews.jsonl."""
    return db.with_suffix(".reviews.jsonl")


@contextmanager
def _locked(path: Path, *, write: bool) -> Iterator[int]:
    """Open the file alone (to write) or beside other readers; it is private and made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if write else fcntl.LOCK_SH)
        if new:
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        yield handle
    finally:
        os.close(handle)


def append(path: Path, decisions: Sequence[Decision]) -> None:
    """Append decisions, synced to the disk before this returns; a line cut short before them is closed first."""
    if not decisions:
        return
    data = "".join(decision.model_dump_json() + "\n" for decision in decisions).encode()
    with _locked(path, write=True) as handle:
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            data = b"\n" + data
        written = 0
        while written < len(data):
            written += os.write(handle, data[written:])
        os.fsync(handle)


@dataclass(frozen=True)
class BadLine:
    """A line that holds no usable decision: where it stands, why, and the line itself."""

    line: int
    reason: str
    detail: str
    raw: bytes


def read(path: Path) -> tuple[list[Decision], list[BadLine]]:
    """Return every decision of the file in order, and the lines that hold none; of equal ids the first counts."""
    if not path.exists():
        return [], []
    with _locked(path, write=False) as handle:
        data = os.pread(handle, os.fstat(handle).st_size, 0)
    found: dict[str, Decision] = {}
    bad: list[BadLine] = []
    for number, raw in enumerate(data.split(b"\n"), start=1):
        if not raw.strip():
            continue
        try:
            decision = Decision.model_validate_json(raw.decode())
        except UnicodeDecodeError as error:
            bad.append(BadLine(number, "encoding", str(error), raw))
            continue
        except ValidationError as error:
            kind = "not_json" if error.errors()[0]["type"] == "json_invalid" else "not_a_decision"
            bad.append(BadLine(number, kind, _told(error), raw))
            continue
        held = found.setdefault(decision.review_id, decision)
        if held != decision:
            bad.append(BadLine(number, "not_a_decision", f"id {decision.review_id} was given before", raw))
    return list(found.values()), bad


def in_force(decisions: Iterable[Decision]) -> list[Decision]:
    """Return those not taken back, the last of each reviewer on each matter; the view `decisions` says the same."""
    every = list(decisions)
    undone = {decision.undoes for decision in every if decision.undoes}
    last: dict[tuple[object, ...], Decision] = {}
    for decision in sorted(every, key=lambda one: (one.reviewed_at, one.review_id)):
        if decision.decision != "undo" and decision.review_id not in undone:
            last[_matter(decision)] = decision
    return list(last.values())


def _matter(decision: Decision) -> tuple[object, ...]:
    pair = decision.decision in codes.PAIR_DECISIONS
    what = ("pair", decision.decided_value) if pair else (decision.decision, None)
    return (decision.review_of, *what, decision.reviewer, decision.draw_reason == AUDIT)


@dataclass(frozen=True)
class Merged:
    """What merging a file came to: decisions new to the warehouse, lines newly set aside."""

    new: int
    set_aside: int


def pending(con: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Return how many decisions of the file the warehouse does not hold yet."""
    held = {name for (name,) in con.execute("SELECT review_id FROM reviews").fetchall()}
    return sum(decision.review_id not in held for decision in read(path)[0])


def merge_decisions(con: duckdb.DuckDBPyConnection, path: Path, *, run_id: str) -> Merged:
    """Store the file's decisions in `reviews`, each once, and set its bad lines aside by file and line."""
    decisions, bad = read(path)
    rows = [decision.model_dump() for decision in decisions]
    with transaction(con):
        stored = merge(con, TABLES["reviews"], rows)
        rejected = merge(con, TABLES["rejects"], [_reject(path, line, run_id) for line in bad])
    return Merged(stored.inserted, rejected.inserted)


def _reject(path: Path, line: BadLine, run_id: str) -> Mapping[str, Any]:
    return {
        "source_id": "review",
        "stream": path.name,
        "file": path.name,
        "line": line.line,
        "content_hash": hashlib.sha256(line.raw).hexdigest()[:32],
        "reject_reason": line.reason,
        "detail": line.detail[:500],
        "bytes": len(line.raw),
        "head": line.raw[:HEAD].decode("utf-8", "replace").replace("\x00", "\ufffd"),
        "run_id": run_id,
    }


def stored(con: duckdb.DuckDBPyConnection) -> list[Decision]:
    """Return the decisions that the warehouse holds, from whatever file they came."""
    names = ", ".join(TABLES["reviews"].columns)
    rows = fetch(con, f"SELECT {names} FROM reviews ORDER BY reviewed_at, review_id")  # noqa: S608
    return [Decision.model_construct(**row) for row in rows]


def together(*sources: Iterable[Decision]) -> list[Decision]:
    """Return the decisions of several sources, each once."""
    return list({decision.review_id: decision for source in sources for decision in source}.values())
