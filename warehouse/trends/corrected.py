"""Counts corrected for the instrument's errors by a random human audit; nothing is corrected without one.

The audit's answers replace the instrument's word on the posts drawn, each weighted by its known probability: the
difference estimator (Särndal, Swensson and Wretman 1992, section 6.3), which prediction-powered inference (Angelopoulos
et al. 2023, Science 382:669) applies to predictions of a model. What is estimated is distinct events: a group is an
event as far as its reports are strict, and a missed report of an event that is counted anyway adds none.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scipy import stats

from warehouse.trends.estimates import Estimate, not_computable

NO_AUDIT: Final = "no audit yet: nobody has judged a random sample of the posts"
CORRECTED: Final = (
    "difference estimator from a stratified audit with known probabilities (Särndal, Swensson and Wretman 1992; "
    "prediction-powered inference, Angelopoulos et al. 2023), Wilson intervals of the strata joined by variance "
    "recovery (Zou and Donner 2008)"
)
REJECTS: Final = "exact upper bound of a binomial share (Clopper and Pearson 1934), one stratum at a time"


@dataclass(frozen=True)
class Cell:
    """Posts of one stratum that the instrument flagged, or did not: how many, and what the audit found.

    `posts` are all of them; `groups` the groups they make up, a post of a group of m being 1/m of it (0 where not
    flagged); `answers` one pair an audited post: whether the auditor holds it to be strict, and m.
    """

    stratum: str
    flagged: bool
    posts: float
    groups: float
    answers: tuple[tuple[bool, int], ...]

    @property
    def audited(self) -> int:
        """Posts with an answer."""
        return len(self.answers)

    @property
    def strict(self) -> int:
        """Audited posts held to be strict."""
        return sum(strict for strict, _ in self.answers)


@dataclass(frozen=True)
class LinkError:
    """True events per group found, with its 95 % interval: what joining too much or too little does to the count."""

    factor: float
    low: float
    high: float
    n: int
    note: str


@dataclass(frozen=True)
class Corrected:
    """The raw and the corrected counts of strict reports and of distinct events, both among posts the screen kept.

    `false_alarms` and `missed` are the shares found: of flagged posts not strict, of strict posts not flagged.
    """

    raw_reports: int
    raw_events: int
    reports: Estimate
    events: Estimate
    false_alarms: float | None
    missed: float | None


def correct(cells: Sequence[Cell], group_sizes: Sequence[int], link: LinkError | None = None) -> Corrected:
    """Correct the counts of strict reports and of distinct events.

    Each stratum's share has Wilson's interval with the finite population correction; the sum's interval recovers their
    variances (MOVER: Zou and Donner 2008, Statistics in Medicine 27:1693). A flagged post of a group of m counts 1/m:
    a group none of whose reports is strict is no event, one that is false in part is taken for a part of an event. A
    missed strict report adds an event only if no other report of it was flagged (see `_addition`); misses are taken as
    independent. The link error multiplies the events, its interval joined on the log scale.

    Args:
        cells: what the audit found, over all posts that the screen kept.
        group_sizes: flagged reports of each group of the normal merging.
        link: true events per group; without it no corrected count of events.
    """
    used = [cell for cell in cells if cell.posts > 0]
    raw = (round(sum(cell.posts for cell in used if cell.flagged)), len(group_sizes))
    empty = [cell for cell in used if cell.audited == 0]
    n = sum(cell.audited for cell in used)
    if n == 0 or empty:
        reason = NO_AUDIT if n == 0 else f"no post of stratum {empty[0].stratum!r} has been judged yet"
        none = not_computable(reason, CORRECTED, n)
        return Corrected(*raw, none, none, None, None)
    flagged = sum(cell.posts for cell in used if cell.flagged)
    right = sum(cell.posts * cell.strict / cell.audited for cell in used if cell.flagged)
    lost = sum(cell.posts * cell.strict / cell.audited for cell in used if not cell.flagged)
    missed = lost / (lost + right) if lost + right else None
    addition, spread = _addition(used, missed or 0.0, lost)
    reports = _sum([(cell.posts, *_share(cell, weighted=False)) for cell in used], n)
    parts = [
        (cell.groups if cell.flagged else cell.posts * addition, *_share(cell, weighted=cell.flagged)) for cell in used
    ]
    events = _sum(parts, n, spread)
    alarms = 1 - right / flagged if flagged else None
    return Corrected(*raw, reports, _linked(events, link), alarms, missed)


def _addition(cells: Sequence[Cell], missed: float, lost: float) -> tuple[float, float]:
    """Return the events that one missed report adds on average, and the variance of the events so added.

    If each report of an event is flagged with probability r, and f_k events are found by k reports, then the events
    found by none are f_1·o - f_2·o² + f_3·o³ …, o = (1-r)/r (Good and Toulmin 1956, Biometrika 43:45), with variance
    f_1·o² + f_2·o⁴ … (Efron and Thisted 1976, Biometrika 63:435); beyond even odds the series does not hold, and its
    first term is taken.
    """
    if not lost or missed >= 1:
        return 1.0, 0.0
    odds = missed / (1 - missed)
    unseen = variance = 0.0
    for cell in cells:
        for strict, size in cell.answers:
            if cell.flagged and strict and (size == 1 or odds < 1):
                found = cell.posts / cell.audited / size
                unseen -= found * (-odds) ** size
                variance += found * odds ** (2 * size)
    return min(max(unseen / lost, 0.0), 1.0), variance


def _sum(parts: Sequence[tuple[float, float, float, float]], n: int, variance: float = 0.0) -> Estimate:
    """Return the sum of weight · share, its interval recovered from the shares' (weight, share, low, high).

    `variance` is what is known of the sum beside the shares.
    """
    value = sum(weight * share for weight, share, _, _ in parts)
    beside = float(stats.norm.isf(0.025)) ** 2 * variance
    below = math.sqrt(beside + sum((weight * (share - low)) ** 2 for weight, share, low, _ in parts))
    above = math.sqrt(beside + sum((weight * (high - share)) ** 2 for weight, share, _, high in parts))
    return Estimate(value, max(0.0, value - below), value + above, n, CORRECTED)


def _share(cell: Cell, *, weighted: bool, level: float = 0.95) -> tuple[float, float, float]:
    """Return a stratum's share strict with Wilson's interval, its n raised for what of the stratum was audited.

    Weighted, each answer counts 1/m, and n is the effective size (Kish 1965, section 11.7).
    """
    weights = [1 / size if weighted else 1.0 for _, size in cell.answers]
    whole = sum(weights)
    share = sum(weight for weight, (strict, _) in zip(weights, cell.answers, strict=True) if strict) / whole
    left = 1 - cell.audited / cell.posts
    if left <= 0:
        return share, share, share
    n = whole**2 / sum(weight**2 for weight in weights) / left
    z2 = float(stats.norm.isf((1 - level) / 2)) ** 2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return share, max(0.0, centre - reach), min(1.0, centre + reach)


def _linked(events: Estimate, link: LinkError | None) -> Estimate:
    if link is None:
        return not_computable("the error of joining reports into events is not stated", CORRECTED, events.n)
    if not (events.value and events.low and events.high):
        return not_computable("the audit leaves room for no event at all", CORRECTED, events.n)
    below = math.hypot(math.log(events.value / events.low), math.log(link.factor / link.low))
    above = math.hypot(math.log(events.high / events.value), math.log(link.high / link.factor))
    value = events.value * link.factor
    method = f"{CORRECTED}; times true events per group found {link.factor:.3f} ({link.low:.3f}-{link.high:.3f})"
    return Estimate(value, value * math.exp(-below), value * math.exp(above), events.n, method)


def corrected_ratio(
    before: Estimate, after: Estimate, *, exposure: tuple[float, float] = (1, 1), dispersion: float = 1.0
) -> Estimate:
    """Return the ratio of two corrected counts, each from the audit of its own period.

    On the log scale the distances of both audits' intervals and those of the counts' own law, dispersion/count, are
    joined by variance recovery (Zou and Donner 2008). A link error common to both periods falls out.

    Args:
        before: corrected count of the earlier period.
        after: corrected count of the later period.
        exposure: length of each period.
        dispersion: variance over mean of the events themselves.
    """
    n = before.n + after.n
    for side in (before, after):
        if side.value is None or side.low is None or side.high is None:
            return not_computable(side.reason or NO_AUDIT, CORRECTED, n)
        if side.low <= 0:
            return not_computable("the audit of a period leaves room for no event at all", CORRECTED, n)
    value = (after.value or 0) / (before.value or 1) * exposure[0] / exposure[1]
    z2 = float(stats.norm.isf(0.025)) ** 2
    law = z2 * dispersion * (1 / (before.value or 1) + 1 / (after.value or 1))
    below = math.sqrt(_down(after) ** 2 + _up(before) ** 2 + law)
    above = math.sqrt(_up(after) ** 2 + _down(before) ** 2 + law)
    return Estimate(value, value * math.exp(-below), value * math.exp(above), n, CORRECTED)


def _down(side: Estimate) -> float:
    return math.log((side.value or 1) / (side.low or 1))


def _up(side: Estimate) -> float:
    return math.log((side.high or 1) / (side.value or 1))


def link_error(card: Mapping[str, Any] | None) -> LinkError | None:
    """Read the link error from an instrument's card; None where the card does not state it.

    With B-cubed precision P and recall R, true events per group found are about R / P: the sum of 1/size over reports,
    which counts groups, differs between found and true groups by just these shares. The relative width of the published
    F1 interval is taken for it, doubled, because the errors of P and R may point apart.
    """
    quality = ((card or {}).get("linking") or {}).get("quality", {}).get("cross_validated")
    if not quality:
        return None
    factor = quality["recall"] / quality["precision"]
    low, high = quality["f1_interval"]
    reach = (high - low) / quality["b_cubed_f1"]
    found = f"B-cubed precision {quality['precision']}, recall {quality['recall']}"
    note = f"{found}, cross-validated on {quality['texts']} texts"
    return LinkError(factor, factor * math.exp(-reach), factor * math.exp(reach), quality["texts"], note)


def rejects_bound(cells: Sequence[Cell], level: float = 0.95) -> Estimate:
    """Return how many strict reports the screen may have rejected: its own line, never added to the corrected count.

    Few or none of the audited rejects are strict, and each stands for many posts: the sum has no useful lower bound and
    an upper one that rests on the size of the audit alone.
    """
    used = [cell for cell in cells if cell.posts > 0]
    n = sum(cell.audited for cell in used)
    if not used or any(cell.audited == 0 for cell in used):
        return not_computable(NO_AUDIT, REJECTS, n)
    tail = (1 - level) / (2 * len(used))
    value = low = high = 0.0
    for cell in used:
        value += cell.posts * cell.strict / cell.audited
        low += cell.posts * (
            float(stats.beta.ppf(tail, cell.strict, cell.audited - cell.strict + 1)) if cell.strict else 0.0
        )
        most = stats.beta.isf(tail, cell.strict + 1, cell.audited - cell.strict) if cell.strict < cell.audited else 1.0
        high += cell.posts * float(most)
    return Estimate(value, low, high, n, REJECTS)
