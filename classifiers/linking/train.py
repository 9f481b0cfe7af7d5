"""Training the pair scorer and the bars of grouping on texts whose true event is known."""

import random
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifiers.linking import pairs
from classifiers.linking.clues import MAX_CHARS, read, stem, words
from classifiers.linking.find import WEAKEST, profiles
from classifiers.linking.gold import RETELLING, GoldText, b_cubed, f1, joined_pairs
from classifiers.linking.groups import FLOOR, Bars, join_units

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifiers.encoder import Encoder

SEED = 20261121
# A pair of look-alikes teaches more than two texts that have nothing in common.
LOOK_ALIKE_WEIGHT = 5.0
# One pair in eight is also shown without its dates, so that a missing date is a case the scorer knows.
UNDATED_EVERY = 8
PENALTY = 0.3
ANCHORS = 256
# Log odds by which the loose setting asks for less.
LOOSER = 0.75
MIN_FREQUENCY = 3
LOOK_ALIKE_COST = 0.2
REPEATS = 5
# Of bars that do equally well the strictest is taken.
GRID_PAIR = (2.0, 1.5, 1.0)
GRID_JOIN = (-1.5, -1.75, -2.0, -2.25, -2.5, -2.75)


@dataclass(frozen=True)
class PairTable:
    """All pairs of texts: features, shape (pairs, features), and the numbers of the two texts, shape (pairs,)."""

    texts: list[GoldText]
    values: "NDArray[np.float64]"
    left: "NDArray[np.int64]"
    right: "NDArray[np.int64]"

    @property
    def same(self) -> "NDArray[np.bool_]":
        """Tell which pairs tell of one event."""
        import numpy as np

        events = np.array([text.event for text in self.texts])
        same: NDArray[np.bool_] = events[self.left] == events[self.right]
        return same

    @property
    def alike(self) -> "NDArray[np.bool_]":
        """Tell which pairs are look-alikes of different events."""
        import numpy as np

        marks = np.array([text.pair or "" for text in self.texts])
        alike: NDArray[np.bool_] = (marks[self.left] == marks[self.right]) & (marks[self.left] != "") & ~self.same
        return alike


def pair_table(texts: Sequence[GoldText], encoder: "Encoder", weights: pairs.Weights) -> PairTable:
    """Compare all texts with all."""
    import numpy as np

    ready = profiles([read(text.report) for text in texts], encoder, weights)
    left, right = np.tril_indices(len(ready), -1)
    values = [pairs.features(ready[a], ready[b]) for a, b in zip(left, right, strict=True)]
    return PairTable(list(texts), np.array(values), left, right)


