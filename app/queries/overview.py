"""What the overview shows, read from one published snapshot at once: never half of each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

import duckdb

from app.keep import kept, reading
from warehouse.connect import Snapshot
from warehouse.labels import current_card
from warehouse.present import wording
from warehouse.present.cases import Case, strongest
from warehouse.present.instrument import measured
from warehouse.references import STUDY, study_controls, study_first_last
from warehouse.rows import fetch, scalar
from warehouse.trends.rates import Control, adjusted
from warehouse.trends.series import Line, Series, monthly
from warehouse.trends.statistics import RateRatio, rate_ratio, ratio_of_ratios

Rows = tuple[dict[str, Any], ...]

MERGE: Final = "normal"
KEPT: Final = 4


@dataclass(frozen=True)
class Overview:
    """The overview page's figures; `series` is by behaviour, its first line all strict incidents."""

    snapshot: str
    instrument: str | None
    posts: int
    coverage: tuple[str, ...]
    reports: int
    incidents: int
    incident_reports: int
    series: Series
    study: RateRatio | None
    study_url: str | None
    ratios: Rows
    adjusted: Rows
    sources: Rows
    strip: Rows
    funnel: Rows
    cases: tuple[Case, ...]
    measures: Rows

    @property
    def total(self) -> Line:
        """The series of all strict incidents."""
        return self.series.lines[0]

    @property
    def span(self) -> tuple[str, str] | None:
        """First and last month with a strict incident."""
        held = [f"{month.month:%Y-%m}" for month in self.total.months if month.incidents]
        return (held[0], held[-1]) if held else None

    @property
    def ratio(self) -> tuple[RateRatio, str, str] | None:
        """Our own ratio with its first and last month, where coverage allows one."""
        if self.total.ratio is None or self.total.compared is None:
            return None
        first, last = self.total.compared
        return self.total.ratio, f"{first:%Y-%m}", f"{last:%Y-%m}"


@kept(KEPT)
def load(snapshot: Snapshot) -> Overview:
    """Return a snapshot's overview; a snapshot never changes, so it is read once.

    Raises:
        WarehouseError: the file is missing, damaged, or not a snapshot.
    """
    with reading(snapshot) as con:
        return _overview(con, snapshot)


