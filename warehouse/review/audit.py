"""Random audit draws: two-phase, stratified, seeded, with known probabilities; every post stands in one frame only.

The frame of a draw is every post, kept or rejected, that was first screened since the frame before it ended. Within a
stratum (what the screen and the instrument said, and the platform) posts are drawn without replacement, each with
probability drawn / posts; where a firehose stored only a share of what it rejected, that share is the first phase and
the product of both is the post's inclusion probability (Neyman 1938; Sarndal, Swensson and Wretman 1992, chapter 9).
No post is offered to a second draw, so nothing is redrawn with knowledge of answers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Final

import duckdb

from warehouse.rows import fetch, merge, scalar, transaction
from warehouse.schema.tables import TABLES

LEAST: Final = 2
"""Posts drawn from a stratum at least, as far as it has them: fewer give no variance."""
MISSED: Final = 0.001
"""Share of strict positives expected among rejected posts: it steers how many are drawn, not what they count."""


@dataclass(frozen=True)
class Stratum:
    """A part of a frame: how many posts it has, their mean probability by the instrument, their mean first phase."""

    name: str
    posts: int
    p: float | None
    first_phase: float

    @property
    def weight(self) -> float:
        """Posts times the standard deviation expected of the answers, never zero: what is sure is audited too.

        Larger by the weight with which a stored post stands for those that the firehose did not store.
        """
        p = min(max(self.p if self.p is not None else MISSED, MISSED), 1 - MISSED)
        return self.posts * math.sqrt(p * (1 - p)) / self.first_phase


def allocate(strata: Sequence[Stratum], size: int) -> dict[str, int]:
    """Share a draw among strata in proportion to their weights (Neyman 1934).

    Every stratum gets at least two, as far as it has them; so a draw may be larger than `size`.
    """
    found = {one.name: min(LEAST, one.posts) for one in strata}
    ranked = sorted(strata, key=lambda one: (-one.weight, one.name))
    left = size - sum(found.values())
    while left > 0 and (open_ := [one for one in ranked if one.posts > found[one.name]]):
        before, total = left, sum(one.weight for one in open_)
        for one in open_:
            more = min(math.floor(before * one.weight / total), one.posts - found[one.name], left)
            found[one.name] += more
            left -= more
        if left == before:
            # Less than one each: the heaviest get the rest.
            for one in open_[:left]:
                found[one.name] += 1
                left -= 1
    return found


def draw(con: duckdb.DuckDBPyConnection, size: int, *, seed: int, run_id: str, now: datetime | None = None) -> int:
    """Draw about `size` posts from what no draw has seen; return how many were drawn. Stores nothing if none.

    The same seed and the same frame give the same posts, whatever the order of arrival. A post whose text is gone by
    then is in no frame.
    """
    if size <= 0:
        return 0
    con.execute((files("warehouse") / "review" / "audit_frame.sql").read_text("utf-8"))
    strata = [
        Stratum(**row)
        for row in fetch(
            con,
            "SELECT stratum AS name, count(*) AS posts, avg(p_strict) AS p, avg(first_phase) AS first_phase "
            "FROM audit_frame GROUP BY stratum ORDER BY stratum",
        )
    ]
    drawn_at = now or datetime.now(UTC)
    name = _free_name(con, f"{drawn_at:%Y-%m-%d}/{seed}")
    sizes = allocate(strata, size)
    span = fetch(con, "SELECT min(seen_at) AS from_at, max(seen_at) AS to_at FROM audit_frame")[0]
    shared = {"draw": name, "run_id": run_id, "drawn_at": drawn_at, "seed": seed, **span}
    shared["instrument"] = scalar(con, "SELECT arg_max(instrument, ordinal) FROM instruments")
    described = {
        one.name: {
            **shared,
            "stratum": one.name,
            "posts": one.posts,
            "drawn": sizes[one.name],
            "inclusion_p": sizes[one.name] / one.posts,
        }
        for one in strata
    }
    rows = [
        {**shared, **post, "inclusion_p": post["first_phase"] * described[post["stratum"]]["inclusion_p"]}
        for one in strata
        for post in fetch(
            con,
            "SELECT report_id, text_hash, stratum, first_phase FROM audit_frame WHERE stratum = ? "
            "ORDER BY sha256(? || report_id), report_id LIMIT ?",
            [one.name, f"{seed}\n", sizes[one.name]],
        )
    ]
    con.execute("DROP TABLE audit_frame")
    with transaction(con):
        merge(con, TABLES["audit_strata"], list(described.values()))
        merge(con, TABLES["audit_draws"], rows)
    return len(rows)


def draw_monthly(con: duckdb.DuckDBPyConnection, size: int, *, run_id: str, now: datetime | None = None) -> int:
    """Draw once a calendar month (UTC), seeded by it; what comes later in the month is in the next frame."""
    at = now or datetime.now(UTC)
    this_month = scalar(
        con,
        "SELECT count(*) FROM audit_draws WHERE date_trunc('month', drawn_at AT TIME ZONE 'UTC') "
        "= date_trunc('month', ?::TIMESTAMPTZ AT TIME ZONE 'UTC')",
        [at],
    )
    return 0 if this_month else draw(con, size, seed=at.year * 100 + at.month, run_id=run_id, now=at)


def _free_name(con: duckdb.DuckDBPyConnection, name: str) -> str:
    held = {row[0] for row in con.execute("SELECT DISTINCT draw FROM audit_strata").fetchall()}
    numbered = (f"{name}.{number}" for number in range(2, len(held) + 3))
    return name if name not in held else next(other for other in numbered if other not in held)
