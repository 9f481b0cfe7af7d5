"""The band in which a period's count is expected from the periods before it, and which counts leave theirs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scipy import stats

LEAST: Final = 6
"""Fewest earlier periods a band is computed from."""
LEVEL: Final = 0.99
"""Chance that no series at all leaves its band in a period in which nothing has changed (Holm's rule)."""
RULE: Final = (
    "a count is unexpected if its two-sided p under the band's law stays below 1 % after Holm's correction over all "
    "series tested for the same period"
)


@dataclass(frozen=True)
class Band:
    """What was expected of one period: mean, central interval, dispersion of the baseline; p of the count found."""

    count: int
    mean: float
    low: int
    high: int
    dispersion: float
    periods: int
    p: float


def band(history: Sequence[tuple[int, float]], count: int, exposure: float, level: float = LEVEL) -> Band | None:
    """Compare a count with what the periods before it lead one to expect.

    The baseline is quasi-Poisson with one rate, its dispersion Pearson's and at least 1; the predicted variance is
    dispersion·mean·(1 + exposure / sum of exposures), as in Farrington et al. (1996, J. R. Stat. Soc. A 159:547)
    without their down-weighting and trend. The law of the count is the negative binomial of that mean and variance
    (Noufaily et al. 2013, Stat. Med. 32:1206).

    Args:
        history: counts and exposures of earlier periods that were read completely.
        count: what was found.
        exposure: days (or another size) of the period in question.
        level: width of the central interval.

    Returns:
        None where the history is too short or holds no event at all: then nothing is expected, and nothing unexpected.
    """
    total, size = sum(number for number, _ in history), sum(each for _, each in history)
    if len(history) < LEAST or total == 0 or size <= 0 or exposure <= 0:
        return None
    rate = total / size
    pearson = sum((number - rate * each) ** 2 / (rate * each) for number, each in history)
    dispersion = max(1.0, pearson / (len(history) - 1))
    mean = rate * exposure
    variance = dispersion * mean * (1 + exposure / size)
    # scipy's parameters: r successes of chance r / (r + mean).
    successes = mean**2 / (variance - mean)
    law = stats.nbinom(successes, successes / (successes + mean))
    p = min(1.0, 2 * min(float(law.cdf(count)), float(law.sf(count - 1))))
    tail = (1 - level) / 2
    return Band(count, mean, int(law.ppf(tail)), int(law.ppf(1 - tail)), dispersion, len(history), p)


def holm(p: Mapping[str, float]) -> dict[str, float]:
    """Return p values adjusted for the number of tests made at once (Holm 1979, Scand. J. Statist. 6:65)."""
    adjusted: dict[str, float] = {}
    largest = 0.0
    for rank, name in enumerate(sorted(p, key=lambda name: (p[name], name))):
        largest = max(largest, min(1.0, (len(p) - rank) * p[name]))
        adjusted[name] = largest
    return adjusted
