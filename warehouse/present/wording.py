"""Every sentence printed about a figure. The rules, kept by `faults` and its tests, are these.

A ratio, a rate or a share stands with its interval and its counts, or with "not computable" and the reason; nothing
is said to have been caused; "scheming" appears only in the name of the cited study; incidents are reported, not proven.
"""
# ruff: noqa: RUF001, RUF002 - printed text keeps its typography: en dash, apostrophe, multiplication sign.

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from warehouse.trends import series
from warehouse.trends.statistics import Interval, RateRatio, format_interval

BANNER: Final = series.BANNER.capitalize()
STUDY: Final = "“Scheming in the wild”"
STUDY_CITED: Final = f"{STUDY} (Centre for Long-Term Resilience, 2026)"
STRICT: Final = (
    "A strict incident is an event told first or second hand, specific enough to count "
    "(score 5 or more of 9 by our codebook). It is a public report, not a finding: "
    "nothing here was verified by us unless its status says so."
)
TWO_BEHAVIOURS: Final = (
    "An incident with two behaviours counts in both, so the panels add up to more than the incidents."
)
RATIOS: Final = (
    "The last month over the first; lines are 95 % intervals, where the counts behind them are public",
    "Dispersion: the interval if the variance of months is 2.9, 4 or 8 of their mean (chance alone: 1); "
    "the study publishes none",
    "The study scores reports by another rubric than ours: the two counts are not on one scale",
    "The controls show how far mere talk about the subject, and negative talk about AI, grew in these months",
)
MERGING: Final = (
    "Joining reports and false alarms hide part of a rise: in 200 simulated streams a planted 4.9 was counted as 3.64 "
    "on average under normal merging and as 4.15 under tight; corrected by an audit as 4.74 and 5.15 "
    "(docs/simulation.md): look at both."
)
CASES: Final = (
    "Strict incidents with the strongest evidence in their reports, newest first among equals. "
    "Each is what was reported in public. Highlighted: the words that made a rule or the model count it; "
    "where no words stand, the platform’s terms, or our rules, leave only the link."
)
CONTROLS: Final = "the same ratio for talk alone; interval not computable: counts not published"
NO_TREND: Final = "counts of what was collected, no rate and no trend"
ANNOTATORS: Final = "The annotators are language models working by a public codebook, not people."
ENRICHED: Final = (
    "Measured on labelled texts among which strict ones are much more frequent than in an unfiltered stream: "
    "there, fewer of the flagged are right."
)
_MONTHS: Final = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
ADJUSTED: Final = (
    "The last month over the first, divided by the same ratio of a control: what is left when mere talk grew as much",
    "An interval stands only where the counts behind both ratios are known; the study publishes none for its controls",
    "Ours is shown by platform, in hours that were both read whole and counted; without a volume there is none",
)
_CONTROLS: Final = {
    "control: posts that discuss scheming": "Control: posts on the subject",
    "control: negative talk about AI": "Control: negative talk about AI",
}


def sentence(text: str) -> str:
    """Return text with a capital first letter; the rest stays."""
    return text[:1].upper() + text[1:]


