"""Intervals and tests for counts and their ratios; each function names the source of its formula.

Counts of reported incidents are more scattered than a Poisson law says, because reports come in bursts. So the exact
interval, which assumes that law, is always given together with wider ones under a stated dispersion.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

from scipy import special, stats

DISPERSIONS: Final = (1.0, 2.9, 4.0, 8.0)
EXACT: Final = "exact conditional test and interval (binomial share, Clopper-Pearson)"
QUASI: Final = "quasi-Poisson Wald test and interval on the log ratio"
WILSON: Final = "Wilson score interval"
GARWOOD: Final = "exact Poisson interval (Garwood)"
# Beyond these the arithmetic of doubles, not the law, would decide.
_LARGEST_COUNT: Final = 2**53
_SMALLEST: Final = 1e-100


@dataclass(frozen=True)
class Interval:
    """A confidence interval with the p value of "no change"; an end that is null has no bound on that side."""

    low: float | None
    high: float | None
    p: float | None
    dispersion: float
    test: str


@dataclass(frozen=True)
class RateRatio:
    """The ratio of two rates, `after` over `before`; `ratio` is null where a count is zero, `notes` say why."""

    before: int
    after: int
    exposure: tuple[float, float]
    level: float
    ratio: float | None
    exact: Interval
    over_dispersed: tuple[Interval, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values; an interval end without bound is null."""
        return {**asdict(self), "exposure": list(self.exposure)}


@dataclass(frozen=True)
class RatioOfRatios:
    """A ratio divided by a control's; `low` and `high` are null where the counts behind either are not published."""

    value: float
    low: float | None
    high: float | None
    level: float
    note: str


def rate_ratio(
    before: int,
    after: int,
    *,
    exposure: tuple[float, float] = (1, 1),
    dispersion: float | None = None,
    level: float = 0.95,
) -> RateRatio:
    """Compare two counts as rates.

    The exact part conditions on the sum of the counts: given it, `after` is binomial with a share that depends on the
    ratio only (Przyborowski and Wilenski 1940, Biometrika 31:313). The share's interval is Clopper and Pearson's (1934,
    Biometrika 26:404); p doubles the smaller tail, so that it agrees with that interval (Fay 2010, R Journal 2(1):53).
    With a zero count one end has no bound; the other keeps half of the error, so that coverage is kept.

    The over-dispersed part multiplies the Poisson variance by the dispersion (Wedderburn 1974, Biometrika 61:439;
    McCullagh and Nelder 1989, section 6.2.3): log ratio ± z·sqrt(dispersion·(1/before + 1/after)).

    Args:
        before: earlier count.
        after: later count.
        exposure: time or volume behind each, in one unit.
        dispersion: variance over mean; without it 1, 2.9, 4 and 8 are all given.
        level: confidence level, between 0 and 1.

    Raises:
        ValueError: a count is negative or not whole, an exposure or dispersion is not positive and finite, or the
            level is not between 0 and 1.
    """
    _check_count("before", before)
    _check_count("after", after)
    for name, value in (("before", exposure[0]), ("after", exposure[1])):
        _check_positive(f"exposure {name}", value)
    if dispersion is not None:
        _check_positive("dispersion", dispersion)
    _check_level(level)
    scale = exposure[0] / exposure[1]
    if not _SMALLEST < scale < 1 / _SMALLEST:
        msg = f"exposures {exposure[0]!r} and {exposure[1]!r} are too far apart to compare"
        raise ValueError(msg)
    ratio = after / before * scale if before and after else None
    assumed = DISPERSIONS if dispersion is None else (dispersion,)
    notes = []
    if ratio is None:
        told = "both counts are" if before == after else "a count is"
        notes.append(f"ratio not computable, because {told} zero; no interval on the log scale either")
    if dispersion is None:
        notes.append("two counts cannot tell their dispersion: the values of it are assumptions")
    return RateRatio(
        before=before,
        after=after,
        exposure=exposure,
        level=level,
        ratio=ratio,
        exact=_exact(before, after, exposure, level),
        over_dispersed=tuple(_quasi(before, after, ratio, value, level) for value in assumed),
        notes=tuple(notes),
    )


def _exact(before: int, after: int, exposure: tuple[float, float], level: float) -> Interval:
    total = before + after
    if total == 0:
        return Interval(0.0, None, 1.0, 1.0, EXACT)
    scale = exposure[0] / exposure[1]
    tail = (1 - level) / 2
    # A beta quantile near 1 loses its digits: the odds are taken from the smaller of share and rest.
    low = 0.0 if after == 0 else _odds(after, before + 1, tail) * scale
    high = None if before == 0 else scale / _odds(before, after + 1, tail)
    share = 1 / (1 + scale)
    least = float(stats.binom.sf(after - 1, total, share))
    most = float(stats.binom.cdf(after, total, share))
    return Interval(low, high, min(1.0, 2 * min(least, most)), 1.0, EXACT)


def _odds(successes: int, others: int, tail: float) -> float:
    """Return the odds whose share is the lower `tail` quantile of Beta(successes, others)."""
    return successes / others * float(stats.f.ppf(tail, 2 * successes, 2 * others))


