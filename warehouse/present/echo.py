"""Charts of how an event is told again: reports over time, of many incidents or of one."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt

from warehouse.present.charts import COLOURS, WIDTH, Figure, dressed, inline, month_axis

_FIRST: Final = "month of the first report"
_LATER: Final = "later"


def echo_by_month(rows: Sequence[Mapping[str, Any]], *, snapshot: str) -> Figure | None:
    """Draw reports a month, those of the month in which their incident was first reported and later ones.

    Args:
        rows: `month` ("2026-03"), `first_month` and `later` (counts of reports).
        snapshot: drawn too, so that it travels with the picture.
    """
    if not rows:
        return None
    drawn = [
        {"month": row["month"], "when": when, "reports": row[name]}
        for row in rows
        for name, when in (("first_month", _FIRST), ("later", _LATER))
    ]
    chart = (
        alt.Chart(inline(drawn))
        .mark_bar(binSpacing=1)
        .encode(
            x=month_axis([str(row["month"]) for row in rows]),
            y=alt.Y("sum(reports):Q", axis=alt.Axis(tickCount=3, format="d", tickMinStep=1, title="reports")),
            color=alt.Color(
                "when:N",
                scale=alt.Scale(domain=[_FIRST, _LATER], range=[COLOURS["strategic_misrepresentation"], "#E69F00"]),
                legend=alt.Legend(orient="top", title=None, labelLimit=300),
            ),
            order=alt.Order("when:N", sort="descending"),
            tooltip=["month:N", "when:N", "reports:Q"],
        )
        .properties(width=WIDTH, height=120)
    )
    first, later = (sum(int(row[name]) for row in rows) for name in ("first_month", "later"))
    peak = max(rows, key=lambda row: row["first_month"] + row["later"])
    most = peak["first_month"] + peak["later"]
    description = (
        f"Bar chart of reports by month, {rows[0]['month']} to {rows[-1]['month']}: {first:,} in the month their "
        f"incident was first reported, {later:,} later; most in {peak['month']} ({most:,})."
    )
    drawn_chart = dressed([chart], "Reports by month", f"Snapshot {snapshot}")
    return Figure("echo", drawn_chart, description, tuple(drawn))


def echo_of_one(rows: Sequence[Mapping[str, Any]], *, number: int) -> Figure | None:
    """Draw the reports of one incident as points in time, one line a platform.

    Args:
        rows: `date` ("2026-03-09"), `platform`.
        number: the incident's, drawn too.
    """
    if len({row["date"] for row in rows}) < 2:
        return None
    drawn = [dict(row) for row in rows]
    platforms = sorted({str(row["platform"]) for row in rows})
    chart = (
        alt.Chart(inline(drawn))
        .mark_point(filled=True, size=80, opacity=0.65, color=COLOURS["strategic_misrepresentation"])
        .encode(
            x=alt.X(
                "date:T",
                scale=alt.Scale(type="utc", padding=12),
                axis=alt.Axis(title=None, format="%-d %b %Y", tickCount=4),
            ),
            y=alt.Y("platform:N", sort=platforms, axis=alt.Axis(title=None, labelLimit=110)),
            tooltip=["date:N", "platform:N"],
        )
        .properties(width=WIDTH, height=max(30 * len(platforms), 40))
    )
    dates = sorted(str(row["date"]) for row in rows)
    told = "; ".join(f"{name}: {sum(row['platform'] == name for row in rows)}" for name in platforms)
    description = f"Reports of incident {number} by day, {dates[0]} to {dates[-1]}. {told}."
    return Figure(f"incident-{number}", dressed([chart], f"Reports of incident {number}"), description, tuple(drawn))
