"""Finding candidates without comparing all: keys that two reports of one event are likely to share, and their holders.

Of each key only the latest holders are looked at, and of all keys of a report a bounded number of them, so the cost of
one more report does not grow with the number of reports already held.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from classifiers.linking.clues import Clues, read
from classifiers.linking.copies import band_keys, shingles
from classifiers.linking.pairs import Weights, telling
from classifiers.linking.when import Window
from warehouse.schema.models import Linkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# The rarest words and figures of a report become keys, and its nearest anchors in each fortnight it may be about.
RARE_WORDS = 24
NEAREST = 6
PERIOD_DAYS = 14
MAX_PERIODS = 4
# Reports looked at per key: the latest ones before it. A key that many reports share finds only its recent neighbours.
PER_KEY = 32
# Of the links that comparing all with all finds in the real pools 64 miss 15 in 886, 96 miss 5, 128 one or two. With
# 64 some groups of the loose setting depended on the order of arrival, with 96 none did.
CANDIDATES = 96
# Reports looked at as possible originals of a copy.
COPIES = 8
# Entries looked at for one report.
VISITS = 500
_ANCHOR_WEIGHT = 3.0
# Reports ranked at once. Report, votes and place of an entry are sorted as one number: 10, 31 and 20 bits.
_CHUNK = 1000
_PLACE, _WHO = 20, 51
_MOST_VOTES = (1 << 31) - 1


@dataclass(frozen=True)
class Filing:
    """A report as read, with the keys under which copies of it are found: equal texts and addresses, near copies.

    Keys are stable 64-bit hashes, so that they can be stored.
    """

    clues: Clues
    exact: tuple[int, ...]
    near: tuple[int, ...]

    @property
    def report(self) -> Linkable:
        """The report itself."""
        return self.clues.report


def filing(report: Linkable) -> Filing:
    """Read a report once, and make the keys of its copies."""
    clues = read(report)
    exact = (f"x:{clues.text_key}" if clues.text_key else "", f"u:{clues.url_key}" if clues.url_key else "")
    return Filing(clues, tuple(key_hash(key) for key in exact if key), copy_keys(clues))


def copy_keys(clues: Clues) -> tuple[int, ...]:
    """Return the keys under which near copies of a report are found."""
    return tuple(map(key_hash, band_keys(shingles(clues.content))))


def key_hash(key: str) -> int:
    """Return a stable 64-bit hash of a key, as a signed number."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), signed=True)


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


def event_keys(clues: Clues, nearest: Sequence[int], weights: Weights) -> dict[int, float]:
    """Return the keys of what a report tells and their weights: rare words, telling figures, anchors by fortnight.

    A text without words can be a copy by its address, but tells of nothing.
    """
    if not clues.stems:
        return {}
    rarest = heapq.nsmallest(RARE_WORDS, ((-weights.idf(stemmed), stemmed) for stemmed in clues.stems))
    keys = {f"w:{stemmed}": -negative for negative, stemmed in rarest}
    keys |= {f"n:{number:g}": 4.0 for number in clues.numbers if telling(number)}
    for period in _periods(clues.windows):
        keys |= {f"a:{anchor}:{period}": _ANCHOR_WEIGHT for anchor in nearest}
    return {key_hash(key): weight for key, weight in keys.items()}


def nearest_anchors(
    vectors: "Sequence[NDArray[np.float32]] | NDArray[np.float32]", weights: Weights
) -> list[list[int]]:
    """Return for each vector, shape (384,), the numbers of its nearest anchors."""
    import numpy as np

    anchors = weights.anchor_vectors()
    if not len(anchors) or not len(vectors):
        return [[] for _ in range(len(vectors))]
    # Row by row: a matrix product may round differently with the number of rows.
    likeness = np.stack([anchors @ vector for vector in vectors])
    count = min(NEAREST, len(anchors))
    rows: list[list[int]] = np.argpartition(-likeness, count - 1, axis=1)[:, :count].tolist()
    return rows


@dataclass(frozen=True)
class Held:
    """Which reports stand under which keys: two arrays of the same shape (entries,), reports by number."""

    keys: "NDArray[np.int64]"
    numbers: "NDArray[np.int64]"


def nothing_held() -> Held:
    """Return an index that holds nothing."""
    import numpy as np

    return Held(np.zeros(0, np.int64), np.zeros(0, np.int64))