@dataclass(frozen=True)
class Fitted:
    """A linear scorer on standardised features."""

    mean: "NDArray[np.float64]"
    scale: "NDArray[np.float64]"
    weights: "NDArray[np.float64]"
    intercept: float

    def log_odds(self, values: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """Return the log odds of each row of values, shape (pairs, features)."""
        odds: NDArray[np.float64] = (values - self.mean) / self.scale @ self.weights + self.intercept
        return odds


def fit(table: PairTable, rows: "NDArray[np.bool_]", seed: int = SEED) -> Fitted:
    """Fit the logistic regression on the chosen pairs, look-alikes weighted, a seeded share also without dates."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    dated = pairs.FEATURES.index("dated")
    chosen = table.values[rows]
    drawn = np.random.default_rng(seed).random(len(chosen)) < 1 / UNDATED_EVERY
    undated = chosen[drawn].copy()
    undated[:, dated:] = 0.0
    values = np.concatenate([chosen, undated])
    target = np.concatenate([table.same[rows], table.same[rows][drawn]])
    weight = np.where(table.alike[rows], LOOK_ALIKE_WEIGHT, 1.0)
    weight = np.concatenate([weight, np.ones(int(drawn.sum()))])
    mean, scale = values.mean(axis=0), values.std(axis=0)
    scale[scale == 0] = 1.0
    model = LogisticRegression(C=PENALTY, max_iter=3000)
    model.fit((values - mean) / scale, target, sample_weight=weight)
    return Fitted(mean, scale, model.coef_[0], float(model.intercept_[0]))


def _edges(table: PairTable, odds: "NDArray[np.float64]", rows: "NDArray[np.bool_]") -> dict[tuple[str, str], float]:
    strong = rows & (odds >= WEAKEST)
    ids = [text.report.id for text in table.texts]
    found = zip(table.left[strong], table.right[strong], odds[strong], strict=True)
    return {(min(ids[a], ids[b]), max(ids[a], ids[b])): float(value) for a, b, value in found}


def _grouped(texts: Sequence[GoldText], edges: dict[tuple[str, str], float], bars: Bars) -> dict[str, str]:
    joined = join_units(edges, set(), bars)
    return {text.report.id: joined.get(text.report.id, text.report.id) for text in texts}


def choose_bars(texts: Sequence[GoldText], edges: dict[tuple[str, str], float]) -> Bars:
    """Return the bars with the best B-cubed F1 on these texts, less the share of look-alike pairs joined."""
    event = {text.report.id: text.event for text in texts}

    def worth(bars: Bars) -> float:
        group = _grouped(texts, edges, bars)
        joined, whole = joined_pairs(group, texts)
        return f1(b_cubed(group, event).values()) - LOOK_ALIKE_COST * joined / max(whole, 1)

    return max((Bars(pair, join) for pair in GRID_PAIR for join in GRID_JOIN), key=worth)


def folds(texts: Sequence[GoldText], count: int, seed: int = SEED) -> dict[str, int]:
    """Return event -> fold; the two events of a look-alike pair share a fold."""
    above = {text.event: text.event for text in texts}

    def top(event: str) -> str:
        while above[event] != event:
            event = above[event]
        return event

    by_pair = defaultdict(list)
    for text in texts:
        if text.pair:
            by_pair[text.pair].append(text.event)
    for events in by_pair.values():
        above[top(events[0])] = top(events[-1])
    tops = sorted({top(event) for event in above})
    random.Random(seed).shuffle(tops)  # noqa: S311 - a fold, not a secret
    return {event: tops.index(top(event)) % count for event in above}


def cross_validate(
    table: PairTable, scored: Sequence[GoldText], *, count: int = 5, seed: int = SEED
) -> tuple[dict[str, str], list[Bars]]:
    """Group `scored` texts by scorers that never saw their events; return the groups and the bars chosen in each fold.

    A pair that runs between two folds is scored by both of their scorers and counts with the mean. The bars are chosen
    on the other folds' texts; all are grouped at once, at the median of the bars.
    """
    import numpy as np

    fold = folds(scored, count, seed)
    ids = {text.report.id for text in scored}
    of_text = np.array([fold.get(text.event, -1) for text in table.texts])
    inside = np.array([text.report.id in ids for text in table.texts])
    tune = np.array([text.split != "test" for text in table.texts])
    left, right = of_text[table.left], of_text[table.right]
    total, times = np.zeros(len(left)), np.zeros(len(left))
    chosen: list[Bars] = []
    for number in range(count):
        rows = (left != number) & (right != number) & tune[table.left] & tune[table.right]
        odds = fit(table, rows, seed).log_odds(table.values)
        held = (left == number) | (right == number)
        total[held] += np.maximum(odds[held], FLOOR)
        times[held] += 1
        learned = [text for text in scored if fold[text.event] != number]
        both = rows & inside[table.left] & inside[table.right]
        chosen.append(choose_bars(learned, _edges(table, odds, both)))
    edges = _edges(table, total / np.maximum(times, 1), inside[table.left] & inside[table.right])
    middle = Bars(float(np.median([bars.pair for bars in chosen])), float(np.median([bars.join for bars in chosen])))
    return _grouped(scored, edges, middle), chosen


def _anchors(vectors: "NDArray[np.float32]", seed: int) -> bytes:
    import numpy as np
    from sklearn.cluster import KMeans

    count = min(ANCHORS, len(vectors))
    centres = KMeans(count, n_init=1, random_state=seed).fit(vectors).cluster_centers_
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    return bytes(np.round(centres / np.abs(centres).max() * 127).astype(np.int8).tobytes())


def train_link(
    texts: Sequence[GoldText], background: Sequence[str], *, encoder: "Encoder", seed: int = SEED
) -> dict[str, object]:
    """Return the artefact of `model/link.json`, learned from texts with known events, split "test" left out.

    `background` are ordinary posts of the same kind: only the frequencies of single stems (in `MIN_FREQUENCY` posts or
    more) and cluster centres of their vectors are kept of them. The bars of the normal setting are the medians of those
    found inside the folds of repeated cross-validation by event; the loose setting asks for `LOOSER` less.
    """
    import numpy as np

    counts = Counter(stemmed for text in background for stemmed in {stem(word) for word in words(text)})
    frequencies = {stemmed: count for stemmed, count in sorted(counts.items()) if count >= MIN_FREQUENCY}
    vectors = encoder.encode([text[:MAX_CHARS] for text in background])
    empty = pairs.Weights((), (), (), 0.0, len(background), frequencies, b"", {})
    table = pair_table([text for text in texts if text.split != "test"], encoder, empty)
    scored = [text for text in table.texts if text.report.id.startswith(RETELLING)]
    chosen = [bars for repeat in range(REPEATS) for bars in cross_validate(table, scored, seed=seed + repeat)[1]]
    pair, join = (float(np.median([getattr(bars, side) for bars in chosen])) for side in ("pair", "join"))
    fitted = fit(table, np.ones(len(table.left), dtype=bool), seed)
    return {
        "features": list(pairs.FEATURES),
        "scorer": {name: [round(float(v), 6) for v in getattr(fitted, name)] for name in ("mean", "scale", "weights")},
        "intercept": round(fitted.intercept, 6),
        "settings": {
            "normal": {"pair": pair, "join": join},
            "loose": {"pair": pair - LOOSER, "join": max(join - LOOSER, WEAKEST)},
        },
        "documents": len(background),
        "seed": seed,
        "anchors": b64encode(_anchors(vectors, seed)).decode(),
        "frequencies": frequencies,
    }
