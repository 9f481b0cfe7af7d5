"""The chart of counts by name and behaviour: a table that is shaded, so that it can be read without its colours."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from warehouse.present.charts import NAMES, NONE_MARKED, WIDTH, Figure, dressed, inline
from warehouse.present.inert import visible

_HEADS = {
    "strategic_misrepresentation": "misrepresentation",
    "shutdown_tampering": "tampering",
    "alignment_faking": "faking",
    "model_exfiltration": "exfiltration",
    NONE_MARKED: "none marked",
}
_PLAIN: Any = {"title": None, "domain": False, "ticks": False, "labelFontSize": 12, "labelFlush": False}


def matrix(rows: Sequence[Mapping[str, Any]], *, who: str, title: str, snapshot: str) -> Figure | None:
    """Draw incidents by name (in the order given) and behaviour.

    Args:
        rows: `name`, `behaviour`, `incidents`.
        who: "agent" or "vendor".
        title: drawn above.
        snapshot: its id, which travels with the picture.
    """
    if not rows:
        return None
    names = list(dict.fromkeys(visible(row["name"]) for row in rows))
    counts = {(visible(row["name"]), str(row["behaviour"])): int(row["incidents"]) for row in rows}
    drawn = [
        {who: name, "behaviour": head, "incidents": counts.get((name, code), 0)}
        for name in names
        for code, head in _HEADS.items()
    ]
    top = max(counts.values())
    base = alt.Chart(inline(drawn)).encode(
        x=alt.X(
            "behaviour:N",
            sort=list(_HEADS.values()),
            axis=alt.Axis(
                orient="top", labelAngle=0, title=None, domain=False, ticks=False, labelFontSize=12, labelFlush=False
            ),
        ),
        y=alt.Y(
            f"{who}:N",
            sort=names,
            axis=alt.Axis(labelLimit=150, **_PLAIN),
        ),
        tooltip=[f"{who}:N", "behaviour:N", "incidents:Q"],
    )
    cells = base.mark_rect(color="#0072B2").encode(
        opacity=alt.Opacity(
            "incidents:Q", scale=alt.Scale(type="sqrt", domain=[0, max(top, 1)], range=[0.0, 0.55]), legend=None
        )
    )
    text = base.mark_text(fontSize=12).encode(text=alt.Text("incidents:Q", format=","))
    chart = alt.layer(cells, text).properties(width=WIDTH - 160, height=24 * len(names))
    told = "; ".join(
        f"{name}: " + ", ".join(f"{NAMES.get(code, code).lower()} {counts.get((name, code), 0)}" for code in _HEADS)
        for name in names
    )
    description = f"Table of strict incidents by {who} and behaviour, in alphabetical order. {told}."
    return Figure(f"behaviours-by-{who}", dressed([chart], title, f"Snapshot {snapshot}"), description, tuple(drawn))
