"""Two reports in figures: how alike their words, names, numbers, makers and dates are, and the trained score of it."""

import json
import math
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from classifiers.linking.clues import Clues
from classifiers.linking.when import days_between

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEATURES = (
    "cosine", "tfidf", "overlap", "rare_words", "shared_words", "numbers", "near_number", "other_numbers",
    "same_maker", "other_maker", "names", "same_action", "other_action", "dated", "days_apart", "event_gap",
    "told_later", "same_days", "long_apart", "past_hit",
)  # fmt: skip
# Figures that stand in every second post say little.
_COMMON_NUMBERS = frozenset({15, 20, 30, 40, 50, 60, 100, 200, 404, 500, 1000, 2023, 2024, 2025, 2026, 2027})


@dataclass(frozen=True)
class Weights:
    """The shipped artefact: linear weights on standardised features, word frequencies, embedding anchors, bars."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    documents: int
    frequencies: dict[str, int]
    anchors: bytes
    settings: dict[str, dict[str, float]]

    def idf(self, stemmed: str) -> float:
        """Return log((N + 1) / (df + 1/2)) of a stem in the background texts."""
        return math.log((self.documents + 1) / (self.frequencies.get(stemmed, 0) + 0.5))

    def anchor_vectors(self) -> "NDArray[np.float32]":
        """Return the anchors as unit rows, shape (anchors, 384)."""
        return _anchor_vectors(self.anchors)


@lru_cache(maxsize=4)
def _anchor_vectors(packed: bytes) -> "NDArray[np.float32]":
    import numpy as np

    rows = np.frombuffer(packed, dtype=np.int8).reshape(-1, 384).astype(np.float32)
    unit: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return unit


def weights_from(data: dict[str, object]) -> Weights:
    """Build the weights from the parsed artefact."""
    scorer: dict[str, list[float]] = data["scorer"]  # type: ignore[assignment]
    return Weights(
        mean=tuple(scorer["mean"]),
        scale=tuple(scorer["scale"]),
        weights=tuple(scorer["weights"]),
        intercept=float(data["intercept"]),  # type: ignore[arg-type]
        documents=int(data["documents"]),  # type: ignore[call-overload]
        frequencies=data["frequencies"],  # type: ignore[arg-type]
        anchors=b64decode(str(data["anchors"])),
        settings=data["settings"],  # type: ignore[arg-type]
    )


@cache
def default_weights() -> Weights:
    """Load the shipped `model/link.json`."""
    return weights_from(json.loads((files("classifiers") / "model" / "link.json").read_text("utf-8")))


@dataclass(frozen=True)
class Profile:
    """A report's clues with the weights of its words and its vector, ready for comparison."""

    clues: Clues
    idf: dict[str, float]
    total: float
    norm: float
    vector: "NDArray[np.float32]"


def profile(clues: Clues, vector: "NDArray[np.float32]", weights: Weights) -> Profile:
    """Put a report's clues and its unit vector, shape (384,), together."""
    idf = {stemmed: weights.idf(stemmed) for stemmed in clues.stems}
    return Profile(clues, idf, sum(idf.values()), math.sqrt(sum(value * value for value in idf.values())), vector)


def telling(number: float) -> bool:
    """Tell whether a figure is unusual enough to point to one event."""
    return number > 12 and number not in _COMMON_NUMBERS


def _number_weight(number: float) -> float:
    if number >= 1000 or number != int(number):
        return 2.0 if number not in _COMMON_NUMBERS else 0.25
    return 1.0 if telling(number) else 0.25 if number > 2 else 0.0


def _dates(left: Clues, right: Clues) -> tuple[float, ...]:
    if not left.posted or not right.posted:
        return (0.0,) * 7
    days = abs((left.posted - right.posted).days)
    gap = days_between(left.windows, right.windows)
    past = left.past or right.past
    return (
        1.0,
        math.log1p(days),
        math.log1p(gap),
        float(gap == 0 and days > 14),
        float(days <= 3),
        math.log1p(max(0, days - 45)),
        float(past and gap == 0),
    )


def features(left: Profile, right: Profile) -> list[float]:
    """Return the values of `FEATURES` for a pair; symmetric, so the order of the two does not matter."""
    a, b = left.clues, right.clues
    common = a.stems & b.stems
    shared = [left.idf[stemmed] for stemmed in common]
    same = a.numbers & b.numbers
    near = any(
        abs(m - n) < 0.05 * max(m, n) for m in a.numbers - same if m >= 100 for n in b.numbers - same if n >= 100
    )
    names = (a.names & b.stems) | (b.names & a.stems)
    actions, other = set(a.report.actions), set(b.report.actions)
    return [
        float(left.vector @ right.vector),
        sum(value * value for value in shared) / max(left.norm * right.norm, 1e-9),
        sum(shared) / max(min(left.total, right.total), 1e-9),
        sum(max(0.0, value - 4) for value in shared),
        math.log1p(sum(max(0.0, value - 2) for value in shared)),
        math.log1p(sum(map(_number_weight, same))),
        float(near),
        float(not same and any(map(telling, a.numbers)) and any(map(telling, b.numbers))),
        float(bool(a.makers & b.makers)),
        float(bool(a.makers and b.makers) and not a.makers & b.makers),
        math.log1p(sum(max(0.0, (left.idf.get(name) or right.idf[name]) - 2) for name in names)),
        float(bool(actions & other)),
        float(bool(actions and other) and not actions & other),
        *_dates(a, b),
    ]


def log_odds(values: Sequence[float], weights: Weights) -> float:
    """Return the log odds that a pair with these feature values tells of one event."""
    terms = zip(values, weights.mean, weights.scale, weights.weights, strict=True)
    return weights.intercept + sum((value - mean) / scale * weight for value, mean, scale, weight in terms)