def plural(number: int, noun: str) -> str:
    """Return "1 report", "1,204 reports"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def interval(item: Interval) -> str:
    """Return "3.75–6.51", "above 1.24" where there is no upper bound, or "not computable"."""
    return "not computable" if item.low is None else format_interval(item).replace("-", "–")


def month_name(month: str) -> str:
    """Return "March 2026" for "2026-03"."""
    year, number = month.split("-")[:2]
    return f"{_MONTHS[int(number) - 1]} {year}"


def headline(
    incidents: int, reports: int, span: tuple[str, str] | None, ratio: tuple[RateRatio, str, str] | None
) -> str:
    """Return the answer in one sentence.

    Args:
        incidents: strict incidents.
        reports: reports joined into them.
        span: first and last month of the dated ones.
        ratio: the ratio with its first and last month, where coverage allows one.
    """
    if incidents == 0:
        return "No strict incident is in this snapshot."
    if ratio is not None:
        found, first, last = ratio
        told = "ratio not computable" if found.ratio is None else f"ratio {found.ratio:.2f}"
        return (
            f"Strict incidents went from {found.before:,} in {month_name(first)} to {found.after:,} in "
            f"{month_name(last)}: {direction(found)}, {told}, {support(found)}."
        )
    when = ""
    if span is not None:
        first, last = (month_name(month) for month in span)
        when = f", reported in {first}" if first == last else f", reported between {first} and {last}"
    tell = "tells" if reports == 1 else "tell"
    return (
        f"{plural(reports, 'public report')} {tell} of {plural(incidents, 'incident')} in which an AI system is said "
        f"to have acted outside its instructions{when}; whether such incidents have become more frequent cannot be "
        "told from these reports."
    )


def direction(ratio: RateRatio) -> str:
    """Return what the exact interval lets one say of the direction."""
    if ratio.exact.low is not None and ratio.exact.low > 1:
        return "more"
    return "fewer" if ratio.exact.high is not None and ratio.exact.high < 1 else "no clear change"


def wider(ratio: RateRatio) -> list[Interval]:
    """Return the over-dispersed intervals; a dispersion of 1 would say what the exact one says better."""
    return [item for item in ratio.over_dispersed if item.dispersion > 1 and item.low is not None]


def support(ratio: RateRatio) -> str:
    """Return the exact interval of a ratio and the counts behind it."""
    days = "" if ratio.exposure[0] == ratio.exposure[1] else ", months compared by their days"
    return (
        f"95 % exact interval {interval(ratio.exact)}; n = {ratio.before:,} and {ratio.after:,} incidents a month{days}"
    )


def spread_text(ratio: RateRatio) -> str:
    """Return the over-dispersed intervals of a ratio, or nothing where there are none."""
    spread = ", ".join(f"{interval(item)} at dispersion {item.dispersion:g}" for item in wider(ratio))
    return f"over-dispersed {spread}" if spread else ""


def ratio_text(ratio: RateRatio) -> str:
    """Return a ratio with its exact and over-dispersed intervals and its counts."""
    value = "not computable" if ratio.ratio is None else f"{ratio.ratio:.2f}"
    return f"{value} ({'; '.join(part for part in (support(ratio), spread_text(ratio)) if part)})"


def not_computable(reason: str) -> str:
    """Return the line that stands where a ratio would."""
    return f"Ratio: not computable, because {reason.rstrip('.')}."


def coverage_text(states: Sequence[str]) -> str:
    """Return the coverage of a window's months in words, the most frequent state first."""
    if not states:
        return "Coverage: not stated"
    counted = Counter(states).most_common()
    return "Coverage: " + ", ".join(f"{state} in {plural(months, 'month')}" for state, months in counted)


def dated_text(dated: int, coarse: int, undated: int, not_covered: int) -> str:
    """Return how many strict incidents stand in a monthly chart, and where the others are."""
    left = [
        f"{number:,} {words}"
        for number, words in (
            (coarse, "known by year only"),
            (undated, "without a date"),
            (not_covered, "in months that were not read"),
        )
        if number
    ]
    others = f"; left out: {', '.join(left)}" if left else ""
    return f"n = {plural(dated, 'strict incident')} by month of first report{others}"


def study_text(ratio: RateRatio) -> str:
    """Return the cited study's ratio; its interval is computed here, from its two published counts."""
    return (
        f"{STUDY_CITED}: monthly incidents {ratio.before:,} → {ratio.after:,}, ratio {ratio_text(ratio)}. "
        "The bounds of its months were not published: equal length is assumed. It gives two counts but no interval: "
        "that is computed here. Its counting rules are not ours; cited for reference, never added to ours."
    )


def control_name(what: str) -> str:
    """Return a control's name in our words."""
    return _CONTROLS.get(what, what.replace("control:", "Control:"))


def control_text(what: str, value: float) -> str:
    """Return a published control ratio; its counts were not published."""
    return f"{control_name(what)}: ratio {value:g} (interval not computable: counts not published)"


def caption(parts: Sequence[str], snapshot: str) -> str:
    """Return a caption: what it counts, out of how many, with what coverage; always the snapshot."""
    return " ".join(part.rstrip(".") + "." for part in (*parts, f"Snapshot {snapshot}") if part)


def quality(name: str, value: float, low: float, high: float, n: int) -> str:
    """Return one measured quality of the instrument with its interval and n."""
    return f"{name}: {value:.2f} (95 % interval {low:.2f}–{high:.2f}, n = {n:,})"


def citation(snapshot: str, published: str) -> str:
    """Return how to cite a snapshot."""
    return (
        "Offscript, open observatory of AI agents acting outside their instructions. "
        f"Snapshot {snapshot}, published {published}."
    )


_CAUSE = re.compile(r"\bcaus(e|ed|es|ing)\b", re.IGNORECASE)
_RATIO = re.compile(
    r"\bratios?\b[^.;]{0,30}\d|\d(\.\d+)?\s?×|\btimes as (many|much)|-fold\b|\d\s?%(?! (exact )?interval)",
    re.IGNORECASE,
)
_SUPPORT = re.compile(r"interval (above )?[\d.]+(–[\d.]+)?.*\bn = \d|not computable", re.IGNORECASE | re.DOTALL)


def faults(text: str) -> list[str]:
    """Return which of the rules a printed text about our figures breaks; none means it may be printed."""
    found = []
    if _CAUSE.search(text):
        found.append("says that something was caused")
    if "scheming" in text.replace(STUDY, "").lower():
        found.append("says scheming as our own claim")
    if _RATIO.search(text) and not _SUPPORT.search(text):
        found.append("a ratio or share without its interval and n, and without the reason it is not computable")
    return found
