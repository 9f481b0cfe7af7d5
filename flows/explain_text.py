"""`offscript explain` in words."""

from typing import Final

from rich.console import Console
from rich.text import Text as Styled

from classifiers.explain import Explanation
from flows.explain import Told
from flows.review_terminal import marked
from warehouse.present.inert import visible

HITS: Final = 20
MOVED: Final = 3
SHOWN: Final = 4_000


def show(told: Told, console: Console) -> None:
    """Print everything that is known of one report's label."""
    report = told.report
    console.print(Styled(f"{report['report_id']}  {visible(report['url'] or 'no address')}", style="bold"))
    _stored(told, console)
    if told.found is None:
        console.print(f"{told.place} does not hold its text (any more): nothing can be judged anew.")
    else:
        _judged(told, told.found, console)
    _decided(told, console)
    console.print(Styled(f"read from {told.place}", style="dim"))


def _stored(told: Told, console: Console) -> None:
    console.rule("label", align="left")
    if told.current is None:
        console.print("no label yet: `offscript label-pending`")
        return
    row = told.current
    strict = "strict" if row["is_strict"] else "not strict"
    console.print(f"{row['label_status']}: {row['kind']}, {strict}, by {row['instrument']}")
    if row["label_status"] == "judged":
        names = ("evidence", "gravity", "score", "subject", "behaviours_present", "behaviours_unsure", "actions")
        for name in names:
            value = ", ".join(row[name]) or "none" if isinstance(row[name], list) else row[name]
            console.print(f"  {name:<18} {value}{'  (decided by people)' if _field(name) in row['decided'] else ''}")
    if "kind" in row["decided"] or "is_strict" in row["decided"]:
        console.print(f"  decided by people: {', '.join(row['decided'])}")
    for old in told.labels:
        said = f"{old['kind']}, {'strict' if old['is_strict'] else 'not strict'}, p {_p(old['p_strict'])}"
        text = "" if old["present"] else " (of an earlier text)"
        console.print(f"  {old['instrument']:<32} {old['label_status']}: {said}{text}")


def _field(column: str) -> str:
    return "behaviours" if column.startswith("behaviours") else column


def _judged(told: Told, found: Explanation, console: Console) -> None:
    report, line = told.report, found.line
    console.rule(f"judged now by {line.instrument}", align="left")
    if line.status != "judged":
        console.print(f"{line.status}: nothing further is read")
    for head in found.heads:
        side = "over" if head.p >= head.threshold else "under"
        console.print(f"  {head.name:<28} p {head.p:.3f}  {side} its threshold of {head.threshold:.3f}")
    spans = [(hit.span.field, hit.span.start, hit.span.end) for hit in found.hits]
    console.rule("text, with what the rules found", align="left")
    for name, style in (("title", "bold"), ("text", "")):
        inside = [(start, end) for field, start, end in spans if field == name]
        console.print(marked((report[name] or "")[:SHOWN], inside, style=style))
    for hit in found.hits[:HITS]:
        words = visible(report[hit.span.field][hit.span.start : hit.span.end])
        console.print(Styled(f"  {hit.rule:<34} {', '.join(hit.supports)}: “{words}”"))
    if len(found.hits) > HITS:
        console.print(f"  and {len(found.hits) - HITS} more")
    console.rule("what moved it most: the probability without these words", align="left")
    p = line.p_strict or 0.0
    for moved in found.moved[:MOVED]:
        words = visible(report[moved.span.field][moved.span.start : moved.span.end]).strip()
        console.print(Styled(f"  {p:.3f} → {moved.p_without:.3f} ({moved.p_without - p:+.3f})  “{words}”"))


def _decided(told: Told, console: Console) -> None:
    console.rule("decisions", align="left")
    if not told.outcomes and not told.others:
        console.print("none")
    for row in told.outcomes:
        what = f"{row['decision']} = {row['decided_value']} by {row['reviewer']}, {row['reviewed_at']:%Y-%m-%d}"
        console.print(Styled(visible(f"  {what}: {row['outcome']} ({row['review_id']})")))
    for one in told.others:
        what = f"{one.review_of} {one.decision} {one.decided_value} by {one.reviewer}, {one.reviewed_at:%Y-%m-%d}"
        console.print(Styled(visible(f"  {what}: in force ({one.review_id})")))


def _p(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"  # noqa: RUF001 - printed text keeps its typography
