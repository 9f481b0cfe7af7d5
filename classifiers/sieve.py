"""The middle stage: a logistic curve on hashed words, the screen's terms and cues, before the transformer.

It reads the title and the beginning of the text, a thousand posts a second, and hands on what could tell of an
event. Its weights and its cut are part of the artefact.
"""

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, pairwise
from typing import TYPE_CHECKING, Final

from classifiers.cues import cue_grams
from classifiers.features import mask, words
from classifiers.screen import found_terms
from warehouse.schema.models import Post

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

WORD_BUCKETS: Final = 1 << 16
SIGN_BUCKETS: Final = 1 << 13
BUCKETS: Final = WORD_BUCKETS + SIGN_BUCKETS
TITLE_CHARACTERS: Final = 300
TEXT_CHARACTERS: Final = 700
MAX_SENTENCES: Final = 16
PENALTY: Final = 0.1
"""Of squared weights, beside the log loss."""

_SENTENCE = re.compile(r"[.!?\n]+")


@dataclass(frozen=True)
class Sieve:
    """Weights of the buckets in 8 bits, times `scale`; a post whose score reaches `cut` is handed on."""

    weights: "NDArray[np.int8]"
    scale: float
    cut: float

    def score(self, post: Post) -> float:
        """Return the weights of the post's words, and of its signs, each block over the root of its number."""
        total = sum(int(self.weights[found].sum(dtype="int64")) / len(found) ** 0.5 for found in buckets(post) if found)
        return float(total * self.scale)

    def passes(self, post: Post) -> bool:
        """Say whether a post goes on to the transformer."""
        return self.score(post) >= self.cut


def buckets(post: Post) -> tuple[list[int], list[int]]:
    """Return the sorted buckets of a post's words with their pairs, and of its terms and cues with theirs."""
    # All are read with names masked: of one event told of two products the same is handed on.
    head, body = mask(post.title[:TITLE_CHARACTERS]), mask(post.text[:TEXT_CHARACTERS])
    signs = chain(_term_grams(head, body), cue_grams(head, body))
    return (
        _hashed(_word_grams(words(head), words(body)), WORD_BUCKETS, 0),
        _hashed(signs, SIGN_BUCKETS, WORD_BUCKETS),
    )


def _hashed(grams: Iterable[str], size: int, first: int) -> list[int]:
    return sorted({first + (zlib.crc32(gram.encode("utf-8", "replace")) & (size - 1)) for gram in grams})


def _word_grams(head: Sequence[str], body: Sequence[str]) -> Iterator[str]:
    for found in (head, body):
        yield from found
        yield from (f"{one} {other}" for one, other in pairwise(found))
    yield from (f"title:{word}" for word in head)


def _term_grams(title: str, text: str) -> Iterator[str]:
    """Yield the screen's terms, their classes and pairs of classes: of the title, of all, and of one sentence."""
    for field, value in (("title", title), ("all", f"{title} . {text}")):
        terms, classes = found_terms(value)
        yield from (f"{field}:{term}" for term in terms)
        yield from (f"{field}:{name}" for name in classes)
        yield from (f"{field}:{one}&{other}" for one, other in combinations(classes, 2))
    for sentence in _SENTENCE.split(f"{title} . {text}")[:MAX_SENTENCES]:
        yield from (f"near:{one}&{other}" for one, other in combinations(found_terms(sentence)[1], 2))


def matrix(posts: Sequence[Post]) -> "csr_array":
    """Return one row per post, each block of length 1, shape (posts, BUCKETS)."""
    import numpy as np
    from scipy.sparse import csr_array

    blocks = [found for post in posts for found in buckets(post)]
    columns = np.array([bucket for found in blocks for bucket in found], dtype=np.int32)
    values = np.repeat([1 / max(len(found), 1) ** 0.5 for found in blocks], [len(found) for found in blocks])
    bounds = np.cumsum([0, *(len(found) for found in blocks)])[::2].astype(np.int32)
    return csr_array((values, columns, bounds), shape=(len(posts), BUCKETS))


def fit_weights(
    rows: "csr_array | NDArray[np.float64]", goal: "NDArray[np.bool_]", weight: "NDArray[np.float64]"
) -> "NDArray[np.float64]":
    """Fit a penalised logistic curve by coordinate descent, seeded; the last weight is the constant."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    curve = LogisticRegression(C=1 / PENALTY, solver="liblinear", max_iter=200, random_state=0)
    curve.fit(rows, goal, sample_weight=weight)
    return np.append(curve.coef_[0], curve.intercept_[0])


def pack(weights: "NDArray[np.float64]", cut: float) -> Sieve:
    """Store fitted weights in 8 bits; the constant goes into the cut."""
    import numpy as np

    scale = max(float(np.abs(weights[:-1]).max()), 1e-12) / 127
    return Sieve(np.rint(weights[:-1] / scale).astype(np.int8), scale, cut - float(weights[-1]))
