"""The monthly series of any cut, and what coverage stands behind it."""

from datetime import date
from typing import Any, Final, get_args

from app.keep import kept, reading
from warehouse.connect import Snapshot
from warehouse.labels import current_card
from warehouse.present.merging import merging
from warehouse.rows import fetch, scalar
from warehouse.schema.models import Merge
from warehouse.trends.rates import Control, adjusted, rates
from warehouse.trends.series import By, Series, monthly

Rows = tuple[dict[str, Any], ...]

CORRECTED: Final = {
    "corrected_reports": "Strict reports, corrected by the audit",
    "corrected_events": "Distinct events, corrected by the audit, link error carried",
    "corrected_ratio": "Last month over the first, corrected by the audit",
    "rogan_gladen": "Strict reports by Rogan and Gladen, for comparison",
    "rejects_bound": "Strict posts among what the screen dropped, at most",
}


@kept(96)
def series(snapshot: Snapshot, by: By | None, merge: Merge, start: str | None, end: str | None) -> Series:
    """Return the series of a cut; `start` and `end` as "2026-03", both included.

    Raises:
        ValueError: the last month lies before the first.
    """
    first, last = (date.fromisoformat(f"{month}-01") if month else None for month in (start, end))
    with reading(snapshot) as con:
        return monthly(con, by=by, start=first, end=last, merge=merge)


@kept(32)
def coverage(snapshot: Snapshot, start: str, end: str) -> Rows:
    """Return by platform and month what was read and how many reports are held; months as "2026-03"."""
    with reading(snapshot) as con:
        return tuple(
            fetch(
                con,
                """
                SELECT c.source, strftime(c.month, '%Y-%m') AS month, coalesce(h.reports, 0) AS reports,
                       c.state AS coverage
                FROM coverage_months c LEFT JOIN held_months h ON h.source = c.source AND h.month = c.month
                WHERE (h.reports IS NOT NULL OR c.state IN ('measured', 'partial'))
                  AND strftime(c.month, '%Y-%m') BETWEEN ? AND ?
                ORDER BY ALL
                """,
                [start, end],
            )
        )


@kept(16)
def events(snapshot: Snapshot, start: str, end: str) -> Rows:
    """Return dated events that move posting, between two months as "2026-03": drawn over series, never counted."""
    with reading(snapshot) as con:
        return tuple(
            fetch(
                con,
                "SELECT strftime(event_date, '%Y-%m') AS month, strftime(event_date, '%Y-%m-%d') AS date, "
                "event_name AS event, source_url AS source FROM events "
                "WHERE strftime(event_date, '%Y-%m') BETWEEN ? AND ? ORDER BY event_date, event_name",
                [start, end],
            )
        )


@kept(4)
def volumes(snapshot: Snapshot) -> int:
    """Return how many counts of control posts, the denominators, the snapshot holds."""
    with reading(snapshot) as con:
        return int(scalar(con, "SELECT count(*) FROM volumes"))


@kept(8)
def joining(snapshot: Snapshot, merge: Merge) -> str:
    """Return what a merge setting joins and its measured error, in a sentence or two."""
    with reading(snapshot) as con:
        return merging(current_card(con), merge)


@kept(16)
def per_posts(snapshot: Snapshot, merge: Merge) -> Rows:
    """Return incidents per 10,000 posts that name an agent, by platform and month, where both were counted."""
    with reading(snapshot) as con:
        return tuple(
            {
                "Source": line.source,
                "Month": f"{period.start:%Y-%m}",
                "Incidents": period.incidents,
                "Posts naming agents": round(period.volume),
                "Hours counted": period.hours,
                "Per 10,000 posts": period.rate,
                "95 % interval": _interval(*period.interval) if period.interval else None,
            }
            for line in rates(con, merge=merge)
            for period in line.periods
        )


@kept(16)
def over_controls(snapshot: Snapshot, merge: Merge) -> Rows:
    """Return each platform's ratio of last to first whole month over each control's, or why there is none."""
    with reading(snapshot) as con:
        return tuple(
            {
                "Control": found.control.replace("_", " "),
                "Source": found.source or None,
                "Incidents, ratio": found.ratio.ratio if found.ratio else None,
                "Control, ratio": found.control_ratio.ratio if found.control_ratio else None,
                "One over the other": found.adjusted.value if found.adjusted else None,
                "95 % interval": _interval(found.adjusted.low, found.adjusted.high) if found.adjusted else found.reason,
            }
            for found in adjusted(con, get_args(Control), merge=merge)
        )


@kept(8)
def corrected(snapshot: Snapshot, merge: Merge) -> Rows:
    """Return the error-corrected figures computed at publish, each with its interval, or why there is none."""
    with reading(snapshot) as con:
        found = fetch(
            con,
            "SELECT fit, value, low, high, n, method, fit_reason FROM fits WHERE line_name = 'all' "
            "AND fit IN (SELECT unnest(?)) AND (merge IS NULL OR merge = ?)",
            [list(CORRECTED), merge],
        )
    order = list(CORRECTED)
    return tuple(
        {
            "Figure": f"{CORRECTED[row['fit']]}\n{row['method']}",
            "Value": row["value"],
            "95 % interval": row["fit_reason"] or _interval(row["low"], row["high"]),
            "n": row["n"],
        }
        for row in sorted(found, key=lambda row: order.index(row["fit"]))
    )


def _interval(low: float | None, high: float | None) -> str:
    return f"{'–' if low is None else format(low, ',.2f')} to {'–' if high is None else format(high, ',.2f')}"  # noqa: RUF001
