"""What fitting needs of the labelled items: their features, their targets, and which of them tell one event."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from classifiers.encoder import WIDTH, Encoder
from classifiers.features import CUE_BLOCK, Space, learn_space, prepare
from classifiers.fit import FIELD, Floats, Kernels, Targets, grouped_folds, targets
from classifiers.heads import Support, likeness
from classifiers.items import GoldItem
from classifiers.label import encode_each
from classifiers.rules import find_hits, rule_ids

SAME_TEXT: Final = 0.85
"""Cosine of two readings above which they stay in one fold."""
LIKE_TEXT: Final = 0.6
"""Cosine above which a text written for training is kept away from a measured one: its writer knew the gold set."""


READING: Final = 3.5
"""Weight of the encoder's kernel."""
WORDS: Final = 0.5
"""Weight of the kernel of words, rules and shape."""


@dataclass(frozen=True)
class Material:
    """Everything about the training items that fitting needs; the first `target.measured` are measured on."""

    items: list[GoldItem]
    target: Targets
    space: Space
    places: Floats
    """Where the encoder's vectors lie, shape (items, components)."""
    sparse: Any
    """scipy.sparse.csr_array, shape (items, space.size)."""
    kernels: Kernels
    groups: NDArray[np.int_]
    cosines: Floats
    """Of sentence vectors, shape (items, items)."""

    @property
    def measured(self) -> NDArray[np.intp]:
        """Rows that figures rest on."""
        return np.arange(self.target.measured)

    @property
    def judged(self) -> NDArray[np.intp]:
        """Rows to be judged by heads that have not seen them: those measured, and all others from the field."""
        rows = np.arange(len(self.items))
        return np.flatnonzero((rows < self.target.measured) | (self.target.domains == FIELD))

    def apart(self, rows: NDArray[np.intp], fold: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return those of `rows` from which `fold` may be judged: no shared event, no text written alike."""
        written = (rows >= self.target.measured) & (self.target.domains[rows] != FIELD)
        alike = self.cosines[np.ix_(rows, fold)].max(axis=1, initial=-1) > LIKE_TEXT
        return np.asarray(rows[~np.isin(self.groups[rows], self.groups[fold]) & ~(written & alike)])


def gather(items: Sequence[GoldItem], domains: Sequence[str], measured: int, encoder: Encoder) -> Material:
    """Read, encode and place the items; group those that tell one event."""
    from scipy.sparse import csr_array

    parts = [prepare(item.post) for item in items]
    hits = [find_hits(item.post) for item in items]
    vectors = encode_each(encoder, (one.reading for one in parts))
    space = learn_space(parts, vectors, rule_ids())
    rows = [space.vector(one, found) for one, found in zip(parts, hits, strict=True)]
    places = np.stack([space.place(vector) for vector in vectors]).astype(np.float16).astype(float)
    bounds = np.cumsum([0, *(len(row.indices) for row in rows)])
    sparse = csr_array(
        (np.concatenate([row.values for row in rows]), np.concatenate([row.indices for row in rows]), bounds),
        shape=(len(rows), space.size),
    )
    cues = sparse[:, CUE_BLOCK]
    read = READING * likeness(places, Support.of(places))
    whole = read + WORDS * (sparse @ sparse.T).toarray()
    sentences = vectors[:, -WIDTH:] / np.linalg.norm(vectors[:, -WIDTH:], axis=1, keepdims=True)
    cosines = sentences.astype(float) @ sentences.astype(float).T
    return Material(
        items=list(items),
        target=targets(items, domains, measured),
        space=space,
        places=places,
        sparse=sparse,
        kernels=Kernels(whole, whole - WORDS * (cues @ cues.T).toarray()),
        groups=event_groups(items, cosines),
        cosines=cosines,
    )


def event_groups(items: Sequence[GoldItem], cosines: Floats) -> NDArray[np.int_]:
    """Number items so that those with one address or nearly one text share a number."""
    parent = list(range(len(items)))

    def root(node: int) -> int:
        while parent[node] != node:
            node = parent[node]
        return node

    first: dict[str, int] = {}
    for row, item in enumerate(items):
        if item.url:
            parent[root(row)] = root(first.setdefault(item.url, row))
    for a, b in np.argwhere(np.triu(cosines, 1) > SAME_TEXT).tolist():
        parent[root(a)] = root(b)
    return np.array([root(row) for row in range(len(items))])


def split(material: Material, rows: NDArray[np.intp], count: int, seed: int) -> list[NDArray[np.intp]]:
    """Deal `rows` into folds that keep events together and the strata even."""
    strata = [f"{material.target.gold[row]}/{material.target.domains[row]}" for row in rows]
    return [rows[fold] for fold in grouped_folds(material.groups[rows].tolist(), strata, count, seed)]
