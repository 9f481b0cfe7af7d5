"""What a monthly series is, and how it prints: as plain values and as plain text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from warehouse.schema.models import Merge
from warehouse.trends.statistics import GARWOOD, RateRatio, format_figure, format_interval, format_rate_ratio

TOTAL: Final = "all"
By = Literal["behaviour", "source", "agent", "vendor"]
_COUNTED_TWICE: Final[dict[str, str]] = {
    "behaviour": "an incident with two behaviours counts in both",
    "source": "an incident told on two platforms counts in both, each time in the month it was first reported there",
    "agent": "an incident that names two agents counts in both",
    "vendor": "an incident that names two vendors counts in both; without exposure the counts do not rank vendors",
}


@dataclass(frozen=True)
class Month:
    """One month of a line: counts are null where nothing was read; the exact 95 % interval only where all was.

    `coverage` is measured, partial, none, unknown or curated; `reports` are all reports of these incidents.
    """

    month: date
    coverage: str
    incidents: int | None
    reports: int | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Line:
    """One behaviour, source, agent or vendor, or all: its months, and last against first measured month.

    `ratio` is null for the `reason` given; `not_covered` are incidents in months without coverage, left out.
    """

    name: str
    months: tuple[Month, ...]
    not_covered: int
    ratio: RateRatio | None
    compared: tuple[date, date] | None
    reason: str | None

    @property
    def total(self) -> int:
        """Incidents counted in the line's months."""
        return sum(month.incidents or 0 for month in self.months)


@dataclass(frozen=True)
class Series:
    """Lines over one window; the first is all incidents. `banner` stands over counts that measure nothing.

    `coarse_date` and `unknown_date` are strict incidents in no month at all, whatever the window.
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

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values; months as "2025-10"."""
        return {
            "by": self.by,
            "merge": self.merge,
            "from": month_name(self.start),
            "to": month_name(self.end),
            "measurable": self.measurable,
            "banner": self.banner,
            "reason": self.reason,
            "left_out": {
                "unknown_date": self.unknown_date,
                "coarse_date": self.coarse_date,
                "months_without_coverage": self.lines[0].not_covered,
            },
            "note": _COUNTED_TWICE[self.by] if self.by else None,
            "lines": [_line_json(line) for line in self.lines],
        }

    def to_table(self) -> str:
        """Return the series as plain text."""
        return "\n".join(_table(self))


def month_name(month: date | None) -> str | None:
    """Return "2025-10"."""
    return f"{month:%Y-%m}" if month else None


def _line_json(line: Line) -> dict[str, Any]:
    return {
        "name": line.name,
        "incidents": line.total,
        "not_covered": line.not_covered,
        "ratio": line.ratio.to_json() if line.ratio else None,
        "compared": [month_name(month) for month in line.compared] if line.compared else None,
        "reason": line.reason,
        "months": [
            {
                "month": month_name(month.month),
                "coverage": month.coverage,
                "incidents": month.incidents,
                "reports": month.reports,
                "interval": list(month.interval) if month.interval else None,
            }
            for month in line.months
        ],
    }


def _table(series: Series) -> Iterable[str]:
    split = f", by {series.by}" if series.by else ""
    span = f"{month_name(series.start)} to {month_name(series.end)}" if series.start else "no month"
    yield f"strict incidents by month of first report{split}; merge {series.merge}; {span}"
    if series.banner:
        yield f"{series.banner}: counts only"
    yield from _month_rows(series)
    left_out = (
        (series.unknown_date, "without a date"),
        (series.coarse_date, "dated to a year only"),
        (series.lines[0].not_covered, "in months without coverage"),
    )
    told = ", ".join(f"{number:,} {what}" for number, what in left_out if number)
    if told:
        yield f"left out: {told}"
    if series.by:
        yield f"note: {_COUNTED_TWICE[series.by]}; lines without an incident in a month are not printed"
    if series.reason:
        yield f"ratio: not computable, because {series.reason}"
        return
    yield f"note: each month's interval is the {GARWOOD}"
    yield from (text for line in series.lines for text in _ratio_rows(line))
    if len(series.lines) > 2:
        yield f"note: {len(series.lines)} lines compared at once: about one 95 % interval in 20 misses by chance alone"


def _month_rows(series: Series) -> Iterable[str]:
    width = max(len(line.name) for line in series.lines)
    yield f"{'month':<19} {'coverage':<9} {'':<{width}} {'incidents':>9} {'95 % exact':>13} {'reports':>8}"
    gap: list[Month] = []
    for months in zip(*(line.months for line in series.lines), strict=True):
        if all(month.incidents is None for month in months):
            if gap and gap[-1].coverage != months[0].coverage:
                yield _gap_row(gap)
                gap = []
            gap.append(months[0])
            continue
        if gap:
            yield _gap_row(gap)
            gap = []
        for line, month in zip(series.lines, months, strict=True):
            if line.name != TOTAL and not month.incidents:
                continue
            interval = f"{month.interval[0]:.1f}-{month.interval[1]:.1f}" if month.interval else "-"
            counts = "-" if month.incidents is None else f"{month.incidents:,}"
            reports = "-" if month.reports is None else f"{month.reports:,}"
            left = f"{month_name(month.month):<19} {month.coverage:<9} {line.name:<{width}}"
            yield f"{left} {counts:>9} {interval:>13} {reports:>8}"
    if gap:
        yield _gap_row(gap)


def _gap_row(gap: Sequence[Month]) -> str:
    span = f"{month_name(gap[0].month)}" + (f" to {month_name(gap[-1].month)}" if len(gap) > 1 else "")
    return f"{span:<19} {gap[0].coverage:<9} no count"


def _ratio_rows(line: Line) -> Iterable[str]:
    if line.ratio is None or line.compared is None:
        yield f"{line.name}: ratio not computable, because {line.reason}"
        return
    span = f"{month_name(line.compared[0])} to {month_name(line.compared[1])}"
    if line.name == TOTAL:
        yield f"{line.name}, {span}, exposure in days:"
        yield from (f"  {text}" for text in format_rate_ratio(line.ratio).splitlines())
        return
    found = line.ratio
    ratio = "ratio not computable" if found.ratio is None else f"ratio {format_figure(found.ratio)}"
    wider = [f"dispersion {item.dispersion:g}: {format_interval(item)}" for item in found.over_dispersed if item.low]
    told = ", ".join([f"exact {format_interval(found.exact)}", *wider])
    yield f"{line.name}, {span}: {found.before:,} -> {found.after:,}, {ratio} ({told})"
