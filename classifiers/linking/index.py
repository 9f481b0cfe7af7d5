"""Finding candidates without comparing all: keys that two reports of one event are likely to share, and their lists.

Every list is bounded, so the cost of one more report does not grow with the number of reports already held.
"""

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from operator import itemgetter, neg
from typing import TYPE_CHECKING

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
CANDIDATES = 24
# Entries looked at for one report.
VISITS = 500
_ANCHOR_WEIGHT = 3.0


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


def blocking_keys(reports: Sequence[Linkable], encoder: "Encoder", weights: Weights | None = None) -> list[list[str]]:
    """Return for each report the keys to store beside it, so that `known` can be fetched by key instead of in full.

    Two reports are worth comparing when they share a key; the more and the rarer, the more so.
    """
    weights = weights or default_weights()
    read_ones = [read(report) for report in reports]
    nearest = nearest_anchors(encoder.encode([clues.lead for clues in read_ones]), weights)
    return [
        [
            *([f"x:{clues.text_key}"] if clues.text_key else []),
            *([f"u:{clues.url_key}"] if clues.url_key else []),
            *copy_keys(clues),
            *event_keys(clues, anchors, weights),
        ]
        for clues, anchors in zip(read_ones, nearest, strict=True)
    ]


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
        votes: dict[int, float] = defaultdict(float)
        lists = [(len(held), key, held) for key in keys if (held := self._held.get(key))]
        budget = VISITS
        # The least crowded keys say most about any one of their reports, so they are visited first.
        for size, key, held in sorted(lists, key=itemgetter(0, 1)):
            share = keys[key] / (1 + size / PER_KEY)
            for number in held:
                votes[number] += share
            budget -= size
            if budget <= 0:
                break
        ranked = heapq.nlargest(count, zip(votes.values(), map(neg, votes), strict=True))
        return [-number for _, number in ranked]
