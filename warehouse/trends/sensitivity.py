"""What the headline ratio rests on: the same two periods without one agent, vendor, source, incident or spike."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import duckdb

from warehouse.rows import fetch
from warehouse.schema.models import Merge
from warehouse.trends.lines import TOTAL
from warehouse.trends.pooling import Pooled, Stratum, leave_one_out, pool
from warehouse.trends.series import counted, days_of
from warehouse.trends.statistics import RateRatio, rate_ratio

SPIKE_DAYS: Final = 7
_SPIKES: Final = ("viral_post", "press_story", "disclosure", "study")


@dataclass(frozen=True)
class Without:
    """The ratio of the same two periods when something is left out."""

    kind: str
    name: str
    ratio: RateRatio


def strata(con: duckdb.DuckDBPyConnection, merge: Merge = "normal") -> tuple[Stratum, ...]:
    """Return each source's counts of its first and last month read whole, with their days."""
    found = []
    for line in counted(con, by="source", merge=merge).lines:
        if line.name != TOTAL and line.ratio is not None:
            found.append(Stratum(line.name, line.ratio.before, line.ratio.after, line.ratio.exposure))
    return tuple(found)


def pooled(con: duckdb.DuckDBPyConnection, merge: Merge = "normal", *, dispersion: float = 1.0) -> dict[str, Pooled]:
    """Return the ratio pooled over sources under "", and without each source under its name."""
    found = strata(con, merge)
    return {"": pool(found, dispersion=dispersion), **leave_one_out(found, dispersion=dispersion)}


def sensitivity(con: duckdb.DuckDBPyConnection, merge: Merge = "normal") -> tuple[Without, ...]:
    """Return the ratio of last to first measured month, each time without something.

    Without an agent or a vendor: incidents that name it are left out, whatever else they name. Without news spikes: the
    week from each viral post, press story, disclosure or study of table `events` is left out of the counts and of the
    days. Without new products: incidents that name an agent launched within the window. Told first hand: incidents that
    are only passed on are left out. Without the most reported incident: of the strict reports, those of that incident.
    No ratio at all where the series has none.
    """
    total = counted(con, merge=merge).lines[0]
    if total.ratio is None or total.compared is None:
        return ()
    first, last = total.compared
    exposure = (days_of(first, "month"), days_of(last, "month"))
    return (
        *_without_lines(con, merge, (first, last), total.ratio),
        *_without_spikes(con, merge, (first, last)),
        *_without_launches(con, merge, (first, last), exposure),
        *_first_hand(con, merge, (first, last), exposure),
        *_without_top(con, merge, (first, last), exposure),
    )


def _without_lines(
    con: duckdb.DuckDBPyConnection, merge: Merge, compared: tuple[date, date], ratio: RateRatio
) -> Iterator[Without]:
    rows = con.execute(
        "SELECT split_by, line_name, CAST(sum(n) FILTER (WHERE date_trunc('month', day) = ?) AS BIGINT), "
        "CAST(sum(n) FILTER (WHERE date_trunc('month', day) = ?) AS BIGINT) FROM daily_counts "
        "WHERE counted = 'incidents' AND merge = ? AND split_by IN ('agent', 'vendor') AND line_name <> 'none_named' "
        "GROUP BY ALL ORDER BY ALL",
        [*compared, merge],
    ).fetchall()
    for split, name, before, after in rows:
        if before or after:
            left = rate_ratio(ratio.before - (before or 0), ratio.after - (after or 0), exposure=ratio.exposure)
            yield Without(split, name, left)


def _without_spikes(con: duckdb.DuckDBPyConnection, merge: Merge, compared: tuple[date, date]) -> Iterator[Without]:
    spikes = con.execute(
        "SELECT event_date FROM events WHERE event_kind IN (SELECT unnest(?))", [list(_SPIKES)]
    ).fetchall()
    out = {day + timedelta(days=n) for (day,) in spikes for n in range(SPIKE_DAYS)}
    counts, days = [], []
    for start in compared:
        length = days_of(start, "month")
        kept = [start + timedelta(days=n) for n in range(length) if start + timedelta(days=n) not in out]
        found = con.execute(
            "SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM daily_counts WHERE counted = 'incidents' AND merge = ? "
            "AND split_by = 'all' AND to_day AND day IN (SELECT unnest(?::DATE[]))",
            [merge, kept],
        ).fetchone()
        counts.append(int(found[0]) if found else 0)
        days.append(len(kept))
    if all(days) and sum(days) < sum(days_of(start, "month") for start in compared):
        yield Without("news_spikes", f"{SPIKE_DAYS} days from each", rate_ratio(*counts, exposure=(days[0], days[1])))


def _without_launches(
    con: duckdb.DuckDBPyConnection, merge: Merge, compared: tuple[date, date], exposure: tuple[int, int]
) -> Iterator[Without]:
    end = compared[1] + timedelta(days=exposure[1])
    launched = [
        name
        for (name,) in con.execute(
            "SELECT DISTINCT event_agent FROM events WHERE event_kind = 'product_launch' AND event_agent IS NOT NULL "
            "AND event_date >= ? AND event_date < ? ORDER BY ALL",
            [compared[0], end],
        ).fetchall()
    ]
    if not launched:
        return
    counts = con.execute(
        "SELECT count(*) FILTER (WHERE month = $first), count(*) FILTER (WHERE month = $last) FROM group_facts "
        "WHERE merge = $merge AND is_strict AND NOT list_has_any(agents, $launched)",
        {"first": compared[0], "last": compared[1], "merge": merge, "launched": launched},
    ).fetchone() or (0, 0)
    yield Without("new_products", ", ".join(launched), rate_ratio(*counts, exposure=exposure))


def _first_hand(
    con: duckdb.DuckDBPyConnection, merge: Merge, compared: tuple[date, date], exposure: tuple[int, int]
) -> Iterator[Without]:
    line = counted(con, "first_hand", merge=merge).lines[0]
    counts = {period.start: period.n for period in line.periods}
    before, after = (counts.get(start) for start in compared)
    if before is not None and after is not None:
        yield Without("echo_free", "told first hand", rate_ratio(before, after, exposure=exposure))


def _without_top(
    con: duckdb.DuckDBPyConnection, merge: Merge, compared: tuple[date, date], exposure: tuple[int, int]
) -> Iterator[Without]:
    rows = fetch(
        con,
        """
        WITH told AS (
            SELECT g.group_key, CAST(date_trunc('month', r.created_at AT TIME ZONE 'UTC') AS DATE) AS month
            FROM groupings g JOIN reports r USING (report_id) JOIN current_labels l USING (report_id)
            WHERE g.merge = $merge AND l.is_strict AND r.created_precision IN ('second', 'day', 'month')
        )
        SELECT group_key, count(*) FILTER (WHERE month = $first) AS before,
               count(*) FILTER (WHERE month = $last) AS after
        FROM told GROUP BY group_key ORDER BY before + after DESC, group_key
        """,
        {"merge": merge, "first": compared[0], "last": compared[1]},
    )
    if rows:
        before, after = (sum(row[name] for row in rows[1:]) for name in ("before", "after"))
        yield Without("top_incident", rows[0]["group_key"], rate_ratio(before, after, exposure=exposure))
