"""Finding candidates without comparing all: keys that two reports of one event are likely to share, and their lists.

Every list is bounded, so the cost of one more report does not grow with the number of reports already held.
"""

import heapq
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from operator import itemgetter
from typing import TYPE_CHECKING, TypeVar

from classifiers.linking.clues import Clues, read
from classifiers.linking.copies import band_keys, shingles
from classifiers.linking.pairs import Weights, default_weights, telling
from classifiers.linking.when import Window
from warehouse.schema.models import Linkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifiers.encoder import Encoder

# The rarest words and figures of a report become keys, and its nearest anchors in each fortnight it may be about.
RARE_WORDS = 24
NEAREST = 6
PERIOD_DAYS = 14
MAX_PERIODS = 4
# Reports held per key: the latest ones. A key that many reports share finds only its recent neighbours.
PER_KEY = 32
# With 24 the groups of the real pools depended on the order of arrival; from 64 on, more changed nothing there.
CANDIDATES = 64
# Reports looked at as possible originals of a copy.
COPIES = 8
# Entries looked at for one report.
VISITS = 500
_ANCHOR_WEIGHT = 3.0
Key = TypeVar("Key", int, str)


def copy_keys(clues: Clues) -> list[str]:
    """Return the keys under which copies of a report are found."""
    return band_keys(shingles(clues.content))


def _periods(windows: list[Window]) -> list[int]:
    """Return the numbers of the fortnights the windows touch, the latest `MAX_PERIODS`; 0 where no date is known."""
    if not windows:
        return [0]
    found = {
        day // PERIOD_DAYS
        for start, end in windows
        for day in (*range(start.toordinal(), end.toordinal() + 1, PERIOD_DAYS), end.toordinal())
    }
    return sorted(found, reverse=True)[:MAX_PERIODS]


def event_keys(clues: Clues, nearest: Sequence[int], weights: Weights) -> dict[str, float]:
    """Return the keys of what a report tells and their weights: rare words, telling figures, anchors by fortnight."""
    rarest = heapq.nsmallest(RARE_WORDS, ((-weights.idf(stemmed), stemmed) for stemmed in clues.stems))
    keys = {f"w:{stemmed}": -negative for negative, stemmed in rarest}
    keys |= {f"n:{number:g}": 4.0 for number in clues.numbers if telling(number)}
    for period in _periods(clues.windows):
        keys |= {f"a:{anchor}:{period}": _ANCHOR_WEIGHT for anchor in nearest}
    return keys


def nearest_anchors(vectors: "NDArray[np.float32]", weights: Weights) -> list[list[int]]:
    """Return for each row of vectors, shape (reports, 384), the numbers of its nearest anchors."""
    import numpy as np

    anchors = weights.anchor_vectors()
    if not len(anchors) or not len(vectors):
        return [[] for _ in range(len(vectors))]
    likeness = vectors @ anchors.T
    count = min(NEAREST, len(anchors))
    rows: list[list[int]] = np.argpartition(-likeness, count - 1, axis=1)[:, :count].tolist()
    return rows


@dataclass(frozen=True)
class Filing:
    """What the index needs of one report: its vector, shape (384,), and the keys it stands under.

    `exact` keys are shared by equal texts and addresses, `near` keys by near copies, `event` keys, with their weights,
    by reports that may tell of one event. Keys are stable 64-bit hashes, so that they can be stored.
    """

    report: Linkable
    vector: "NDArray[np.float32]"
    exact: tuple[int, ...]
    near: tuple[int, ...]
    event: dict[int, float]

    @property
    def keys(self) -> tuple[int, ...]:
        """All keys of the report."""
        return (*self.exact, *self.near, *self.event)


def key_hash(key: str) -> int:
    """Return a stable 64-bit hash of a key, as a signed number."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), signed=True)


def filings(
    reports: Sequence[Linkable],
    encoder: "Encoder",
    weights: Weights | None = None,
    vectors: "NDArray[np.float32] | None" = None,
) -> list[Filing]:
    """Return what to store of each report, so that later ones find it without being compared with all.

    Vectors are rounded to the half precision in which they are stored: a report is compared by the same figures on the
    day it arrives and ever after.
    """
    import numpy as np

    weights = weights or default_weights()
    read_ones = [read(report) for report in reports]
    if vectors is None:
        vectors = encoder.encode([clues.lead for clues in read_ones])
    rounded = vectors.astype(np.float16).astype(np.float32)
    return [
        Filing(
            report=clues.report,
            vector=vector,
            exact=tuple(
                key_hash(key)
                for key in (
                    f"x:{clues.text_key}" if clues.text_key else "",
                    f"u:{clues.url_key}" if clues.url_key else "",
                )
                if key
            ),
            near=tuple(map(key_hash, copy_keys(clues))),
            # A text without words can be a copy by its address, but tells of nothing.
            event={key_hash(key): weight for key, weight in event_keys(clues, anchors, weights).items()}
            if clues.stems
            else {},
        )
        for clues, vector, anchors in zip(read_ones, rounded, nearest_anchors(rounded, weights), strict=True)
    ]


def candidates(filing: Filing, held: "Mapping[int, Sequence[int] | NDArray[np.int64]]") -> set[int]:
    """Return the filed reports that one report is to be compared with, at most some `CANDIDATES` + `COPIES`.

    `held` has, for each key that is held at all, the latest reports filed under it, oldest first, by number.
    """
    found = {int(number) for key in filing.exact for number in held.get(key, ())[:1]}
    found.update(_best(dict.fromkeys(filing.near, 1.0), held, COPIES))
    found.update(_best(filing.event, held, CANDIDATES))
    return found


def _best(keys: Mapping[Key, float], held: "Mapping[Key, Sequence[int] | NDArray[np.int64]]", count: int) -> list[int]:
    """Return at most `count` report numbers, those sharing most weight of keys first; ties by number."""
    import numpy as np

    lists = sorted(
        ((len(found), key, found) for key in keys if (found := held.get(key)) is not None and len(found)),
        key=itemgetter(0, 1),
    )
    # The least crowded keys say most about any one of their reports, so they are visited first.
    visited = list(accumulate(size for size, _, _ in lists))
    lists = lists[: bisect_left(visited, VISITS) + 1]
    if not lists:
        return []
    sizes = [size for size, _, _ in lists]
    numbers = np.concatenate([np.asarray(found) for _, _, found in lists])
    shares = np.repeat([keys[key] / (1 + size / PER_KEY) for size, key, _ in lists], sizes)
    distinct, places = np.unique(numbers, return_inverse=True)
    votes = np.bincount(places, shares)
    # Summed in another order the same votes differ in their last digits; that must not decide a tie.
    ranked: list[int] = distinct[np.argsort(-votes.round(9), kind="stable")[:count]].tolist()
    return ranked


class Lists:
    """Bounded lists of report numbers under keys; the oldest drop out."""

    def __init__(self) -> None:
        self._held: dict[str, deque[int]] = defaultdict(lambda: deque(maxlen=PER_KEY))

    def add(self, number: int, keys: Iterable[str]) -> None:
        """File a report under its keys."""
        for key in keys:
            self._held[key].append(number)

    def best(self, keys: dict[str, float], count: int = CANDIDATES) -> list[int]:
        """Return at most `count` report numbers, those sharing most weight of keys first; ties by number."""
        return _best(keys, self._held, count)
