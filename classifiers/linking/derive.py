"""Which reports of one event only pass on an earlier one: copies, quotes, links to it, later second-hand accounts."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from classifiers.linking.clues import address_of, read
from classifiers.linking.copied import order
from classifiers.linking.copies import SHINGLE_WORDS, shingles
from warehouse.schema.models import Derived, Linkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# A quotation of at least so many words that run on; shorter ones are common phrases and log lines.
QUOTED_WORDS = 16
# Originals a report is compared with: the earliest ones.
ORIGINALS = 16
_ADDRESS = re.compile(r"https?://[^\s<>\"')\]]+")


def derive(members: Sequence[Linkable], copies: Collection[tuple[str, str]] = ()) -> dict[str, Derived]:
    """Return, for each report of one event that passes on an earlier one, which and how that was found.

    The later report derives from the earlier one, always from one that stands by itself. A copy derives whatever it
    says of itself; so does a report that links to the earlier one's address or quotes a passage of it; a second-hand
    account also where it names no origin: it is then taken to go back to the earliest first-hand report before it.

    Args:
        members: all reports of the event.
        copies: pairs of reports found to be copies of each other.
    """
    found: dict[str, Derived] = {}
    copied = _sets(copies)
    first_of: dict[str, Linkable] = {}
    originals: list[Linkable] = []
    passages: dict[str, NDArray[np.uint64]] = {}
    for report in sorted(members, key=order):
        name = copied.get(report.id, report.id)
        if name in first_of:
            origin = first_of[name].id
            above = found.get(origin)
            derived: Derived | None = Derived(
                derived_from=above.derived_from if above else origin, method="copy", reason="the same text, or nearly"
            )
        else:
            first_of[name] = report
            derived = _told_again(report, originals[:ORIGINALS], passages)
        if derived:
            found[report.id] = derived
        else:
            originals.append(report)
    return found


def _told_again(
    report: Linkable, originals: Sequence[Linkable], passages: "dict[str, NDArray[np.uint64]]"
) -> Derived | None:
    addresses = {address for url in _ADDRESS.findall(report.text) if (address := address_of(url.rstrip(".,;:")))}
    for origin in originals:
        if (own := address_of(origin.url)) and own in addresses and own != address_of(report.url):
            return Derived(derived_from=origin.id, method="link", reason="links to the address of that report")
    quoted = _quoted(report, originals, passages)
    if quoted:
        return quoted
    if report.kind == "second_hand" and originals:
        origin = next((earlier for earlier in originals if earlier.kind == "first_hand"), originals[0])
        reason = "a later second-hand account that names no origin; the earliest report is taken"
        return Derived(derived_from=origin.id, method="second_hand", reason=reason)
    return None


def _quoted(
    report: Linkable, originals: Sequence[Linkable], passages: "dict[str, NDArray[np.uint64]]"
) -> Derived | None:
    import numpy as np

    def passage(one: Linkable) -> "NDArray[np.uint64]":
        if one.id not in passages:
            passages[one.id] = shingles(read(one).content)
        return passages[one.id]

    best, most = None, 0
    for origin in originals:
        shared = len(np.intersect1d(passage(report), passage(origin), assume_unique=True))
        if shared > most:
            best, most = origin, shared
    if best is None or most < QUOTED_WORDS - SHINGLE_WORDS + 1:
        return None
    return Derived(derived_from=best.id, method="quote", reason=f"{most} five-word passages of that report stand in it")


def _sets(pairs: Collection[tuple[str, str]]) -> Mapping[str, str]:
    """Return report -> name of its set of copies."""
    near: dict[str, set[str]] = defaultdict(set)
    for left, right in pairs:
        near[left].add(right)
        near[right].add(left)
    name: dict[str, str] = {}
    for start in sorted(near):
        if start in name:
            continue
        waiting = [start]
        while waiting:
            report = waiting.pop()
            if report not in name:
                name[report] = start
                waiting.extend(near[report])
    return name
