"""The links among reports: exact copies, near copies and retellings of one event, each with its reason."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifiers.label import encode_each
from classifiers.linking.clues import Clues, read
from classifiers.linking.copied import Copies, copies_among, equals, order
from classifiers.linking.index import (
    COPIES,
    Filing,
    Held,
    candidates,
    event_keys,
    filing,
    nearest_anchors,
    nothing_held,
)
from classifiers.linking.pairs import Profile, Weights, default_weights, features, log_odds, profile
from classifiers.linking.reason import same_event_reason
from warehouse.schema.models import Link, Linkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifiers.encoder import Encoder

# Weaker pairs are no links: grouping counts them as unlike. Links below even odds join nothing by themselves and are
# kept all the same: without them, at the bars that are then best, cross-validated B-cubed F1 falls from 0.955 to 0.913.
WEAKEST = -3.0
# An equal text or address says more than any number of shared bands.
_EQUAL = 100.0
# Reports compared at once with what is stored, so that the texts of their candidates fit in memory.
_CHUNK = 500


@dataclass(frozen=True)
class Stored:
    """A report of before; `vector`, shape (384,), is None of a copy: it is not compared by what it tells."""

    report: Linkable
    vector: "NDArray[np.float32] | None"


@dataclass(frozen=True)
class Index:
    """What is held of earlier reports.

    Attributes:
        copies: returns which reports stand under which of these keys of copies.
        events: the same of keys of what is told.
        filed: returns reports by their numbers.
        first: number of the next report; what is held has lower ones.
    """

    copies: Callable[[Collection[int]], Held]
    events: Callable[[Collection[int]], Held]
    filed: Callable[[Collection[int]], Mapping[int, Stored]]
    first: int


EMPTY = Index(lambda _keys: nothing_held(), lambda _keys: nothing_held(), lambda _numbers: {}, 0)


@dataclass(frozen=True)
class Entry:
    """A report as it is to stand in the index: its keys, and its vector unless it is a copy of an earlier one."""

    number: int
    report: Linkable
    copies: tuple[int, ...]
    events: tuple[int, ...] = ()
    vector: "NDArray[np.float32] | None" = None


@dataclass(frozen=True)
class Found:
    """What comparing new reports found.

    `entries` has the new reports, and those held before that turned out to be copies of a new one: what they tell is
    told by that one from now on.
    """

    links: list[Link]
    entries: list[Entry]


def profiles(read_ones: Sequence[Clues], encoder: "Encoder", weights: Weights) -> list[Profile]:
    """Make reports ready for comparison.

    Vectors are rounded to the half precision in which they are stored: a report is compared by the same figures on the
    day it arrives and ever after.
    """
    import numpy as np

    vectors = encode_each(encoder, [clues.lead for clues in read_ones]).astype(np.float16).astype(np.float32)
    return [profile(clues, vector, weights) for clues, vector in zip(read_ones, vectors, strict=True)]


def find_links(
    reports: Iterable[Linkable], *, encoder: "Encoder | None" = None, weights: Weights | None = None
) -> list[Link]:
    """Return the links among reports, each from the later report to the earlier.

    A link's `merge` is the strictest setting at which it would join two lone reports; weaker `same_event` links join
    nothing by themselves but count when groups are weighed.
    """
    return compare_new(reports, EMPTY, encoder=encoder, weights=weights).links


def compare_new(
    reports: Iterable[Linkable], index: Index, *, encoder: "Encoder | None" = None, weights: Weights | None = None
) -> Found:
    """Compare new reports with each other and with what the index finds for them.

    Copies are found first: of equal or nearly equal texts the earliest alone is compared by what it tells, whichever
    arrived first. A report is compared with a bounded number of candidates, so time grows linearly with the reports.
    """
    if encoder is None:
        from classifiers.encoder import default_encoder

        encoder = default_encoder()
    weights = weights or default_weights()
    new = {
        index.first + at: filing(report)
        for at, report in enumerate(sorted({one.id: one for one in reports}.values(), key=order))
    }
    held, same = _copies(new, index)
    told = [number for number, one in new.items() if one.report.id not in same.equal | same.near]
    ready = dict(zip(told, profiles([new[number].clues for number in told], encoder, weights), strict=True))
    anchors = nearest_anchors([one.vector for one in ready.values()], weights)
    keys = {
        number: event_keys(one.clues, near, weights) for (number, one), near in zip(ready.items(), anchors, strict=True)
    }
    links = [*same.links, *_same_events(ready, keys, index, same, weights)]
    entries = []
    for number, one in (held | new).items():
        stays = () if one.report.id in same.equal else (*one.exact, *one.near)
        vector = ready[number].vector if number in ready else None
        entries.append(Entry(number, one.report, stays, tuple(keys.get(number, ())), vector))
    return Found(links, entries)


def _copies(new: Mapping[int, Filing], index: Index) -> tuple[dict[int, Filing], Copies]:
    """Return what is a copy of what, and the held reports that are now copies of an earlier one."""
    same = equals(new)
    asking = {
        number: dict.fromkeys(one.near, 1.0) | dict.fromkeys(one.exact, _EQUAL)
        for number, one in new.items()
        if number not in same
    }
    found = candidates(asking, index.copies({key for keys in asking.values() for key in keys}), COPIES)
    stored = _stored(index, {other for others in found.values() for other in others}, new)
    every = {number: filing(one.report) for number, one in stored.items()} | dict(new)
    pairs = {number: [other for other in others if other in every] for number, others in found.items()}
    copies = copies_among(pairs, {number: one.clues for number, one in every.items()}, same)
    # One without a vector was a near copy before, and can only become an equal one.
    changed = copies.equal | {one.report.id for one in stored.values() if one.vector is not None} & copies.near
    held = {number: every[number] for number, one in stored.items() if one.report.id in changed}
    return held, copies


def _stored(index: Index, numbers: Iterable[int], new: Mapping[int, Filing]) -> dict[int, Stored]:
    """Return the held ones among these; what is held of an earlier text of a new report does not count."""
    fresh = {one.report.id for one in new.values()}
    asked = {number for number in numbers if number < index.first}
    return {number: one for number, one in index.filed(asked).items() if one.report.id not in fresh} if asked else {}


def _same_events(
    ready: Mapping[int, Profile],
    keys: Mapping[int, Mapping[int, float]],
    index: Index,
    same: Copies,
    weights: Weights,
) -> list[Link]:
    found = candidates(keys, index.events({key for own in keys.values() for key in own}))
    pair_bar, links = weights.settings["normal"]["pair"], []
    numbers = list(ready)
    new = {number: Filing(one.clues, (), ()) for number, one in ready.items()}
    gone = same.equal | same.near
    for first in range(0, len(numbers), _CHUNK):
        chunk = numbers[first : first + _CHUNK]
        stored = _stored(index, {other for number in chunk for other in found[number]}, new)
        known = dict(ready) | {
            number: profile(read(one.report), one.vector, weights)
            for number, one in stored.items()
            if one.vector is not None and one.report.id not in gone
        }
        for number in chunk:
            one = ready[number]
            for other in (known[candidate] for candidate in found[number] if candidate in known):
                if one.clues.report.witness and one.clues.report.witness == other.clues.report.witness:
                    continue
                value = log_odds(features(one, other), weights)
                if value >= WEAKEST:
                    links.append(_same_event(one, other, value, pair_bar))
    return links


def _same_event(one: Profile, other: Profile, value: float, pair_bar: float) -> Link:
    earlier, later = sorted((one, other), key=lambda profile: order(profile.clues.report))
    return Link(
        report_id=later.clues.report.id,
        linked_to=earlier.clues.report.id,
        method="same_event",
        score=round(1 / (1 + math.exp(-max(min(value, 30.0), -30.0))), 4),
        merge="normal" if value >= pair_bar else "loose",
        reason=same_event_reason(later, earlier),
    )
