"""Series of strict incidents and reports with their coverage; rates and ratios only where whole periods were read."""

import calendar
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, get_args

import duckdb

from warehouse.schema.models import Merge
from warehouse.trends.lines import TOTAL, By, Line, Month, Per, Period, Series, What, period_name
from warehouse.trends.statistics import poisson_interval, rate_ratio

__all__ = ["BANNER", "By", "Line", "Month", "Per", "Period", "Series", "What", "counted", "monthly"]

BANNER: Final = "a collection, not a measurement"
_NOT_KNOWN: Final = ("unknown", "curated")
_READ: Final = ("measured", "partial")
_Counts = Mapping[tuple[str, date], tuple[int, int]]
_States = Mapping[date, Mapping[str, str]]
_Sources = Mapping[date, frozenset[str]]
_WHERE: Final = "FROM daily_counts WHERE counted = ? AND (merge = ? OR merge IS NULL) AND (to_day OR ? = 'month')"


def monthly(
    con: duckdb.DuckDBPyConnection,
    *,
    by: By | None = None,
    start: date | None = None,
    end: date | None = None,
    merge: Merge = "normal",
) -> Series:
    """Count strict incidents by the month of their first report: see `counted`."""
    return counted(con, by=by, start=start, end=end, merge=merge)


def counted(
    con: duckdb.DuckDBPyConnection,
    what: What = "incidents",
    *,
    per: Per = "month",
    by: By | None = None,
    start: date | None = None,
    end: date | None = None,
    merge: Merge = "normal",
) -> Series:
    """Count incidents or reports by day, week or month.

    Args:
        con: a snapshot or the working file.
        what: strict incidents by their first report, strict reports by their own date, or incidents told first hand.
        per: length of a period; weeks begin on Monday, all in UTC.
        by: what to split by; the first line is always all. Incidents told first hand are split by source only.
        start: any day of the first period; without it, the first that has anything or was read.
        end: any day of the last period (included); without it, the last such period.
        merge: which reports count as one incident.

    Raises:
        ValueError: `end` lies before `start`, or a choice is not known.
    """
    for name, value, known in (("what", what, What), ("per", per, Per), ("by", by, By)):
        if value is not None and value not in get_args(known):
            msg = f"{name} must be one of {', '.join(get_args(known))}, not {value!r}"
            raise ValueError(msg)
    if what == "first_hand" and by not in (None, "source"):
        msg = f"incidents told first hand are split by source only, not by {by}"
        raise ValueError(msg)
    counts, held = _counts(con, what, per, by, merge)
    window = _window(con, start, end, per, [period for _, period in counts])
    inside = set(window)
    states = _states(con, per, window)
    total_states = _combined(window, states, held)
    named = {name for name, period in counts if name != TOTAL and period in inside}
    if by == "source":
        # A platform that was read and told of nothing is a line of zeros.
        named |= {source for own in states.values() for source, state in own.items() if state in _READ}
    names = sorted(named)
    found = [states.get(period, {}).get(name, "none") for period in window for name in held.get(period, ())]
    per_source = {states.get(period, {}).get(name) for name in names for period in window} if by == "source" else set()
    measured = "measured" in {*total_states.values(), *per_source}
    unknown = any(state in _NOT_KNOWN for state in found) or (
        not measured and any(state in _NOT_KNOWN for state in total_states.values())
    )
    reason = _reason(found, per, unknown=unknown, measured=measured)
    lines = []
    for name in (TOTAL, *names):
        # A platform has its own coverage; everything else is seen through all platforms together.
        own = total_states
        if by == "source" and name != TOTAL:
            own = {period: states.get(period, {}).get(name, "none") for period in window}
        lines.append(_line(name, own, counts, reason, per))
    return Series(
        by=by,
        merge=merge,
        start=window[0] if window else None,
        end=window[-1] if window else None,
        lines=tuple(lines),
        measurable=reason is None,
        banner=BANNER if unknown else None,
        reason=reason,
        **_undated(con, what, per, merge),
        per=per,
        what=what,
    )


def _counts(
    con: duckdb.DuckDBPyConnection, what: What, per: Per, by: By | None, merge: Merge
) -> tuple[_Counts, _Sources]:
    """Return (counted, reports) by line and period, and the sources that each period's counts rest on."""
    splits = {"all", "resting_on", by or "all"}
    rows = con.execute(
        "SELECT split_by, line_name, CAST(date_trunc(?, day) AS DATE) AS period, "
        "CAST(sum(n) AS BIGINT), CAST(sum(reports) AS BIGINT) "
        f"{_WHERE} AND split_by IN (SELECT unnest(?)) GROUP BY ALL",
        [per, what, merge, per, sorted(splits)],
    ).fetchall()
    counts: dict[tuple[str, date], tuple[int, int]] = {}
    held: dict[date, set[str]] = {}
    for split, name, period, number, reports in rows:
        if split in {"all", by}:
            counts[name, period] = (number, reports)
        if split == "resting_on" or (split == "source" and by == "source"):
            held.setdefault(period, set()).add(name)
    return counts, {period: frozenset(names) for period, names in held.items()}