def _quasi(before: int, after: int, ratio: float | None, dispersion: float, level: float) -> Interval:
    if ratio is None:
        return Interval(None, None, None, dispersion, QUASI)
    error = math.sqrt(dispersion * (1 / before + 1 / after))
    reach = math.exp(float(stats.norm.isf((1 - level) / 2)) * error)
    p = 2 * float(stats.norm.sf(abs(math.log(ratio)) / error))
    return Interval(ratio / reach, ratio * reach, p, dispersion, QUASI)


def ratio_of_ratios(
    ratio: RateRatio | float, control: RateRatio | float, *, dispersion: float = 1.0, level: float = 0.95
) -> RatioOfRatios:
    """Divide a ratio by a control's, so that what moved both alike falls out.

    The interval adds the variances of both on the log scale (Altman and Bland 2003, BMJ 326:219), each quasi-Poisson.
    A ratio published without its counts is a bare number: then there is no interval.

    Raises:
        ValueError: a ratio is not positive and finite, or is null because a count is zero.
    """
    _check_positive("dispersion", dispersion)
    _check_level(level)
    values = []
    for name, given in (("ratio", ratio), ("control", control)):
        value = given.ratio if isinstance(given, RateRatio) else given
        if value is None:
            msg = f"{name} is not computable: a count behind it is zero"
            raise ValueError(msg)
        _check_positive(name, value)
        values.append(value)
    value = values[0] / values[1]
    if not (isinstance(ratio, RateRatio) and isinstance(control, RateRatio)):
        note = "interval not computable, because the counts behind a published ratio were not published"
        return RatioOfRatios(value, None, None, level, note)
    counts = (ratio.before, ratio.after, control.before, control.after)
    error = math.sqrt(dispersion * sum(1 / count for count in counts))
    reach = math.exp(float(stats.norm.isf((1 - level) / 2)) * error)
    return RatioOfRatios(value, value / reach, value * reach, level, f"{QUASI}, dispersion {dispersion:g} in both")


def poisson_interval(count: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a Poisson mean from one count (Garwood 1936, Biometrika 28:437).

    Raises:
        ValueError: the count is negative or not whole, or the level is not between 0 and 1.
    """
    _check_count("count", count)
    _check_level(level)
    tail = (1 - level) / 2
    # Half the quantiles of chi square are those of a gamma law; asked directly, for speed: every period has one.
    low = 0.0 if count == 0 else float(special.gammaincinv(count, tail))
    return low, float(special.gammainccinv(count + 1, tail))


def wilson_interval(part: int, whole: int, level: float = 0.95) -> tuple[float, float]:
    """Return the score interval of a share (Wilson 1927, JASA 22:209).

    Raises:
        ValueError: not 0 <= part <= whole with whole at least 1, or the level is not between 0 and 1.
    """
    _check_count("part", part)
    _check_count("whole", whole)
    _check_level(level)
    if whole == 0 or part > whole:
        msg = f"a share needs 0 <= part <= whole and whole >= 1, not {part} of {whole}"
        raise ValueError(msg)
    found = stats.binomtest(part, whole).proportion_ci(level, method="wilson")
    return float(found.low), float(found.high)


def format_rate_ratio(found: RateRatio) -> str:
    """Return a ratio as a plain text table: every interval with its p and the name of its test."""
    first, last = found.exposure
    exposed = "" if first == last else f"   exposure {first:g} and {last:g}"
    ratio = "not computable" if found.ratio is None else format_figure(found.ratio)
    level = f"{100 * found.level:g} %"
    lines = [f"{found.before:,} -> {found.after:,}{exposed}   ratio {ratio}", f"{level} interval    p         test"]
    for item in (found.exact, *(item for item in found.over_dispersed if item.low is not None)):
        test = item.test if item is found.exact else f"{item.test}, dispersion {item.dispersion:g}"
        p = "-" if item.p is None else f"{item.p:.4f}" if item.p >= 0.0001 else "<0.0001"
        lines.append(f"{format_interval(item):<16} {p:<9} {test}")
    return "\n".join([*lines, *(f"note: {note}" for note in found.notes)])


def format_interval(item: Interval) -> str:
    """Return "3.75-6.51", "above 1.24" where there is no upper bound, or "-" where there is no interval."""
    if item.low is None:
        return "-"
    if item.high is None:
        return f"above {format_figure(item.low)}"
    return f"{format_figure(item.low)}-{format_figure(item.high)}"


def format_figure(value: float) -> str:
    """Return a ratio with about three significant digits."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 or value == 0 else f"{value:.2g}"


def _check_count(name: str, value: int) -> None:
    # Comparisons, not conversions: nan fails them all, and a huge int must not overflow.
    if isinstance(value, bool) or not 0 <= value <= _LARGEST_COUNT or value % 1 != 0:
        msg = f"{name} must be a whole number from 0 to {_LARGEST_COUNT}, not {value!r}"
        raise ValueError(msg)


def _check_positive(name: str, value: float) -> None:
    if not math.isfinite(value) or value <= 0:
        msg = f"{name} must be positive and finite, not {value!r}"
        raise ValueError(msg)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        msg = f"level must lie between 0 and 1, not {level!r}"
        raise ValueError(msg)
