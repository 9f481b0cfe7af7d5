"""Rogan and Gladen's correction, shown beside the audit's: and why it says nothing where events are rare."""

import math
from dataclasses import dataclass
from typing import Final

from scipy import stats

METHOD: Final = "Rogan-Gladen estimator (Rogan and Gladen 1978), interval of Lang and Reiczigel (2014)"


@dataclass(frozen=True)
class RoganGladen:
    """Strict posts among `posts`, corrected by sensitivity and specificity measured elsewhere.

    `value`, `low` and `high` are cut at 0 and `posts`; `raw` is before cutting. `false_alarms` is what the interval of
    the specificity alone allows for; `breaks_down` says that this is more than half of what was flagged.
    """

    value: float
    low: float
    high: float
    raw: float
    flagged: int
    posts: int
    false_alarms: tuple[float, float]
    breaks_down: bool
    note: str


def rogan_gladen(
    flagged: int, posts: int, sensitivity: tuple[int, int], specificity: tuple[int, int], level: float = 0.95
) -> RoganGladen:
    """Correct a count of flagged posts.

    Rogan and Gladen 1978, American Journal of Epidemiology 107:71: share = (flagged/posts + Sp - 1) / (Se + Sp - 1).
    Interval: Lang and Reiczigel 2014, Preventive Veterinary Medicine 113:13, each share with z²/2 added on both sides.

    Args:
        flagged: posts flagged.
        posts: posts judged or rejected.
        sensitivity: strict posts flagged, of strict posts tried.
        specificity: other posts not flagged, of other posts tried.
        level: confidence level.

    Raises:
        ValueError: a part is not within its whole, or the instrument is no better than chance.
    """
    for part, whole in ((flagged, posts), sensitivity, specificity):
        if not 0 <= part <= whole or whole == 0:
            msg = f"{part} of {whole} is no share"
            raise ValueError(msg)
    z = float(stats.norm.isf((1 - level) / 2))
    se, sp = sensitivity[0] / sensitivity[1], specificity[0] / specificity[1]
    if se + sp <= 1:
        msg = "sensitivity and specificity together are no better than chance"
        raise ValueError(msg)
    raw = posts * (flagged / posts + sp - 1) / (se + sp - 1)
    p, n = _smoothed(flagged, posts, z * z)
    se_, se_n = _smoothed(*sensitivity, 2.0)
    sp_, sp_n = _smoothed(*specificity, 2.0)
    youden = se_ + sp_ - 1
    share = (p + sp_ - 1) / youden
    spread = p * (1 - p) / n + se_ * (1 - se_) / se_n * share**2 + sp_ * (1 - sp_) / sp_n * (1 - share) ** 2
    shift = 2 * z * z * (share * se_ * (1 - se_) / se_n - (1 - share) * sp_ * (1 - sp_) / sp_n)
    reach = z * math.sqrt(spread) / youden
    low, high = (min(max(posts * (share + shift + end), 0.0), float(posts)) for end in (-reach, reach))
    wrong = stats.binomtest(specificity[1] - specificity[0], specificity[1]).proportion_ci(level, method="exact")
    alarms = (posts * float(wrong.low), posts * float(wrong.high))
    breaks = alarms[1] > flagged / 2
    note = (
        f"the interval of the specificity, from {specificity[1]:,} posts, allows {alarms[0]:,.0f} to {alarms[1]:,.0f} "
        f"false alarms among {posts:,} posts; {flagged:,} were flagged in all"
    )
    return RoganGladen(min(max(raw, 0.0), float(posts)), low, high, raw, flagged, posts, alarms, breaks, note)


def _smoothed(part: int, whole: int, added: float) -> tuple[float, float]:
    return (part + added / 2) / (whole + added), whole + added
