"""What a monthly series is, and how it prints: as plain values and as plain text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from warehouse.schema.models import Merge
from warehouse.trends.statistics import GARWOOD, RateRatio, format_figure, format_interval, format_rate_ratio

TOTAL: Final = "all"
By = Literal["behaviour", "action", "agent", "vendor", "source", "evidence", "gravity"]
Per = Literal["day", "week", "month"]
What = Literal["incidents", "reports", "first_hand"]
_COUNTED_TWICE: Final[dict[str, str]] = {
    "behaviour": "{one} with two behaviours counts in both",
    "action": "{one} with two actions counts in both",
    "source": "an incident told on two platforms counts in both, each time in the {per} it was first reported there",
    "agent": "{one} that names two agents counts in both",
    "vendor": "{one} that names two vendors counts in both; without exposure the counts do not rank vendors",
    "evidence": "{one} counts once, under its strongest evidence",
    "gravity": "{one} counts once, under the gravest harm told",
}
_COUNTED: Final[dict[str, str]] = {
    "incidents": "strict incidents by {per} of first report",
    "reports": "strict reports by {per} of publication",
    "first_hand": "strict incidents told first hand, by {per} of the first such report",
}


@dataclass(frozen=True)
class Period:
    """One day, week (from Monday) or month of a line: counts are null where nothing was read.

    `coverage` is measured, partial, none, unknown or curated; the exact 95 % interval stands only where all was read.
    `n` is what the series counts; `reports` are all reports of these incidents.
    """

    start: date
    coverage: str
    n: int | None
    reports: int | None
    interval: tuple[float, float] | None

    @property
    def month(self) -> date:
        """First day of the period, in a monthly series."""
        return self.start

    @property
    def incidents(self) -> int | None:
        """What is counted, in a series of incidents."""
        return self.n


Month = Period


@dataclass(frozen=True)
class Line:
    """One behaviour, source, agent or the like, or all: its periods, and last against first measured period.

    `ratio` is null for the `reason` given; `not_covered` is what was found in periods without coverage, left out.
    """

    name: str
    periods: tuple[Period, ...]
    not_covered: int
    ratio: RateRatio | None
    compared: tuple[date, date] | None
    reason: str | None

    @property
    def months(self) -> tuple[Period, ...]:
        """The periods of a monthly series."""
        return self.periods

    @property
    def total(self) -> int:
        """What was counted in the line's periods."""
        return sum(period.n or 0 for period in self.periods)


