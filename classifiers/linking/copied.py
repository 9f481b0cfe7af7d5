"""Which reports are copies of which: equal texts and addresses, near copies; each with its link."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from classifiers.linking import copies
from classifiers.linking.clues import Clues
from classifiers.linking.index import Filing
from warehouse.schema.models import Link, Linkable, LinkMethod

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LAST = datetime.max.replace(tzinfo=UTC)


def order(report: Linkable) -> tuple[datetime, str]:
    """Return what reports are put in order by: publication, the undated last, then id."""
    moment = report.created_at
    if moment is None:
        return _LAST, report.id
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC), report.id


@dataclass(frozen=True)
class Copies:
    """Links of copies, each from the later report to the earlier, and who is a copy of an earlier one, by id.

    `equal` ones say nothing that another does not. Both hold new and old reports alike.
    """

    links: list[Link]
    equal: set[str]
    near: set[str]


def equals(new: Mapping[int, Filing]) -> dict[int, tuple[int, str]]:
    """Return who has the text or the address of an earlier one, by number: the number of the first, and which it is."""
    first: dict[str, int] = {}
    found: dict[int, tuple[int, str]] = {}
    for number, filing in new.items():
        clues = filing.clues
        told = ((f"u:{clues.url_key}", "same address"), (f"x:{clues.text_key}", "same normalised text"))
        own = [(key, reason) for key, reason in told if not key.endswith(":None")]
        match = next(((first[key], reason) for key, reason in own if key in first), None)
        if match:
            found[number] = match
        for key, _ in own:
            first.setdefault(key, match[0] if match else number)
    return found


def copies_among(
    pairs: Mapping[int, Sequence[int]], clues: Mapping[int, Clues], same: Mapping[int, tuple[int, str]]
) -> Copies:
    """Compare reports with their possible originals.

    A copy is linked with each of those it is a copy of, so that who belongs together does not depend on who came first.

    Args:
        pairs: numbers of reports and of those they may be copies of, the likeliest first.
        clues: what was read of all of them, by number.
        same: who is known to equal which, by number, and in what.
    """
    found = Copies([], set(), set())
    hashed: dict[int, NDArray[np.uint64]] = {}

    def passages(number: int) -> "NDArray[np.uint64]":
        if number not in hashed:
            hashed[number] = copies.shingles(clues[number].content)
        return hashed[number]

    for number, (original, reason) in same.items():
        _link(found, clues[number], clues[original], "exact", 1.0, reason)
    for number, others in pairs.items():
        own = clues[number]
        equal = {other: told for other in others if (told := _equal(own, clues[other]))}
        for other, told in equal.items():
            _link(found, own, clues[other], "exact", 1.0, told)
        # Whoever stands near an equal text was compared with that one; but the earliest of them speaks from now on.
        speaks = all(order(own.report) < order(clues[other].report) for other in equal)
        for other in others if speaks else ():
            known = clues[other]
            if other in equal:
                continue
            counts = copies.shared_shingles(passages(number), passages(other))
            if copies.is_copy(own, known, counts):
                reason = f"{counts[0]} of {counts[1]} five-word shingles of the shorter text stand in the other"
                _link(found, own, known, "near_duplicate", round(counts[0] / counts[1], 4), reason)
    return found


def _equal(one: Clues, other: Clues) -> str | None:
    if one.url_key and one.url_key == other.url_key:
        return "same address"
    return "same normalised text" if one.text_key and one.text_key == other.text_key else None


def _link(found: Copies, one: Clues, other: Clues, method: LinkMethod, score: float, reason: str) -> None:
    earlier, later = sorted((one.report, other.report), key=order)
    (found.equal if method == "exact" else found.near).add(later.id)
    found.links.append(
        Link(report_id=later.id, linked_to=earlier.id, method=method, score=score, merge="tight", reason=reason)
    )