def candidates(asking: Mapping[int, Mapping[int, float]], held: Held, count: int = CANDIDATES) -> dict[int, list[int]]:
    """Return for each report that asks, by number, at most `count` earlier ones: most weight of shared keys first.

    Earlier is who has the lower number, whether it stands in `held` already or asks as well; ties by number.

    Args:
        asking: keys and their weights of reports, by number; what asks stands under these keys for later ones.
        held: what stands under these keys already.
        count: how many to return.
    """
    import numpy as np

    sizes = [len(keys) for keys in asking.values()]
    own = np.fromiter((key for keys in asking.values() for key in keys), np.int64, sum(sizes))
    weight = np.fromiter((value for keys in asking.values() for value in keys.values()), np.float64, sum(sizes))
    asker = np.repeat(np.arange(len(sizes)), sizes)
    names = np.fromiter(asking, np.int64, len(sizes))
    keys, numbers = np.concatenate([held.keys, own]), np.concatenate([held.numbers, names[asker]])
    # One sort by key and number together is several times faster than one by each.
    distinct, at = np.unique(keys, return_inverse=True)
    order = np.argsort(at * (int(numbers.max(initial=0)) + 1) + numbers)
    at, numbers = at[order], numbers[order]
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    end = place[len(held.keys) :]
    begins = np.searchsorted(at, np.arange(len(distinct)))
    start = np.maximum(begins[at[end]], end - PER_KEY)
    found: list[list[int]] = [[] for _ in sizes]
    bounds = np.cumsum([0, *sizes])
    for first in range(0, len(sizes), _CHUNK):
        part = slice(bounds[first], bounds[min(first + _CHUNK, len(sizes))])
        ranked = _ranked(asker[part] - first, own[part], weight[part], start[part], end[part], numbers, count)
        for place_of, others in ranked:
            found[first + place_of] = others
    return dict(zip(asking, found, strict=True))


def _ranked(
    who: "NDArray[np.int64]",
    own: "NDArray[np.int64]",
    weight: "NDArray[np.float64]",
    start: "NDArray[np.int64]",
    end: "NDArray[np.int64]",
    numbers: "NDArray[np.int64]",
    count: int,
) -> list[tuple[int, list[int]]]:
    """Rank what stands in `numbers[start:end]` under each key of each report, `who`, from 0 to `_CHUNK` - 1.

    All arrays but `numbers` are of shape (keys,).
    """
    import numpy as np

    # The least crowded keys say most about any one of their reports, so they are visited first.
    size = end - start
    order = np.lexsort((own, size, who))
    order = order[size[order] > 0]
    who, weight, start, size = who[order], weight[order], start[order], size[order]
    visited = np.cumsum(size) - size
    visited -= np.repeat(*_firsts(who, visited))
    kept = visited < VISITS
    who, weight, start, size = who[kept], weight[kept], start[kept], size[kept]
    if not len(who):
        return []
    at = np.arange(size.sum()) + np.repeat(start - np.cumsum(size) + size, size)
    # One number a pair, so that equal ones stand together after one sort.
    span = int(numbers.max()) + 1
    pair = np.repeat(who, size) * span + numbers[at]
    order = np.argsort(pair)
    pair = pair[order]
    begins = np.flatnonzero(np.diff(pair, prepend=-1))
    votes = np.add.reduceat(np.repeat(weight / (1 + size / PER_KEY), size)[order], begins)
    who, other = pair[begins] // span, pair[begins] % span
    # Summed in another order the same votes differ in their last digits: rounded, that decides no tie.
    fewest = _MOST_VOTES - np.rint(votes * 1e6).astype(np.int64)
    ranks = np.sort((who << _WHO) | (fewest << _PLACE) | np.arange(len(who)))
    other = other[ranks & ((1 << _PLACE) - 1)]
    first, length = _firsts(who, np.arange(len(who)))
    return [
        (report, other[begin : begin + min(count, many)].tolist())
        for report, begin, many in zip(who[first].tolist(), first.tolist(), length.tolist(), strict=True)
    ]


def _firsts(
    sorted_ones: "NDArray[np.int64]", values: "NDArray[np.int64]"
) -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
    """Return the value at which each run of equal numbers begins, and how long the run is."""
    import numpy as np

    begins = np.flatnonzero(np.diff(sorted_ones, prepend=-1))
    return values[begins], np.diff(begins, append=len(sorted_ones))