def _states(con: duckdb.DuckDBPyConnection, per: Per, window: Sequence[date]) -> _States:
    """Return the coverage of each platform in each period of the window."""
    found: dict[date, dict[str, str]] = {}
    if window:
        rows = con.execute(
            "SELECT period, source, state FROM coverage_periods WHERE per = ? AND period BETWEEN ? AND ?",
            [per, window[0], window[-1]],
        )
        for period, source, state in rows.fetchall():
            found.setdefault(period, {})[source] = state
    return found


def _undated(con: duckdb.DuckDBPyConnection, what: What, per: Per, merge: Merge) -> dict[str, int]:
    row = con.execute(
        "SELECT coalesce(sum(n) FILTER (WHERE precision IN ('year', 'month')), 0), "
        "coalesce(sum(n) FILTER (WHERE precision = 'unknown'), 0) "
        "FROM undated_counts "
        "WHERE counted = ? AND (merge = ? OR merge IS NULL) AND (precision <> 'month' OR ? <> 'month')",
        [what, merge, per],
    ).fetchone() or (0, 0)
    return {"coarse_date": int(row[0]), "unknown_date": int(row[1])}


def _window(
    con: duckdb.DuckDBPyConnection, start: date | None, end: date | None, per: Per, counted: Sequence[date]
) -> list[date]:
    """Return the periods from start to end, both included."""
    known = [*counted, *(_begin(day, per) for day in (start, end) if day)]
    bounds = con.execute(
        "SELECT min(period), max(period) FROM coverage_periods WHERE per = ? AND state IN ('measured', 'partial')",
        [per],
    ).fetchone() or (None, None)
    known += [period for period in bounds if period]
    if not known:
        return []
    first, last = (_begin(day, per) if day else pick(known) for day, pick in ((start, min), (end, max)))
    if last < first:
        msg = f"the last {per} ({period_name(last, per)}) lies before the first ({period_name(first, per)})"
        raise ValueError(msg)
    window = [first]
    while window[-1] < last:
        window.append(following(window[-1], per))
    return window


def _begin(day: date, per: Per) -> date:
    """Return the first day of the period that holds a day."""
    if per == "month":
        return day.replace(day=1)
    return day if per == "day" else day - timedelta(days=day.weekday())


def following(start: date, per: Per) -> date:
    """Return the first day of the next period."""
    return start + timedelta(days=days_of(start, per))


def days_of(start: date, per: Per) -> int:
    """Return how many days a period has."""
    return {"day": 1, "week": 7}.get(per) or calendar.monthrange(start.year, start.month)[1]


def _combined(window: Sequence[date], states: _States, held: _Sources) -> dict[date, str]:
    """Return the coverage of each period over all platforms that the window's series rests on.

    Measured only if every platform that is read at all in the window was read whole in this period: otherwise a
    platform that starts later would look like a rise.
    """
    read = {source for own in states.values() for source, state in own.items() if state in _READ}
    return {period: _state(states.get(period, {}), held.get(period, frozenset()), read) for period in window}


def _state(own: Mapping[str, str], held: Iterable[str], read: Iterable[str]) -> str:
    brings = [own.get(source, "none") for source in held]
    for state in _NOT_KNOWN:
        if state in brings:
            return state
    found = {*brings, *(own.get(source, "none") for source in read)}
    if found == {"measured"}:
        return "measured"
    if found & set(_READ):
        return "partial"
    if not found:
        return next((state for state in _NOT_KNOWN if state in own.values()), "none")
    return "none"


def _reason(found: Sequence[str], per: Per, *, unknown: bool, measured: bool) -> str | None:
    """Return why nothing is measured, None if something is."""
    if unknown:
        if found and "unknown" not in found and "curated" in found:
            return f"some of the incidents were chosen by hand: their {per}s follow the choosing, not the events"
        return f"nobody knows which share of the posts of these {per}s is in the collection"
    return None if measured else f"no {per} of the window was read completely"


def _line(name: str, coverage: Mapping[date, str], counts: _Counts, reason: str | None, per: Per) -> Line:
    periods = []
    not_covered = 0
    for start, state in coverage.items():
        found: tuple[int | None, int | None] | None = counts.get((name, start))
        if state == "none":
            # A gap, not a zero; what was found there by chance is told apart.
            not_covered += (found[0] or 0) if found else 0
            found = None
        elif state not in _NOT_KNOWN:
            found = found or (0, 0)
        number, reports = found or (None, None)
        sure = reason is None and state == "measured" and number is not None
        periods.append(Period(start, state, number, reports, poisson_interval(number or 0) if sure else None))
    ends = [period for period in periods if period.interval is not None]
    if reason is None and len(ends) < 2:
        reason = f"fewer than two {per}s were read completely"
    if reason is not None:
        return Line(name, tuple(periods), not_covered, None, None, reason)
    first, last = ends[0], ends[-1]
    # February is shorter than March: months are compared by their days.
    exposure = (days_of(first.start, per), days_of(last.start, per))
    ratio = rate_ratio(first.n or 0, last.n or 0, exposure=exposure)
    return Line(name, tuple(periods), not_covered, ratio, (first.start, last.start), None)
