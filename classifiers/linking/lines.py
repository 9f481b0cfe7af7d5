"""Reports in, link lines out: for `offscript link`, which has no warehouse."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from classifiers.linking.copied import order
from classifiers.linking.find import find_links
from classifiers.linking.groups import cluster
from warehouse.schema.models import Link, Linkable, LinkLine, Merge

if TYPE_CHECKING:
    from classifiers.encoder import Encoder


def link_lines(
    reports: Sequence[Linkable], merge: Merge = "normal", *, encoder: "Encoder | None" = None
) -> list[LinkLine]:
    """Return one line per report, in the order given: its incident, by first appearance, and what tied it there."""
    links = find_links(reports, encoder=encoder)
    ids = list(dict.fromkeys(report.id for report in reports))
    group = cluster(ids, links, merge, witnesses={report.id: report.witness for report in reports})
    best: dict[str, Link] = {}
    for link in links:
        if group[link.report_id] == group[link.linked_to]:
            held = best.get(link.report_id)
            if held is None or (-link.score, link.linked_to) < (-held.score, held.linked_to):
                best[link.report_id] = link
    earliest: dict[str, str] = {}
    for report in sorted(reports, key=order):
        earliest.setdefault(group[report.id], report.id)
    numbers: dict[str, str] = {}
    lines = []
    for report in reports:
        key = group[report.id]
        incident = numbers.setdefault(key, str(len(numbers) + 1))
        tie = best.get(report.id)
        if tie:
            lines.append(
                LinkLine(id=report.id, incident=incident, linked_to=tie.linked_to, score=tie.score, reason=tie.reason)
            )
        elif earliest[key] == report.id:
            lines.append(
                LinkLine(
                    id=report.id, incident=incident, linked_to=None, score=1.0, reason="first report of its incident"
                )
            )
        else:
            reason = "joined through later reports that tell of the same event"
            lines.append(LinkLine(id=report.id, incident=incident, linked_to=earliest[key], score=0.5, reason=reason))
    return lines
