"""What a run prints at its end: the headline table, its banner, the cited reference, where to look next."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.files import outcomes_table
from flows.ingest import Ingested
from flows.sources import sample as record
from warehouse.connect import open_snapshot
from warehouse.labels import current_card
from warehouse.publish import Published
from warehouse.references import study_first_last
from warehouse.rows import fetch, scalar
from warehouse.trends import statistics
from warehouse.trends.series import BANNER, monthly


def show(console: Console, db: Path, done: Ingested, published: Published, *, sample: bool) -> None:
    """Print the headline of a run from the snapshot it published."""
    with open_snapshot(db) as (con, _):
        series = monthly(con, by=None, start=None, end=None)
        console.print()
        if not series.measurable:
            console.print(f"[bold]{BANNER}[/bold]: counts only; no ratio, rate or trend can be computed from it")
        console.print(_table(con, done))
        if done.sources:
            console.print(outcomes_table(done.sources))
        if sample:
            _agreement(console, con)
        if series.measurable:
            console.print(series.to_table())
        _reference(console, con)
    console.print(f"snapshot   {published.snapshot.path}{'' if published.new else '  (unchanged)'}")
    console.print(f"sha256     {published.sha256}")
    console.print(f"dashboard  make dashboard    (or: offscript dashboard --db {db})")


def _table(con: Any, done: Ingested) -> Table:  # noqa: ANN401
    funnel = fetch(con, "SELECT step, sum(n)::BIGINT AS n FROM funnel GROUP BY step")
    totals = {row["step"]: row["n"] for row in funnel}
    # An incident told on two platforms counts once here.
    totals["strict incidents"] = scalar(con, "SELECT count(*) FROM incidents WHERE is_strict")
    duplicates = totals.get("items read", 0) - totals.get("posts", 0)
    table = Table("", "in this run", "in the warehouse", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    rows = (
        ("posts read", done.new_items, totals.get("items read", 0)),
        ("  the same post under another id or text", None, duplicates),
        ("kept by the screen", done.kept, totals.get("kept by the screen", 0)),
        ("labelled", done.labelled, scalar(con, "SELECT count(*) FROM current_labels")),
        ("  handed on by the sieve, and judged", None, totals.get("judged", 0)),
        ("strict reports", None, totals.get("strict reports", 0)),
        ("strict incidents", done.opened, totals["strict incidents"]),
    )
    for name, run, warehouse in rows:
        table.add_row(name, "" if run is None else f"{run:,}", f"{warehouse or 0:,}")
    reasons = fetch(con, "SELECT reject_reason, count(*) AS n FROM rejects GROUP BY 1 ORDER BY 2 DESC, 1")
    table.add_row("set aside", "", f"{sum(row['n'] for row in reasons):,}")
    for row in reasons:
        table.add_row(f"  {row['reject_reason']}", "", f"{row['n']:,}")
    for row in fetch(con, "SELECT file, line, reject_reason FROM rejects ORDER BY file, line LIMIT 20"):
        table.add_row(f"    {row['file']}:{row['line']} {row['reject_reason']}", "", "")
    return table


def _agreement(console: Console, con: Any) -> None:  # noqa: ANN401
    """Print how far the labels made from the text agree with the record's own."""
    told = {entry["id"]: entry for entry in record.record()}
    rows = fetch(
        con,
        "SELECT native_id, label_status, is_strict, kind, behaviours_present FROM current_labels "
        "JOIN reports USING (report_id) WHERE platform = 'record'",
    )
    found = {row["native_id"]: row for row in rows}
    card = current_card(con)
    seen = _seen_in_training(card)
    for name, ids in (
        ("all of the record", list(told)),
        ("events not in training", [i for i in told if i not in seen]),
    ):
        strict = [told[i]["kind"] in {"first_hand", "second_hand"} and told[i]["score"] >= 5 for i in ids]
        flagged = [bool(found.get(i, {}).get("is_strict")) for i in ids]
        cells = Counter(zip(strict, flagged, strict=True))
        caught = _share(cells[True, True], cells[True, True] + cells[True, False])
        right = _share(cells[True, True], cells[True, True] + cells[False, True])
        both = sum(set(told[i]["behaviours"]) == set(found.get(i, {}).get("behaviours_present") or ()) for i in ids)
        console.print(f"agreement, {name} (n = {len(ids)})")
        console.print(f"  strict reports found        {caught}")
        console.print(f"  flagged ones that are strict {right}")
        console.print(f"  same set of behaviours      {_share(both, len(ids))}")
    console.print(
        "the record's labels were made by language models working from the codebook; intervals are Wilson's, 95 %"
    )


def _seen_in_training(card: str | None) -> set[str]:
    return set(json.loads(card or "{}").get("record_seen", ()))


def _share(part: int, whole: int) -> str:
    from warehouse.trends.statistics import wilson_interval

    if whole == 0:
        return "not computable (n = 0)"
    low, high = wilson_interval(part, whole)
    return f"{part}/{whole} = {part / whole:.2f} ({low:.2f}-{high:.2f})"


def _reference(console: Console, con: Any) -> None:  # noqa: ANN401
    first, last, citation = study_first_last(con)
    found = statistics.rate_ratio(first, last)
    console.print()
    console.print(f"for reference, not ours: {citation}")
    console.print(statistics.format_rate_ratio(found))
