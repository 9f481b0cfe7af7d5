"""Near copies: MinHash over five-word shingles, bands of it as keys to find them, what differs to accept them.

Written here, not taken from a library: the band keys may be stored, so they must not change with a dependency.
"""

from functools import lru_cache
from typing import TYPE_CHECKING
from zlib import crc32

from classifiers.linking.clues import Clues, numbers, stem, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHINGLE_WORDS = 5
# Below this many shingles two texts can share most of their words and still tell of two events.
MIN_SHINGLES = 8
# Broder (1997): two signatures agree in one row with probability J, so in at least one of b bands of r rows with
# 1 - (1 - J^r)^b. 16 bands of 3 rows find J = 0.7 with 0.998.
BANDS, ROWS = 16, 3
MIN_SHARED = 0.7
# A quoted or shortened copy: nearly all of the shorter text stands in the longer one.
MIN_CONTAINED = 0.85
_PRIME = (1 << 31) - 1


@lru_cache(maxsize=200_000)
def _word_hash(word: str) -> int:
    return crc32(word.encode()) & 0x7FFFFFFF


def shingles(content: str) -> "NDArray[np.uint64]":
    """Return the sorted distinct hashes of the five-word shingles of a text, 31 bits each."""
    import numpy as np

    hashes = np.array([_word_hash(word) for word in content.lower().split()], dtype=np.uint64)
    if len(hashes) < SHINGLE_WORDS:
        return np.zeros(0, dtype=np.uint64)
    rolled = np.zeros(len(hashes) - SHINGLE_WORDS + 1, dtype=np.uint64)
    for offset in range(SHINGLE_WORDS):
        rolled = (rolled * np.uint64(1_000_003) + hashes[offset : offset + len(rolled)]) % np.uint64(_PRIME)
    return np.unique(rolled)


@lru_cache(maxsize=1)
def _permutations() -> "tuple[NDArray[np.uint64], NDArray[np.uint64]]":
    import numpy as np

    draw = np.random.default_rng(20261121)
    count = BANDS * ROWS
    return (
        draw.integers(1, _PRIME, count, dtype=np.uint64)[:, None],
        draw.integers(0, _PRIME, count, dtype=np.uint64)[:, None],
    )


def band_keys(hashed: "NDArray[np.uint64]") -> list[str]:
    """Return one key per band; two texts with a key in common are candidates for being copies."""
    if len(hashed) < MIN_SHINGLES:
        return []
    factor, shift = _permutations()
    smallest = ((hashed[None, :] * factor + shift) % _PRIME).min(axis=1).reshape(BANDS, ROWS)
    return [f"m{band}:{row.tobytes().hex()}" for band, row in enumerate(smallest.astype("<u4"))]


def shared_shingles(left: "NDArray[np.uint64]", right: "NDArray[np.uint64]") -> tuple[int, int, int]:
    """Return how many shingles two texts share, how many the shorter has, and how many both have together."""
    import numpy as np

    common = len(np.intersect1d(left, right, assume_unique=True))
    return common, min(len(left), len(right)), len(left) + len(right) - common


def is_copy(left: Clues, right: Clues, counts: tuple[int, int, int]) -> bool:
    """Tell whether two texts with the given shingle counts are copies, quotes or light edits of each other.

    Posts made from one form share most of their shingles and differ in the few words that matter: where both texts
    hold at least two subject words, or both a figure, that the other lacks, they are not copies.
    """
    common, shorter, together = counts
    if shorter < MIN_SHINGLES or not (common >= MIN_SHARED * together or common >= MIN_CONTAINED * shorter):
        return False
    stems, other_stems = (frozenset(stem(word) for word in words(clues.content)) for clues in (left, right))
    own, other = stems - other_stems, other_stems - stems
    amounts, other_amounts = numbers(left.content), numbers(right.content)
    figures, other_figures = amounts - other_amounts, other_amounts - amounts
    return min(len(own), len(other)) < 2 and not (figures and other_figures)