@dataclass(frozen=True)
class Series:
    """Lines over one window; the first is all of what is counted. `banner` stands over counts that measure nothing.

    `coarse_date` and `unknown_date` are in no period at all, whatever the window: known too coarsely, or not at all.
    """

    by: By | None
    merge: Merge
    start: date | None
    end: date | None
    lines: tuple[Line, ...]
    measurable: bool
    banner: str | None
    reason: str | None
    coarse_date: int
    unknown_date: int
    per: Per = "month"
    what: What = "incidents"

    @property
    def note(self) -> str | None:
        """What to know of the split: whether the lines add up."""
        if not self.by:
            return None
        if self.by == "source" and self.what == "reports":
            return "a report counts on its platform"
        one = "a report" if self.what == "reports" else "an incident"
        return _COUNTED_TWICE[self.by].format(one=one, per=self.per)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values; months as "2025-10", days and weeks as their first day."""
        return {
            "what": self.what,
            "per": self.per,
            "by": self.by,
            "merge": self.merge,
            "from": period_name(self.start, self.per),
            "to": period_name(self.end, self.per),
            "measurable": self.measurable,
            "banner": self.banner,
            "reason": self.reason,
            "left_out": {
                "unknown_date": self.unknown_date,
                "coarse_date": self.coarse_date,
                f"{self.per}s_without_coverage": self.lines[0].not_covered,
            },
            "note": self.note,
            "lines": [_line_json(self, line) for line in self.lines],
        }

    def to_table(self) -> str:
        """Return the series as plain text."""
        return "\n".join(_table(self))


def month_name(month: date | None) -> str | None:
    """Return "2025-10"."""
    return period_name(month, "month")


def period_name(start: date | None, per: Per) -> str | None:
    """Return "2025-10" for a month, "2025-10-06" for a day or the Monday of a week."""
    if start is None:
        return None
    return f"{start:%Y-%m}" if per == "month" else f"{start:%Y-%m-%d}"


def _line_json(series: Series, line: Line) -> dict[str, Any]:
    per = series.per
    counted = "reports" if series.what == "reports" else "incidents"
    return {
        "name": line.name,
        counted: line.total,
        "not_covered": line.not_covered,
        "ratio": line.ratio.to_json() if line.ratio else None,
        "compared": [period_name(period, per) for period in line.compared] if line.compared else None,
        "reason": line.reason,
        f"{per}s": [
            {
                per: period_name(period.start, per),
                "coverage": period.coverage,
                # In a series of reports both names mean the same: it is said once.
                counted: period.n,
                "reports": period.reports,
                "interval": list(period.interval) if period.interval else None,
            }
            for period in line.periods
        ],
    }


def _table(series: Series) -> Iterable[str]:
    split = f", by {series.by}" if series.by else ""
    per = series.per
    span = f"{period_name(series.start, per)} to {period_name(series.end, per)}" if series.start else f"no {per}"
    merge = "" if series.what == "reports" else f"; merge {series.merge}"
    yield f"{_COUNTED[series.what].format(per=per)}{split}{merge}; {span}"
    if series.banner:
        yield f"{series.banner}: counts only"
    yield from _period_rows(series)
    coarse = "dated to a year only" if per == "month" else "dated to a month or a year only"
    left_out = (
        (series.unknown_date, "without a date"),
        (series.coarse_date, coarse),
        (series.lines[0].not_covered, f"in {per}s without coverage"),
    )
    told = ", ".join(f"{number:,} {what}" for number, what in left_out if number)
    if told:
        yield f"left out: {told}"
    if series.by:
        yield f"note: {series.note}; lines with nothing in a {per} are not printed"
    if any(period.coverage == "partial" for period in series.lines[0].periods):
        yield f"note: in a partial {per} not everything was read: its count is a lower bound and has no interval"
    if series.reason:
        yield f"ratio: not computable, because {series.reason}"
        return
    yield f"note: the interval of each {per} is the {GARWOOD}"
    yield from (text for line in series.lines for text in _ratio_rows(line, per))
    if len(series.lines) > 2:
        yield f"note: {len(series.lines)} lines compared at once: about one 95 % interval in 20 misses by chance alone"


def _period_rows(series: Series) -> Iterable[str]:
    width = max(len(line.name) for line in series.lines)
    reports = series.what != "incidents"
    last = "" if reports else f" {'reports':>8}"
    yield f"{series.per:<24} {'coverage':<9} {'':<{width}} {_heading(series):>9} {'95 % exact':>13}{last}"
    gap: list[Period] = []
    for periods in zip(*(line.periods for line in series.lines), strict=True):
        if all(period.n is None for period in periods):
            if gap and gap[-1].coverage != periods[0].coverage:
                yield _gap_row(gap, series.per)
                gap = []
            gap.append(periods[0])
            continue
        if gap:
            yield _gap_row(gap, series.per)
            gap = []
        for line, period in zip(series.lines, periods, strict=True):
            if line.name != TOTAL and not period.n:
                continue
            interval = f"{period.interval[0]:.1f}-{period.interval[1]:.1f}" if period.interval else "-"
            left = f"{period_name(period.start, series.per):<24} {period.coverage:<9} {line.name:<{width}}"
            right = "" if reports else f" {_count(period.reports):>8}"
            yield f"{left} {_count(period.n):>9} {interval:>13}{right}"
    if gap:
        yield _gap_row(gap, series.per)


def _heading(series: Series) -> str:
    return "reports" if series.what == "reports" else "incidents"


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _gap_row(gap: Sequence[Period], per: Per) -> str:
    span = f"{period_name(gap[0].start, per)}" + (f" to {period_name(gap[-1].start, per)}" if len(gap) > 1 else "")
    return f"{span:<24} {gap[0].coverage:<9} no count"


def _ratio_rows(line: Line, per: Per) -> Iterable[str]:
    if line.ratio is None or line.compared is None:
        yield f"{line.name}: ratio not computable, because {line.reason}"
        return
    span = f"{period_name(line.compared[0], per)} to {period_name(line.compared[1], per)}"
    if line.name == TOTAL:
        yield f"{line.name}, {span}, exposure in days:"
        yield from (f"  {text}" for text in format_rate_ratio(line.ratio).splitlines())
        return
    found = line.ratio
    ratio = "ratio not computable" if found.ratio is None else f"ratio {format_figure(found.ratio)}"
    wider = [f"dispersion {item.dispersion:g}: {format_interval(item)}" for item in found.over_dispersed if item.low]
    told = ", ".join([f"exact {format_interval(found.exact)}", *wider])
    yield f"{line.name}, {span}: {found.before:,} -> {found.after:,}, {ratio} ({told})"
