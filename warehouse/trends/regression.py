"""Regressions of counts on time, with source effects and exposure; each with its dispersion and doubling time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from warehouse.trends.estimates import Estimate, not_computable

Family = Literal["quasi_poisson", "negative_binomial"]
QUASI_POISSON: Final = (
    "quasi-Poisson regression, log link, source effects, exposure offset; dispersion from Pearson's chi square, at "
    "least 1; t interval (McCullagh and Nelder 1989, section 6.2.3)"
)
NEGATIVE_BINOMIAL: Final = (
    "negative binomial regression (NB2), log link, source effects, exposure offset; dispersion by maximum likelihood; "
    "t interval (Hilbe 2011, chapter 8; Cameron and Trivedi 2013, section 3.3)"
)
_METHODS: Final = {"quasi_poisson": QUASI_POISSON, "negative_binomial": NEGATIVE_BINOMIAL}
_SMALLEST_ALPHA: Final = 1e-8
FEWEST: Final = 6


@dataclass(frozen=True)
class Cell:
    """One count: of which source, when (in months), over which exposure."""

    source: str
    months: float
    count: int
    exposure: float


@dataclass(frozen=True)
class Trend:
    """A fitted trend: growth a month as a ratio, months to double, and the dispersion found.

    `dispersion` is variance over mean: of the quasi-Poisson law everywhere, of the negative binomial at the mean count.
    """

    family: Family
    growth: Estimate
    doubling: Estimate
    dispersion: float | None
    alpha: float | None
    cells: int
    sources: int


def fit_trend(cells: Sequence[Cell], family: Family = "quasi_poisson", level: float = 0.95) -> Trend:
    """Fit log rate = source effect + slope · months to counts with their exposures.

    Quasi-Poisson: McCullagh and Nelder 1989, Generalized Linear Models, section 6.2.3. Negative binomial: Hilbe 2011,
    Negative Binomial Regression, chapter 8, the dispersion by profile likelihood. Both take t quantiles with the
    residual degrees of freedom. Counts of successive periods are taken as independent given the trend: bursts that last
    longer than a period make both intervals too narrow.

    Args:
        cells: at least six, at two times or more; a source that never has a count is left out.
        family: the law of the counts.
        level: confidence level, between 0 and 1.
    """
    told = {cell.source for cell in cells if cell.count}
    used = [cell for cell in cells if cell.source in told]
    n = sum(cell.count for cell in used)
    method = _METHODS[family]
    sources = sorted(told)
    free = len(used) - len(sources) - 1
    if len(used) < FEWEST or free < 1 or len({cell.months for cell in used}) < 2:
        reason = f"fewer than {FEWEST} periods with a known count, or all at one time"
        none = not_computable(reason, method, n)
        return Trend(family, none, none, None, None, len(used), len(sources))
    design, counts, offset = _design(used, sources)
    if family == "quasi_poisson":
        slope, error, dispersion = _quasi_poisson(design, counts, offset, free)
        alpha = None
    else:
        slope, error, alpha = _negative_binomial(design, counts, offset)
        dispersion = 1 + alpha * float(counts.mean())
    reach = float(stats.t.isf((1 - level) / 2, free)) * error
    p = 2 * float(stats.t.sf(abs(slope) / error, free))
    growth = Estimate(math.exp(slope), math.exp(slope - reach), math.exp(slope + reach), n, method, p)
    doubling = doubling_time(slope, slope - reach, slope + reach, n, method)
    return Trend(family, growth, doubling, dispersion, alpha, len(used), len(sources))


def doubling_time(slope: float, low: float, high: float, n: int, method: str) -> Estimate:
    """Return months to double, ln 2 / slope, its interval by inverting that of the slope.

    Where the slope's interval holds 0, so slow a rise that it never doubles is compatible with the counts: there is no
    upper bound; where the slope is not positive, there is no doubling time.
    """
    told = f"ln 2 over the slope of the {method}"
    if slope <= 0:
        return not_computable("the counts do not rise", told, n)
    return Estimate(math.log(2) / slope, math.log(2) / high, math.log(2) / low if low > 0 else None, n, told)


def _design(
    cells: Sequence[Cell], sources: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the design (source effects, then months about their mean), the counts and the log exposures."""
    months = np.array([cell.months for cell in cells])
    effects = np.array([[float(cell.source == source) for source in sources] for cell in cells])
    design = np.column_stack([effects, months - months.mean()])
    return design, np.array([float(cell.count) for cell in cells]), np.log([cell.exposure for cell in cells])


def _glm(design: NDArray[np.float64], counts: NDArray[np.float64], offset: NDArray[np.float64], law: Any) -> Any:  # noqa: ANN401
    import statsmodels.api as sm

    return sm.GLM(counts, design, family=law, offset=offset).fit(maxiter=100)


def _quasi_poisson(
    design: NDArray[np.float64], counts: NDArray[np.float64], offset: NDArray[np.float64], free: int
) -> tuple[float, float, float]:
    import statsmodels.api as sm

    fit = _glm(design, counts, offset, sm.families.Poisson())
    dispersion = max(1.0, float(fit.pearson_chi2) / free)
    return float(fit.params[-1]), float(fit.bse[-1]) * math.sqrt(dispersion), dispersion


def _negative_binomial(
    design: NDArray[np.float64], counts: NDArray[np.float64], offset: NDArray[np.float64]
) -> tuple[float, float, float]:
    import statsmodels.api as sm

    def misfit(log_alpha: float) -> float:
        law = sm.families.NegativeBinomial(alpha=math.exp(log_alpha))
        return -float(_glm(design, counts, offset, law).llf)

    found = optimize.minimize_scalar(
        misfit, bounds=(math.log(_SMALLEST_ALPHA), math.log(10.0)), method="bounded", options={"xatol": 0.01}
    )
    alpha = math.exp(float(found.x))
    # Maximum likelihood takes the dispersion too small by about the share of parameters: as with a variance.
    alpha *= len(counts) / (len(counts) - design.shape[1])
    fit = _glm(design, counts, offset, sm.families.NegativeBinomial(alpha=alpha))
    return float(fit.params[-1]), float(fit.bse[-1]), alpha
