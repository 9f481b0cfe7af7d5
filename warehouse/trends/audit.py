"""The human audit as the estimators take it: who was drawn with which probability, and what the auditor said."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import duckdb

from warehouse.rows import fetch, scalar
from warehouse.schema.models import Merge
from warehouse.trends.corrected import Cell

# An answer holds for the text it was given on; of several answers the last counts.
_DRAWN: Final = """
WITH answers AS (
    SELECT review_of AS report_id, expected_text_hash, arg_max(decided_value, reviewed_at) AS answer
    FROM decisions
    WHERE decision = 'is_strict' AND draw_reason = 'audit'
    GROUP BY ALL
),
strict AS MATERIALIZED (
    SELECT g.report_id, g.group_key, count(*) OVER (PARTITION BY g.group_key) AS size
    FROM groupings AS g
    JOIN current_labels AS l ON l.report_id = g.report_id
    WHERE g.merge = $merge AND l.is_strict
),
months AS MATERIALIZED (
    SELECT group_key, month FROM group_facts WHERE merge = $merge AND is_strict
),
kept AS MATERIALIZED (
    SELECT
        r.report_id,
        s.report_id IS NOT NULL AS flagged,
        coalesce(s.size, 1) AS size,
        s.group_key,
        coalesce(m.month, CAST(date_trunc('month', r.created_at AT TIME ZONE 'UTC') AS DATE)) AS month
    FROM reports AS r
    LEFT JOIN strict AS s ON s.report_id = r.report_id
    LEFT JOIN months AS m ON m.group_key = s.group_key
)
"""


@dataclass(frozen=True)
class Audit:
    """Cells of the posts that the screen kept, cells of those it rejected, and the flagged reports of each group."""

    kept: tuple[Cell, ...]
    rejected: tuple[Cell, ...]
    group_sizes: tuple[int, ...]


def read_audit(con: duckdb.DuckDBPyConnection, *, month: date | None = None, merge: Merge = "normal") -> Audit:
    """Return what the audit found, over all posts or those of one month.

    Sizes of strata are estimated from the newest draw (one over the probability, summed) and, for kept posts, made to
    add up to the flagged and the other posts that there are; answers of all draws count. A post drawn and not answered
    yet is left to those answered of its stratum: they are taken to be alike. Without any draw there are no cells.

    Args:
        con: a snapshot or the working file.
        month: first day of the month of the group's first report, or of the post where it is in no group.
        merge: which reports count as one event.
    """
    newest = scalar(con, "SELECT arg_max(draw, drawn_at) FROM audit_draws")
    if newest is None:
        return Audit((), (), ())
    known = fetch(
        con,
        f"{_DRAWN} SELECT flagged, group_key, count(*) AS posts FROM kept "  # noqa: S608
        "WHERE month = $month OR $month IS NULL GROUP BY ALL",
        {"merge": merge, "month": month},
    )
    totals: Counter[bool] = Counter()
    for row in known:
        totals[row["flagged"]] += row["posts"]
    sizes = tuple(row["posts"] for row in known if row["flagged"])
    drawn = fetch(
        con,
        _DRAWN
        + "SELECT d.stratum, d.draw, d.inclusion_p, k.report_id IS NOT NULL AS is_kept, k.flagged, k.size, a.answer "
        "FROM audit_draws d LEFT JOIN kept k USING (report_id) "
        "LEFT JOIN answers a "
        "ON a.report_id = d.report_id AND coalesce(a.expected_text_hash, d.text_hash) = d.text_hash "
        "WHERE $month IS NULL OR k.month = $month ORDER BY d.stratum, d.draw, d.report_id",
        {"merge": merge, "month": month},
    )
    kept: dict[tuple[str, bool], list[dict[str, Any]]] = {}
    rejected: dict[tuple[str, bool], list[dict[str, Any]]] = {}
    for row in drawn:
        cells = kept if row["is_kept"] else rejected
        cells.setdefault((row["stratum"], bool(row["flagged"])), []).append(row)
    return Audit(
        tuple(_kept_cells(kept, totals, len(sizes), newest)),
        tuple(_cell(key, rows, _weight(rows, newest), 0) for key, rows in rejected.items()),
        sizes,
    )


def _weight(rows: list[dict[str, Any]], newest: str) -> float:
    return sum(1 / float(row["inclusion_p"]) for row in rows if row["draw"] == newest and row["inclusion_p"])


def _kept_cells(
    found: Mapping[tuple[str, bool], list[dict[str, Any]]], totals: Counter[bool], groups: int, newest: str
) -> list[Cell]:
    weights = {key: _weight(rows, newest) for key, rows in found.items()}
    cells = []
    for flagged in (True, False):
        own = {key: weight for key, weight in weights.items() if key[1] is flagged and weight}
        whole = sum(own.values())
        if not own and totals[flagged]:
            # Nothing was drawn of these posts: a cell without an answer, so that nothing is corrected.
            cells.append(Cell("not drawn", flagged, totals[flagged], groups if flagged else 0, ()))
        for key, weight in own.items():
            share = weight / whole
            cells.append(_cell(key, found[key], totals[flagged] * share, groups * share if flagged else 0))
    return cells


def _cell(key: tuple[str, bool], rows: list[dict[str, Any]], posts: float, groups: float) -> Cell:
    answers = tuple(
        (str(row["answer"]).lower() == "true", int(row["size"] or 1)) for row in rows if row["answer"] is not None
    )
    return Cell(key[0], key[1], max(posts, float(len(answers))), groups, answers)
