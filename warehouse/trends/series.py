"""Monthly series of strict incidents with their coverage; rates and ratios only where whole months were read."""

import calendar
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final, get_args

import duckdb

from warehouse.schema.models import Merge
from warehouse.trends.lines import TOTAL, By, Line, Month, Series, month_name
from warehouse.trends.statistics import poisson_interval, rate_ratio

__all__ = ["BANNER", "By", "Line", "Month", "Series", "monthly"]

BANNER: Final = "a collection, not a measurement"
_NOT_KNOWN: Final = ("unknown", "curated")
_READ: Final = ("measured", "partial")
_States = Mapping[tuple[str, date], str]
_Counts = Mapping[tuple[str, date], tuple[int, int]]


def monthly(
    con: duckdb.DuckDBPyConnection,
    *,
    by: By | None = None,
    start: date | None = None,
    end: date | None = None,
    merge: Merge = "normal",
) -> Series:
    """Count strict incidents by the month of their first report.

    Args:
        con: a snapshot or the working file.
        by: what to split by; the first line is always all incidents.
        start: any day of the first month; without it, the first with an incident or any coverage.
        end: any day of the last month (included); without it, the last such month.
        merge: which reports count as one incident.

    Raises:
        ValueError: `end` lies before `start`, or `by` is not known.
    """
    if by is not None and by not in get_args(By):
        msg = f"by must be one of {', '.join(get_args(By))}, not {by!r}"
        raise ValueError(msg)
    counts = _counts(con, by, merge)
    states = {
        (source, month): state
        for source, month, state in _rows(con, "SELECT source, month, state FROM coverage_months")
    }
    window = _window(start, end, counts, states)
    held = _contributions(con, by, merge)
    total_states = {month: _combined(month, window, states, held) for month in window}
    named = {name for name, month in counts if name != TOTAL and month in total_states}
    if by == "source":
        # A platform that was read and told of nothing is a line of zeros.
        named |= {source for (source, month), state in states.items() if month in total_states and state in _READ}
    names = sorted(named)
    counted = [states.get(pair, "none") for pair in held if pair[1] in total_states]
    per_source = (states.get((name, month)) for name in names for month in window) if by == "source" else ()
    measured = "measured" in (*total_states.values(), *per_source)
    unknown = any(state in _NOT_KNOWN for state in counted) or (
        not measured and any(state in _NOT_KNOWN for state in total_states.values())
    )
    reason = _reason(counted, unknown=unknown, measured=measured)
    lines = []
    for name in (TOTAL, *names):
        # A platform has its own coverage; everything else is seen through all platforms together.
        own = {m: states.get((name, m), "none") for m in window} if by == "source" and name != TOTAL else total_states
        lines.append(_line(name, own, counts, reason))
    return Series(
        by=by,
        merge=merge,
        start=window[0] if window else None,
        end=window[-1] if window else None,
        lines=tuple(lines),
        measurable=reason is None,
        banner=BANNER if unknown else None,
        reason=reason,
        **_undated(con, merge),
    )


def _rows(con: duckdb.DuckDBPyConnection, sql: str, *parameters: str) -> list[tuple[Any, ...]]:
    return con.execute(sql, list(parameters)).fetchall()


def _counts(con: duckdb.DuckDBPyConnection, by: By | None, merge: Merge) -> _Counts:
    """Return (incidents, reports) by line and month."""
    queries = [f"SELECT '{TOTAL}', month, incidents, reports FROM monthly_incidents WHERE merge = ?"]  # noqa: S608
    if by is not None:
        queries.append(f"SELECT {by}, month, incidents, reports FROM monthly_incidents_by_{by} WHERE merge = ?")  # noqa: S608
    return {
        (name, month): (incidents, reports)
        for sql in queries
        for name, month, incidents, reports in _rows(con, sql, merge)
    }


