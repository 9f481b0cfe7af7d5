"""One ratio from several sources, and how far the sources differ; the same with each left out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scipy import stats

from warehouse.trends.estimates import Estimate, not_computable

RANDOM_EFFECTS: Final = (
    "random-effects pooling of log ratios (DerSimonian and Laird 1986), t interval of Hartung and Knapp (2001)"
)
MANTEL_HAENSZEL: Final = "Mantel-Haenszel rate ratio (Greenland and Robins 1985)"


@dataclass(frozen=True)
class Stratum:
    """One source's counts before and after with their exposures."""

    name: str
    before: int
    after: int
    exposure: tuple[float, float]


@dataclass(frozen=True)
class Pooled:
    """A pooled ratio and its heterogeneity.

    `q` is Cochran's, `q_p` its p, `i2` the share of variance that chance does not explain, `tau2` the variance of the
    true log ratios between sources. `left_out` are sources with a zero count: they have no log ratio.
    """

    random_effects: Estimate
    common: Estimate
    q: float | None
    q_p: float | None
    i2: float | None
    tau2: float | None
    sources: int
    left_out: tuple[str, ...]


def pool(strata: Sequence[Stratum], *, dispersion: float = 1.0, level: float = 0.95) -> Pooled:
    """Pool the ratios of several sources.

    Random effects: DerSimonian and Laird 1986, Controlled Clinical Trials 7:177, within-source variances
    dispersion·(1/before + 1/after). I²: Higgins and Thompson 2002, Statistics in Medicine 21:1539. Common ratio:
    Mantel-Haenszel with the variance of Greenland and Robins 1985, Biometrics 41:55, times the dispersion; it keeps
    sources with one zero. The random-effects interval is Hartung and Knapp's (2001, Statistics in Medicine 20:3875),
    which knows how poorly tau² is known from few sources.

    Args:
        strata: one a source.
        dispersion: variance over mean of the counts.
        level: confidence level.
    """
    n = sum(stratum.before + stratum.after for stratum in strata)
    z = float(stats.norm.isf((1 - level) / 2))
    common = _mantel_haenszel(strata, dispersion, z, n)
    used = [stratum for stratum in strata if stratum.before and stratum.after]
    left_out = tuple(stratum.name for stratum in strata if not (stratum.before and stratum.after))
    if len(used) < 2:
        none = not_computable("fewer than two sources have counts both before and after", RANDOM_EFFECTS, n)
        return Pooled(none, common, None, None, None, None, len(used), left_out)
    effects = [math.log(s.after / s.before * s.exposure[0] / s.exposure[1]) for s in used]
    variances = [dispersion * (1 / s.before + 1 / s.after) for s in used]
    weights = [1 / variance for variance in variances]
    fixed = sum(w * e for w, e in zip(weights, effects, strict=True)) / sum(weights)
    q = sum(w * (e - fixed) ** 2 for w, e in zip(weights, effects, strict=True))
    free = len(used) - 1
    tau2 = max(0.0, (q - free) / (sum(weights) - sum(w * w for w in weights) / sum(weights)))
    weights = [1 / (variance + tau2) for variance in variances]
    centre = sum(w * e for w, e in zip(weights, effects, strict=True)) / sum(weights)
    spread = sum(w * (e - centre) ** 2 for w, e in zip(weights, effects, strict=True)) / free
    # Never narrower than what the sources' own variances say.
    error = math.sqrt(max(spread, 1.0) / sum(weights))
    reach = float(stats.t.isf((1 - level) / 2, free)) * error
    p = 2 * float(stats.t.sf(abs(centre) / error, free))
    estimate = Estimate(math.exp(centre), math.exp(centre - reach), math.exp(centre + reach), n, RANDOM_EFFECTS, p)
    i2 = max(0.0, (q - free) / q) if q > 0 else 0.0
    return Pooled(estimate, common, q, float(stats.chi2.sf(q, free)), i2, tau2, len(used), left_out)


def leave_one_out(strata: Sequence[Stratum], *, dispersion: float = 1.0) -> dict[str, Pooled]:
    """Return the pooled ratio without each source in turn."""
    return {
        left.name: pool([stratum for stratum in strata if stratum is not left], dispersion=dispersion)
        for left in strata
    }


def _mantel_haenszel(strata: Sequence[Stratum], dispersion: float, z: float, n: int) -> Estimate:
    top = bottom = spread = 0.0
    for s in strata:
        whole = sum(s.exposure)
        top += s.after * s.exposure[0] / whole
        bottom += s.before * s.exposure[1] / whole
        spread += (s.after + s.before) * s.exposure[0] * s.exposure[1] / whole**2
    if top == 0 or bottom == 0:
        return not_computable("a count is zero in every source", MANTEL_HAENSZEL, n)
    ratio = top / bottom
    error = math.sqrt(dispersion * spread / (top * bottom))
    reach = math.exp(z * error)
    p = 2 * float(stats.norm.sf(abs(math.log(ratio)) / error))
    return Estimate(ratio, ratio / reach, ratio * reach, n, MANTEL_HAENSZEL, p)