def _overview(con: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> Overview:
    series = monthly(con, by="behaviour", merge=MERGE)
    ours = series.lines[0]
    study = _study(con)
    return Overview(
        snapshot=snapshot.id,
        instrument=scalar(con, "SELECT instrument FROM snapshot_info"),
        posts=int(scalar(con, "SELECT coalesce(sum(n), 0) FROM funnel WHERE step = 'posts'")),
        coverage=tuple(row[0] for row in con.execute("SELECT DISTINCT coverage FROM coverage ORDER BY 1").fetchall()),
        reports=scalar(con, "SELECT count(*) FROM reports"),
        incidents=scalar(con, "SELECT count(*) FROM incidents WHERE is_strict"),
        incident_reports=scalar(
            con, "SELECT count(*) FROM incident_reports JOIN incidents USING (incident) WHERE is_strict"
        ),
        series=series,
        study=study,
        study_url=scalar(con, "SELECT min(source_url) FROM reference_counts WHERE series = ?", [STUDY]),
        ratios=tuple(_ratios(con, ours.ratio, study)),
        adjusted=tuple(_adjusted(con, study)),
        sources=tuple(_sources(con)),
        strip=tuple(_strip(con)),
        funnel=tuple(_funnel(con)),
        cases=strongest(con),
        measures=measured(current_card(con)),
    )


def _sources(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return what was read of each platform, what is known of its completeness, and what it cannot see."""
    rows = fetch(
        con,
        """
        WITH stated AS (
            SELECT platform, list_sort(list(DISTINCT coverage)) AS states, sum(posts)::BIGINT AS posts,
                   min(from_at) AS from_at, max(to_at) AS to_at
            FROM coverage GROUP BY platform
        ),
        kept AS (SELECT source AS platform, sum(reports)::BIGINT AS reports FROM held_months GROUP BY source)
        SELECT platform, coalesce(p.platform_name, platform) AS name, coalesce(s.posts, 0) AS posts,
               coalesce(k.reports, 0) AS reports, coalesce(s.states, ['unknown']) AS states,
               strftime(s.from_at, '%Y-%m-%d') AS from_day, strftime(s.to_at - INTERVAL 1 SECOND, '%Y-%m-%d') AS to_day,
               p.cannot_see
        FROM stated s FULL JOIN kept k USING (platform) LEFT JOIN platforms p USING (platform)
        ORDER BY posts DESC, platform
        """,
    )
    return [
        {
            "Source": f"{row['name']}\ncannot see: {row['cannot_see'] or 'not stated'}",
            "Posts read": row["posts"],
            "Reports kept": row["reports"],
            "Coverage": _coverage(row),
        }
        for row in rows
    ]


def _coverage(row: Mapping[str, Any]) -> str:
    span = f"\n{row['from_day']} to {row['to_day']}" if row["from_day"] and row["to_day"] else ""
    return ", ".join(row["states"]) + span


def _strip(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return the months that hold dated reports, by platform, with the state of their coverage."""
    return fetch(
        con,
        """
        SELECT c.source, strftime(c.month, '%Y-%m') AS month,
               coalesce(h.reports, 0) AS reports, c.state AS coverage
        FROM coverage_months c
        LEFT JOIN held_months h ON h.source = c.source AND h.month = c.month
        WHERE h.reports IS NOT NULL OR c.state IN ('measured', 'partial')
        ORDER BY ALL
        """,
    )


def _funnel(con: duckdb.DuckDBPyConnection) -> Iterator[dict[str, Any]]:
    """Yield the counts at each step, by platform and in all; strict incidents in all are counted once."""
    rows = fetch(
        con,
        "SELECT platform AS name, step, n FROM funnel ORDER BY step_order, platform",
    )
    steps = list(dict.fromkeys(row["step"] for row in rows))
    names = sorted({row["name"] for row in rows})
    counts = {(row["name"], row["step"]): row["n"] for row in rows}
    for step in steps:
        own = {name: counts.get((name, step), 0) for name in names}
        everywhere = sum(own.values())
        if step == "strict incidents":
            everywhere = scalar(con, "SELECT count(*) FROM incidents WHERE is_strict")
        yield {"Step": step, **(own if len(names) > 1 else {}), "All": everywhere}


def _study(con: duckdb.DuckDBPyConnection) -> RateRatio | None:
    """Return the published study's ratio, computed from its two counts; None where the snapshot does not cite it."""
    try:
        counts = study_first_last(con)
    except LookupError:
        return None
    return rate_ratio(counts.first, counts.last)


def _ratios(
    con: duckdb.DuckDBPyConnection, ours: RateRatio | None, study: RateRatio | None
) -> Iterator[dict[str, Any]]:
    """Yield the ratios of the forest plot: ours, the study's with its assumed dispersions, its controls."""
    for basis, what, found in (("ours", "Ours", ours), ("cited", "Published", study)):
        if found is None or found.ratio is None:
            continue
        for item in (found.exact, *wording.wider(found)):
            kind = "exact" if item is found.exact else f"dispersion {item.dispersion:g}"
            yield {
                "what": f"{what}, {kind}",
                "basis": basis,
                "ratio": found.ratio,
                "low": item.low,
                "high": item.high,
                "n": f"{found.before:,} → {found.after:,}",
                "interval": wording.interval(item),
            }
    for row in study_controls(con):
        yield {
            "what": wording.control_name(row["what"]),
            "basis": "control",
            "ratio": row["value"],
            "low": None,
            "high": None,
            "n": "counts not published",
            "interval": "interval not computable",
        }


def _adjusted(con: duckdb.DuckDBPyConnection, study: RateRatio | None) -> Iterator[dict[str, Any]]:
    """Yield the ratios with a control divided out: ours by platform where both were counted, and the study's."""
    found = [
        (f"Ours on {own.source}, over {own.control.replace('_', ' ')}", "ours", own.adjusted, own.ratio, "")
        for own in adjusted(con, get_args(Control), merge=MERGE)
        if own.adjusted is not None and own.ratio is not None
    ]
    if study is not None and study.ratio is not None:
        found += [
            (
                f"Published, over {wording.control_name(row['what']).removeprefix('Control: ')}",
                "cited",
                ratio_of_ratios(study, row["value"]),
                study,
                f"; control {row['value']:g}, its counts not published",
            )
            for row in study_controls(con)
        ]
    for what, basis, over, ratio, of_control in found:
        bounded = over.low is not None and over.high is not None
        yield {
            "what": what,
            "basis": basis,
            "ratio": over.value,
            "low": over.low,
            "high": over.high,
            "n": f"{ratio.before:,} → {ratio.after:,}{of_control}",
            "interval": f"{over.low:.2f} to {over.high:.2f}" if bounded else "interval not computable",
        }