def _contributions(con: duckdb.DuckDBPyConnection, by: By | None, merge: Merge) -> set[tuple[str, date]]:
    """Return the (source, month) pairs that bring a counted incident into its month."""
    pairs = _rows(
        con,
        "SELECT DISTINCT s.source, f.month FROM group_facts f JOIN group_sources s USING (merge, group_key) "
        "WHERE merge = ? AND f.is_strict AND s.month = f.month",
        merge,
    )
    if by == "source":
        pairs += _rows(con, "SELECT source, month FROM monthly_incidents_by_source WHERE merge = ?", merge)
    return set(pairs)


def _undated(con: duckdb.DuckDBPyConnection, merge: Merge) -> dict[str, int]:
    row = con.execute(
        "SELECT count(first_reported_at), count(*) - count(first_reported_at) "
        "FROM group_facts WHERE merge = ? AND is_strict AND month IS NULL",
        [merge],
    ).fetchone() or (0, 0)
    return {"coarse_date": row[0], "unknown_date": row[1]}


def _window(start: date | None, end: date | None, counts: _Counts, states: _States) -> list[date]:
    """Return the months from start to end, both included."""
    known = [month for _, month in counts] + [day for day in (start, end) if day]
    known += [month for (_, month), state in states.items() if state in _READ]
    if not known:
        return []
    first, last = ((day or pick(known)).replace(day=1) for day, pick in ((start, min), (end, max)))
    if last < first:
        msg = f"the last month ({month_name(last)}) lies before the first ({month_name(first)})"
        raise ValueError(msg)
    number = first.year * 12 + first.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(number, last.year * 12 + last.month)]


def _combined(month: date, window: Sequence[date], states: _States, held: Iterable[tuple[str, date]]) -> str:
    """Return the coverage of a month over all platforms that the window's series rests on.

    Measured only if every platform that is read at all in the window was read whole in this month: otherwise a
    platform that starts later would look like a rise.
    """
    inside = set(window)
    brings = [states.get(pair, "none") for pair in held if pair[1] == month]
    for state in _NOT_KNOWN:
        if state in brings:
            return state
    read = {source for (source, m), state in states.items() if m in inside and state in _READ}
    found = brings + [states.get((source, month), "none") for source in read]
    if found and set(found) == {"measured"}:
        return "measured"
    if set(found) & set(_READ):
        return "partial"
    if not read:
        there = [state for (_, m), state in states.items() if m == month]
        return next((state for state in _NOT_KNOWN if state in there), "none")
    return "none"


def _reason(counted: Sequence[str], *, unknown: bool, measured: bool) -> str | None:
    """Return why nothing is measured, None if something is."""
    if unknown:
        if counted and "unknown" not in counted and "curated" in counted:
            return "some of the incidents were chosen by hand: their months follow the choosing, not the events"
        return "nobody knows which share of the posts of these months is in the collection"
    return None if measured else "no month of the window was read completely"


def _line(name: str, coverage: Mapping[date, str], counts: _Counts, reason: str | None) -> Line:
    months = []
    not_covered = 0
    for month, state in coverage.items():
        counted = counts.get((name, month))
        if state == "none":
            # A gap, not a zero; what was found there by chance is told apart.
            not_covered += counted[0] if counted else 0
            counted = None
        elif state not in _NOT_KNOWN:
            counted = counted or (0, 0)
        incidents, reports = counted or (None, None)
        sure = reason is None and state == "measured" and incidents is not None
        months.append(Month(month, state, incidents, reports, poisson_interval(incidents or 0) if sure else None))
    ends = [month for month in months if month.interval is not None]
    if reason is None and len(ends) < 2:
        reason = "fewer than two months were read completely"
    if reason is not None:
        return Line(name, tuple(months), not_covered, None, None, reason)
    first, last = ends[0], ends[-1]
    # February is shorter than March: months are compared by their days.
    ratio = rate_ratio(first.incidents or 0, last.incidents or 0, exposure=(_days(first.month), _days(last.month)))
    return Line(name, tuple(months), not_covered, ratio, (first.month, last.month), None)


def _days(month: date) -> int:
    return calendar.monthrange(month.year, month.month)[1]
