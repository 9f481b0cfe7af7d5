"""Measures of agreement and quality, weighted, with seeded bootstrap intervals. Pure numpy."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
RESAMPLES: Final = 1000
SUFFICIENT: Final = 20
"""Fewest positives on which a class figure is printed."""


@dataclass(frozen=True)
class Figure:
    """One measured value with its 95 % interval; `value` is None where there was too little to measure."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    positives: int | None = None
    note: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values, rounded to four decimals, without empty entries."""
        data = {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "positives": self.positives,
            "note": self.note,
        }
        rounded = {key: round(item, 4) if isinstance(item, float) else item for key, item in data.items()}
        return {key: item for key, item in rounded.items() if item is not None or key == "value"}

    def __str__(self) -> str:
        of = f"n {self.n}" + (f", {self.positives} positive" if self.positives is not None else "")
        if self.value is None:
            return f"{self.note or 'insufficient'} ({of})"
        interval = f" [{self.low:.3f}, {self.high:.3f}]" if self.low is not None and self.high is not None else ""
        return f"{self.value:.3f}{interval} ({of})" + (f" {self.note}" if self.note else "")


def precision(truth: Bools, said: Bools, weight: Floats) -> float:
    """Share of what was said that is true."""
    total = weight[said].sum()
    return float(weight[truth & said].sum() / total) if total else float("nan")


def recall(truth: Bools, said: Bools, weight: Floats) -> float:
    """Share of what is true that was said."""
    total = weight[truth].sum()
    return float(weight[truth & said].sum() / total) if total else float("nan")


def f1(truth: Bools, said: Bools, weight: Floats) -> float:
    """Harmonic mean of precision and recall."""
    total = weight[truth].sum() + weight[said].sum()
    return float(2 * weight[truth & said].sum() / total) if total else float("nan")


def _ranked(truth: Bools, p: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Precision and recall at every distinct cut, from the highest probability down."""
    order = np.argsort(-p, kind="stable")
    ranked, hit, mass = p[order], np.cumsum((truth * weight)[order]), np.cumsum(weight[order])
    last = np.append(ranked[1:] != ranked[:-1], [True]) & (mass > 0)
    total = (truth * weight).sum()
    if not total:
        return np.zeros(0), np.zeros(0)
    return hit[last] / mass[last], hit[last] / total


def average_precision(truth: Bools, p: Floats, weight: Floats) -> float:
    """Area under precision over recall, as a step function (no interpolation)."""
    precisions, recalls = _ranked(truth, p, weight)
    if not len(recalls):
        return float("nan")
    return float((np.diff(recalls, prepend=0.0) * precisions).sum())


def precision_at_recall(truth: Bools, p: Floats, weight: Floats, least: float = 0.8) -> float:
    """Highest precision among the cuts that reach `least` recall."""
    precisions, recalls = _ranked(truth, p, weight)
    reached = precisions[recalls >= least - 1e-9]
    return float(reached.max()) if len(reached) else float("nan")


def calibration_error(truth: Bools, p: Floats, weight: Floats, bins: int = 10) -> float:
    """Expected calibration error over `bins` equally wide bins (Naeini et al. 2015)."""
    total, error = weight.sum(), 0.0
    where = np.minimum((p * bins).astype(int), bins - 1)
    for one in range(bins):
        inside = where == one
        mass = weight[inside].sum()
        if mass:
            error += abs((weight[inside] * (truth[inside] - p[inside])).sum())
    return float(error / total) if total else float("nan")


def _table(truth: NDArray[np.int_], said: NDArray[np.int_], weight: Floats | None) -> Floats:
    size = int(max(truth.max(), said.max())) + 1
    return np.bincount(truth * size + said, weights=weight, minlength=size * size).reshape(size, size).astype(float)


def cohen_kappa(truth: NDArray[np.int_], said: NDArray[np.int_], weight: Floats | None = None) -> float:
    """Cohen's kappa (1960): agreement beyond chance."""
    table = _table(truth, said, weight)
    table /= table.sum()
    chance = float(table.sum(axis=1) @ table.sum(axis=0))
    return float((np.trace(table) - chance) / (1 - chance)) if chance < 1 else float("nan")


def quadratic_kappa(truth: NDArray[np.int_], said: NDArray[np.int_], weight: Floats | None = None) -> float:
    """Quadratic weighted kappa (Cohen 1968): a miss by two levels counts four times a miss by one."""
    table = _table(truth, said, weight)
    table /= table.sum()
    levels = np.arange(len(table))
    penalty = (levels[:, None] - levels[None, :]) ** 2
    chance = float((penalty * np.outer(table.sum(axis=1), table.sum(axis=0))).sum())
    return float(1 - (penalty * table).sum() / chance) if chance else float("nan")


def accuracy(truth: NDArray[np.int_], said: NDArray[np.int_], weight: Floats) -> float:
    """Share of answers that agree."""
    return float(weight[truth == said].sum() / weight.sum()) if weight.sum() else float("nan")


def macro_f1(truth: NDArray[np.int_], said: NDArray[np.int_], weight: Floats) -> float:
    """Mean F1 over the classes that occur in the truth."""
    return float(np.nanmean([f1(truth == one, said == one, weight) for one in np.unique(truth)]))


def measured(
    measure: Callable[..., float],
    truth: NDArray[Any],
    said: NDArray[Any],
    weight: Floats,
    *,
    seed: int = 0,
    least: int = 0,
    positives: int | None = None,
    note: str | None = None,
) -> Figure:
    """Measure with a percentile bootstrap over items (Efron 1979), 1,000 seeded resamples.

    Below `least` positives the figure is "insufficient": no value is given.
    """
    n = len(truth)
    if n == 0 or (positives is not None and positives < max(least, 1)):
        return Figure(None, None, None, n, positives, "insufficient")
    value = measure(truth, said, weight)
    if np.isnan(value):
        return Figure(None, None, None, n, positives, "undefined")
    generator = np.random.default_rng(seed)
    draws = np.array(
        [measure(truth, said, weight * generator.multinomial(n, np.full(n, 1 / n))) for _ in range(RESAMPLES)]
    )
    draws = draws[~np.isnan(draws)]
    low, high = np.quantile(draws, [0.025, 0.975]) if len(draws) else (float("nan"), float("nan"))
    return Figure(value, float(low), float(high), n, positives, note)
