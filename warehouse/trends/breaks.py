"""Where an instrument took over from another: the break that every series over labels has there."""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from warehouse.rows import fetch


@dataclass(frozen=True)
class Break:
    """A change of instruments, with what both say of the same texts; drift on the frozen panel where measured."""

    instrument: str
    second_instrument: str
    changed_at: datetime
    rejudged: int
    not_rejudged: int
    strict_before: int
    strict_after: int
    n: int | None
    changed_share: float | None
    mean_shift: float | None
    kappa: float | None
    kappa_low: float | None
    kappa_high: float | None

    def sentence(self) -> str:
        """Return the break in words, with its figures."""
        told = (
            f"Since {self.changed_at:%Y-%m-%d} labels are by {self.instrument}, before by {self.second_instrument}: of "
            f" {self.rejudged:,} texts judged by both, {self.strict_before:,} were strict before and "
            f"{self.strict_after:,} are now; figures published before that day are by the older one."
        )
        if self.not_rejudged:
            told += f" {self.not_rejudged:,} reports whose text is no longer held keep the older label."
        if self.n:
            told += (
                f" On the frozen panel (n = {self.n:,}, half of it strict when drawn) {self.changed_share:.1%} "
                f"changed, the mean shift of the probability is {self.mean_shift:+.3f}, kappa {_interval(self)}."
            )
        return told


def _interval(found: Break) -> str:
    if found.kappa is None or found.kappa_low is None or found.kappa_high is None:
        return "not computable"
    return f"{found.kappa:.3f} (95 % interval {found.kappa_low:.3f} to {found.kappa_high:.3f})"


def breaks(con: duckdb.DuckDBPyConnection) -> tuple[Break, ...]:
    """Return every change of instruments in a snapshot or working file, oldest first."""
    rows = fetch(
        con,
        """
        SELECT c.instrument, c.second_instrument, changed_at, rejudged, not_rejudged, strict_before, strict_after,
               n, changed_share, mean_shift, kappa, kappa_low, kappa_high
        FROM instrument_changes c LEFT JOIN panel_drifts d USING (instrument, second_instrument)
        ORDER BY changed_at
        """,
    )
    return tuple(Break(**row) for row in rows)
