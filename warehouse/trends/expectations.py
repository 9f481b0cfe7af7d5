"""Which series left its expected band in the week that was last read completely: tested once, kept as data."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import duckdb

from warehouse.rows import fetch, merge
from warehouse.schema.tables import TABLES
from warehouse.trends.bands import LEVEL, Band, band, holm
from warehouse.trends.lines import TOTAL, By
from warehouse.trends.series import counted

WINDOW: Final = 26
"""Earlier weeks a band rests on, at most: half a year."""
_WEEK: Final = 7.0
_SPLITS: Final[tuple[By, ...]] = ("behaviour", "source")


@dataclass(frozen=True)
class Unexpected:
    """A series that left its band in a week: what was counted, what was expected, over how many tests."""

    series: str
    week: date
    n: int
    low: int
    high: int
    mean: float
    p_adjusted: float
    tests: int

    @property
    def sentence(self) -> str:
        """The alert in one sentence, with its interval, its basis and its rule."""
        way = "more" if self.n > self.high else "fewer"
        return (
            f"{self.series}: {self.n:,} strict incidents in the week from {self.week:%Y-%m-%d}, {way} than expected: "
            f"{self.mean:.1f} a week before, 99 % interval {self.low:,}–{self.high:,} "  # noqa: RUF001
            f"(p = {self.p_adjusted:.2g} after Holm's correction for {self.tests} series). Reports, not proven events; "
            "the reason for it is not known from this."
        )


def expect(con: duckdb.DuckDBPyConnection, run_id: str | None = None) -> int:
    """Test every series' last completely read week against its band and store the result; return how many were new.

    A week is tested once for a series, so that a late report does not raise the same alarm again. Only weeks read
    completely count, on both sides: where coverage is unknown nothing is expected. The caller owns the transaction.
    """
    found = {name: one for name, one in _bands(con).items() if not _tested(con, name, one[0])}
    adjusted = holm({name: one.p for name, (_, one) in found.items()})
    now = datetime.now(UTC)
    rows = [
        {
            "expected_series": name,
            "period": week,
            "n": one.count,
            "expected_n": one.mean,
            "band_low": one.low,
            "band_high": one.high,
            "dispersion": one.dispersion,
            "p_adjusted": adjusted[name],
            "tests": len(found),
            "is_unexpected": adjusted[name] < 1 - LEVEL,
            "tested_at": now,
            "run_id": run_id,
        }
        for name, (week, one) in found.items()
    ]
    return merge(con, TABLES["expectations"], rows).inserted


def untold(con: duckdb.DuckDBPyConnection) -> list[Unexpected]:
    """Return the unexpected weeks nobody was told of yet, the oldest first."""
    return [_read(row) for row in fetch(con, f"{_SELECT} WHERE is_unexpected AND told_at IS NULL {_ORDER}")]


def mark_told(con: duckdb.DuckDBPyConnection, told: Sequence[Unexpected]) -> None:
    """Note that an alert went out."""
    for one in told:
        con.execute(
            "UPDATE expectations SET told_at = ? WHERE expected_series = ? AND period = ?",
            [datetime.now(UTC), one.series, one.week],
        )


_SELECT: Final = "SELECT * FROM expectations"
_ORDER: Final = "ORDER BY period, expected_series"


def _read(row: dict[str, Any]) -> Unexpected:
    return Unexpected(
        series=row["expected_series"],
        week=row["period"],
        n=row["n"],
        low=row["band_low"],
        high=row["band_high"],
        mean=row["expected_n"],
        p_adjusted=row["p_adjusted"],
        tests=row["tests"],
    )


def _bands(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[date, Band]]:
    """Return each series' last completely read week with its band, where its history is long enough."""
    found = {}
    for by in _SPLITS:
        for line in counted(con, per="week", by=by).lines:
            if line.name == TOTAL and by != _SPLITS[0]:
                continue
            read = [(week.start, week.n or 0) for week in line.periods if week.interval is not None]
            if not read:
                continue
            *history, (last, count) = read[-WINDOW - 1 :]
            one = band([(number, _WEEK) for _, number in history], count, _WEEK)
            if one is not None:
                name = "all strict incidents" if line.name == TOTAL else f"{by} {line.name}"
                found[name] = (last, one)
    return found


def _tested(con: duckdb.DuckDBPyConnection, series: str, week: date) -> bool:
    rows = con.execute("SELECT 1 FROM expectations WHERE expected_series = ? AND period >= ?", [series, week])
    return rows.fetchone() is not None
