"""Rates over the volume of control posts, and ratios set against each control: only where both were counted.

The hours that were both read whole and counted are found in view `daily_volumes`; nothing else enters a rate.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final, Literal

import duckdb

from warehouse.schema.models import Merge
from warehouse.trends.lines import Per, period_name
from warehouse.trends.series import days_of
from warehouse.trends.statistics import RateRatio, RatioOfRatios, poisson_interval, rate_ratio, ratio_of_ratios

Control = Literal["names_an_agent", "discusses_scheming", "negative_ai_talk"]
AGENT_POSTS: Final[Control] = "names_an_agent"
PER_POSTS: Final = 10_000
NO_HOURS: Final = "no hour was both read whole and counted for this control"
_WHOLE_DAY: Final = 24


@dataclass(frozen=True)
class RatePeriod:
    """Incidents over volume in the hours of one period that were both read and counted.

    `rate` is per 10,000 control posts with its exact interval given the volume; `whole` says that all its hours count.
    """

    start: date
    hours: int
    whole: bool
    volume: float
    incidents: int
    rate: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class RateLine:
    """One platform's rates over one control."""

    source: str
    control: str
    periods: tuple[RatePeriod, ...]


@dataclass(frozen=True)
class Adjusted:
    """One platform's ratio of last to first whole period, its control's, and the one over the other.

    Null parts have their `reason`; hours are the exposure of both ratios, so that they cancel in `adjusted`.
    """

    source: str
    control: str
    compared: tuple[date, date] | None
    ratio: RateRatio | None
    control_ratio: RateRatio | None
    adjusted: RatioOfRatios | None
    reason: str | None

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        compared = [period_name(day, "day") for day in self.compared] if self.compared else None
        return {**asdict(self), "compared": compared}


def rates(
    con: duckdb.DuckDBPyConnection,
    control: Control = AGENT_POSTS,
    *,
    per: Per = "month",
    start: date | None = None,
    end: date | None = None,
    merge: Merge = "normal",
) -> tuple[RateLine, ...]:
    """Return each platform's incidents per 10,000 posts of a control kind, by period.

    An incident counts on each platform that tells it, in the hour in which it is first reported there. The interval is
    Garwood's for the incidents, divided by the volume: the volume's own error is not in it.

    Args:
        con: a snapshot or the working file.
        control: a control kind of table `volumes`.
        per: length of a period.
        start: first day.
        end: last day (included).
        merge: which reports count as one incident.
    """
    rows = con.execute(
        "SELECT source, CAST(date_trunc(?, day) AS DATE) AS period, CAST(sum(hours) AS BIGINT), "
        # A day that was not drawn to be counted has no volume of its own: those drawn are scaled up for it.
        "coalesce(sum(volume), 0), CAST(sum(incidents) AS BIGINT) FROM daily_volumes "
        "WHERE merge = ? AND control = ? AND day >= coalesce(?, day) AND day <= coalesce(?, day) "
        "GROUP BY ALL ORDER BY ALL",
        [per, merge, control, start, end],
    ).fetchall()
    by_source: dict[str, list[RatePeriod]] = {}
    for source, period, hours, volume, incidents in rows:
        whole = hours == _WHOLE_DAY * days_of(period, per)
        by_source.setdefault(source, []).append(_rate(period, hours, volume, incidents, whole=whole))
    return tuple(RateLine(source, control, tuple(periods)) for source, periods in by_source.items())


def _rate(start: date, hours: int, volume: float, incidents: int, *, whole: bool) -> RatePeriod:
    if volume <= 0:
        return RatePeriod(start, hours, whole, volume, incidents, None, None)
    low, high = poisson_interval(incidents)
    scale = PER_POSTS / volume
    return RatePeriod(start, hours, whole, volume, incidents, incidents * scale, (low * scale, high * scale))


def adjusted(
    con: duckdb.DuckDBPyConnection,
    controls: Sequence[Control],
    *,
    per: Per = "month",
    start: date | None = None,
    end: date | None = None,
    merge: Merge = "normal",
    dispersion: float = 1.0,
) -> tuple[Adjusted, ...]:
    """Set each platform's ratio of last to first whole period against each control's, in the same hours.

    Args:
        con: a snapshot or the working file.
        controls: control kinds of table `volumes`.
        per: length of a period.
        start: first day.
        end: last day (included).
        merge: which reports count as one incident.
        dispersion: variance over mean, assumed of incidents and control alike.
    """
    found = []
    for control in controls:
        lines = rates(con, control, per=per, start=start, end=end, merge=merge)
        found += [_adjusted(line, dispersion) for line in lines]
        if not lines:
            found.append(Adjusted("", control, None, None, None, None, NO_HOURS))
    return tuple(found)


def _adjusted(line: RateLine, dispersion: float) -> Adjusted:
    whole = [period for period in line.periods if period.whole]
    if len(whole) < 2:
        reason = "fewer than two periods had all their hours both read and counted"
        return Adjusted(line.source, line.control, None, None, None, None, reason)
    first, last = whole[0], whole[-1]
    exposure = (first.hours, last.hours)
    ratio = rate_ratio(first.incidents, last.incidents, exposure=exposure)
    control = rate_ratio(round(first.volume), round(last.volume), exposure=exposure)
    compared = (first.start, last.start)
    if ratio.ratio is None or control.ratio is None:
        reason = "a count behind the ratio is zero"
        return Adjusted(line.source, line.control, compared, ratio, control, None, reason)
    over = ratio_of_ratios(ratio, control, dispersion=dispersion)
    return Adjusted(line.source, line.control, compared, ratio, control, over, None)
