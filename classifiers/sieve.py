"""The middle stage: a logistic curve on words, hashed and by likeness, on the screen's terms and on cues.

It stands before the transformer, reads the title and the beginning of the text, a thousand posts a second, and hands
on what could tell of an event. Its weights and its cut are part of the artefact.

A word that the labelled texts seldom have is read like its neighbours among the encoder's word pieces: the curve also
sees the mean of the pieces' vectors, of the title and of all. A weight on a mean of vectors is a mean of weights, one
a piece, so that no vector is needed to read a post.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, combinations, pairwise
from typing import TYPE_CHECKING, Final

from classifiers.cues import cue_grams, sentences
from classifiers.encoder import WIDTH, piece_vectors, word_pieces
from classifiers.features import hashed, mask, words
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
PENALTY: Final = 0.1
"""Of squared weights, beside the log loss."""
PIECE_SCALE: Final = 1.5
"""Of the pieces' vectors beside the hashed blocks, whose length is 1; a mean of them is about 0.3 long (measured at
0.97 of the strict positives kept, on real posts and on all: 2.3 and 2.3 % of the stream handed on, without the pieces
2.6 and 3.0 %)."""


@dataclass(frozen=True)
class Sieve:
    """Weights of the buckets in 8 bits, times `scale`, and of word pieces in the title and in all, shape (2, pieces).

    A post whose score reaches `cut` is handed on.
    """

    weights: "NDArray[np.int8]"
    scale: float
    pieces: "NDArray[np.float16]"
    cut: float

    def score(self, post: Post) -> float:
        """Return the weights of the post's words and of its signs, each over the root of their number, and its pieces'.

        Those of pieces are taken in the mean.
        """
        seen = Beginning.of(post)
        of_buckets = sum(int(self.weights[at].sum(dtype="int64")) / len(at) ** 0.5 for at in buckets(seen) if at)
        means = (float(row[at].mean(dtype="float64")) for row, at in zip(self.pieces, pieces(seen), strict=True) if at)
        return float(of_buckets * self.scale + sum(means))

    def passes(self, post: Post) -> bool:
        """Say whether a post goes on to the transformer."""
        return self.score(post) >= self.cut


@dataclass(frozen=True)
class Beginning:
    """What the sieve reads of a post, names masked: of one event told of two products the same is handed on."""

    title: str
    text: str

    @classmethod
    def of(cls, post: Post) -> "Beginning":
        """Cut, then mask, so that a megabyte costs no more than a page."""
        return cls(mask(post.title[:TITLE_CHARACTERS]), mask(post.text[:TEXT_CHARACTERS]))


def buckets(seen: Beginning) -> tuple[list[int], list[int]]:
    """Return the sorted buckets of a post's words with their pairs, and of its terms and cues with theirs."""
    signs = chain(_term_grams(seen.title, seen.text), cue_grams(seen.title, seen.text))
    return (
        sorted(set(hashed(_word_grams(words(seen.title), words(seen.text)), WORD_BUCKETS))),
        sorted({WORD_BUCKETS + bucket for bucket in hashed(signs, SIGN_BUCKETS)}),
    )


def pieces(seen: Beginning) -> tuple[list[int], list[int]]:
    """Return the word pieces of a post's title, and of all that is read of it."""
    title = word_pieces(seen.title)
    return title, title + word_pieces(seen.text)


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
    for sentence in sentences(f"{title} . {text}"):
        yield from (f"near:{one}&{other}" for one, other in combinations(found_terms(sentence)[1], 2))


def matrix(posts: Sequence[Post]) -> "csr_array":
    """Return one row per post: hashed blocks of length 1, and the means of its pieces' vectors in the title and in all.

    Shape (posts, BUCKETS + 2 * WIDTH).
    """
    import numpy as np
    from scipy.sparse import csr_array, hstack

    seen = [Beginning.of(post) for post in posts]
    blocks = [found for one in seen for found in buckets(one)]
    columns = np.array([bucket for found in blocks for bucket in found], dtype=np.int32)
    values = np.repeat([1 / max(len(found), 1) ** 0.5 for found in blocks], [len(found) for found in blocks])
    bounds = np.cumsum([0, *(len(found) for found in blocks)])[::2].astype(np.int32)
    of_buckets = csr_array((values, columns, bounds), shape=(len(posts), BUCKETS))
    means = np.zeros((len(posts), 2, WIDTH))
    for row, one in enumerate(seen):
        for field, found in enumerate(pieces(one)):
            if found:
                means[row, field] = _vectors()[found].mean(axis=0)
    return csr_array(hstack([of_buckets, csr_array(means.reshape(len(posts), 2 * WIDTH))]))


@cache
def _vectors() -> "NDArray[np.float64]":
    """Vectors of the pieces about their common mean, scaled."""
    import numpy as np

    vectors = piece_vectors().astype("float64")
    return np.asarray(PIECE_SCALE * (vectors - vectors.mean(axis=0)))


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
    """Store fitted weights: of buckets in 8 bits, of vectors as the weight of every piece; the constant in the cut."""
    import numpy as np

    of_buckets, of_vectors, constant = weights[:BUCKETS], weights[BUCKETS:-1].reshape(2, WIDTH), float(weights[-1])
    scale = max(float(np.abs(of_buckets).max()), 1e-12) / 127
    return Sieve(
        weights=np.rint(of_buckets / scale).astype(np.int8),
        scale=scale,
        pieces=(of_vectors @ _vectors().T).astype(np.float16),
        cut=cut - constant,
    )
