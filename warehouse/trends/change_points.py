"""When a rate of counts changed: optimal segmentation of the Poisson likelihood, with the family-wise error stated."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from warehouse.trends.statistics import RateRatio, rate_ratio

METHOD: Final = (
    "optimal partitioning of the Poisson likelihood (Jackson et al. 2005; Killick, Fearnhead and Eckley 2012), divided "
    "by the dispersion of neighbouring periods; the penalty is the 95 % quantile of the largest gain over all dates "
    "when the periods are shuffled, 999 times: all dates are tested at once, and by chance alone a change is found in "
    "one unchanged series of 20"
)
_RUNS: Final = 999
# Of a chi square with one degree of freedom: the mean of its lower nine tenths.
_KEPT: Final = 0.9
_KEPT_MEAN: Final = float(stats.chi2.cdf(stats.chi2.ppf(_KEPT, 1), 3)) / _KEPT
_LEAST: Final = 6


@dataclass(frozen=True)
class Change:
    """A change before period `at` (an index); `low` and `high` are the first and last date compatible with it.

    `ratio` compares the rates of the segments after and before; its interval does not know that the date was chosen by
    looking, and is too narrow for that.
    """

    at: int
    low: int
    high: int
    gain: float
    ratio: RateRatio


@dataclass(frozen=True)
class Segmentation:
    """The changes found, the penalty that each had to pass, and the dispersion; with a `reason` if not tried."""

    changes: tuple[Change, ...]
    penalty: float | None
    dispersion: float | None
    periods: int
    method: str = METHOD
    reason: str | None = None


def change_points(
    counts: Sequence[int], exposures: Sequence[float] | None = None, *, level: float = 0.95, seed: int = 0
) -> Segmentation:
    """Find when the rate of a series changed, if it did.

    Optimal partitioning: Jackson et al. 2005, IEEE Signal Processing Letters 12:105; Killick, Fearnhead and Eckley
    2012, JASA 107:1590. Exact (not pruned: series are short). The dispersion is the mean of Pearson's chi square
    between neighbours, without the largest tenth so that a change itself does not inflate it; at least 1.

    Args:
        counts: of successive periods, all of them known.
        exposures: length or volume of each period; 1 each if left out.
        level: probability that an unchanged series has no change found in it.
        seed: of the shuffles that set the penalty.

    Raises:
        ValueError: an exposure is not positive, or there are not as many as counts.
    """
    y = np.asarray(counts, dtype=float)
    e = np.ones(len(y)) if exposures is None else np.asarray(exposures, dtype=float)
    if len(e) != len(y) or (e <= 0).any():
        msg = "each period needs one positive exposure"
        raise ValueError(msg)
    if len(y) < _LEAST or y.sum() == 0:
        return Segmentation((), None, None, len(y), reason=f"fewer than {_LEAST} known periods, or nothing counted")
    dispersion = neighbour_dispersion(y, e)
    penalty = _penalty(y, e, level, seed)
    starts = _partition(y, e, dispersion * penalty)
    bounds = [0, *starts, len(y)]
    changes = tuple(
        _change(y, e, bounds[place - 1], bounds[place], bounds[place + 1], dispersion)
        for place in range(1, len(bounds) - 1)
    )
    return Segmentation(changes, penalty, dispersion, len(y))


def neighbour_dispersion(counts: NDArray[np.float64], exposures: NDArray[np.float64]) -> float:
    """Return variance over mean, from the differences of neighbouring periods; at least 1."""
    first, second = counts[:-1], counts[1:]
    share = exposures[:-1] / (exposures[:-1] + exposures[1:])
    total = first + second
    kept = total > 0
    if not kept.any():
        return 1.0
    square = (first - total * share)[kept] ** 2 / (total * share * (1 - share))[kept]
    # The largest tenth is left out: a change stands in it.
    return max(1.0, float(np.sort(square)[: max(1, int(_KEPT * len(square)))].mean()) / _KEPT_MEAN)


def _cost(count: NDArray[np.float64] | float, exposure: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return -2 log likelihood of a segment at its own rate, without what no segmentation changes."""
    return np.asarray(-2 * (special.xlogy(count, count) - special.xlogy(count, exposure) - count))


def _partition(y: NDArray[np.float64], e: NDArray[np.float64], penalty: float) -> list[int]:
    """Return the first periods of all segments but the first, at the least cost plus penalty a change."""
    counts, exposures = np.concatenate([[0], y.cumsum()]), np.concatenate([[0], e.cumsum()])
    best = np.full(len(y) + 1, math.inf)
    best[0] = -penalty
    before = np.zeros(len(y) + 1, dtype=int)
    for end in range(1, len(y) + 1):
        tried = best[:end] + _cost(counts[end] - counts[:end], exposures[end] - exposures[:end]) + penalty
        before[end] = int(tried.argmin())
        best[end] = tried[before[end]]
    starts: list[int] = []
    place = int(before[len(y)])
    while place > 0:
        starts.insert(0, place)
        place = int(before[place])
    return starts


def _gains(y: NDArray[np.float64], e: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what each split of each row gains in -2 log likelihood; shape rows x (periods - 1)."""
    left, left_e = (values.cumsum(axis=-1)[..., :-1] for values in (y, e))
    total, total_e = (values.sum(axis=-1, keepdims=True) for values in (y, e))
    return np.asarray(_cost(total, total_e) - _cost(left, left_e) - _cost(total - left, total_e - left_e))


def _penalty(y: NDArray[np.float64], e: NDArray[np.float64], level: float, seed: int) -> float:
    """Return the quantile of the largest gain over all splits of the shuffled series, in units of its dispersion."""
    order = np.random.default_rng(seed).random((_RUNS, len(y))).argsort(axis=1)
    own = np.array([neighbour_dispersion(y[row], e[row]) for row in order])
    return float(np.quantile(_gains(y[order], e[order]).max(axis=1) / own, level))


def _change(y: NDArray[np.float64], e: NDArray[np.float64], start: int, at: int, end: int, dispersion: float) -> Change:
    gains = _gains(y[start:end], e[start:end]) / dispersion
    # Dates whose likelihood is within 1.92 of the best: a profile interval, rough where there are few periods.
    near = np.flatnonzero(gains >= gains.max() - 3.84) + start + 1
    ratio = rate_ratio(
        int(y[start:at].sum()),
        int(y[at:end].sum()),
        exposure=(float(e[start:at].sum()), float(e[at:end].sum())),
        dispersion=dispersion,
    )
    return Change(at, int(near.min()), int(near.max()), float(gains[at - start - 1]), ratio)
