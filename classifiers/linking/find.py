"""The links among reports: exact copies, near copies and retellings of one event, each with its reason."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from classifiers.linking import copies
from classifiers.linking.clues import Clues, read
from classifiers.linking.groups import cluster
from classifiers.linking.index import COPIES, Lists, event_keys, nearest_anchors
from classifiers.linking.pairs import Profile, Weights, default_weights, features, log_odds, profile
from classifiers.linking.reason import same_event_reason
from warehouse.schema.models import Link, Linkable, LinkLine, Merge

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifiers.encoder import Encoder

# Weaker pairs are no links: grouping counts them as unlike. Links below even odds join nothing by themselves and are
# kept all the same: without them, at the bars that are then best, cross-validated B-cubed F1 falls from 0.955 to 0.913.
WEAKEST = -3.0
_LAST = datetime.max.replace(tzinfo=UTC)


def order(report: Linkable) -> tuple[datetime, str]:
    """Return what reports are put in order by: publication, the undated last, then id."""
    moment = report.created_at
    if moment is None:
        return _LAST, report.id
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC), report.id


def _probability(value: float) -> float:
    return round(1 / (1 + math.exp(-max(min(value, 30.0), -30.0))), 4)


def profiles(
    read_ones: Sequence[Clues],
    encoder: "Encoder",
    weights: Weights,
    vectors: "Mapping[str, NDArray[np.float32]] | None" = None,
) -> list[Profile]:
    """Make reports ready for comparison; those without a vector by their id in `vectors` are encoded."""
    held = dict(vectors or {})
    missing = [clues for clues in read_ones if clues.report.id not in held]
    encoded = encoder.encode([clues.lead for clues in missing]) if missing else ()
    held |= {clues.report.id: vector for clues, vector in zip(missing, encoded, strict=True)}
    return [profile(clues, held[clues.report.id], weights) for clues in read_ones]


def _copies(read_ones: Sequence[Clues], fresh: set[str]) -> tuple[list[Link], list[Clues]]:
    """Return the links of copies to the first of their kind, and the reports that are no copies, in order."""
    links: list[Link] = []
    firsts: list[Clues] = []
    by_key: dict[str, Clues] = {}
    near = Lists()
    hashed: list[NDArray[np.uint64]] = []
    for clues in read_ones:
        original, reason, method, score = None, "", "exact", 1.0
        if clues.url_key and f"u:{clues.url_key}" in by_key:
            original, reason = by_key[f"u:{clues.url_key}"], "same address"
        elif clues.text_key and f"x:{clues.text_key}" in by_key:
            original, reason = by_key[f"x:{clues.text_key}"], "same normalised text"
        else:
            own = copies.shingles(clues.content)
            keys = copies.band_keys(own)
            for number in near.best(dict.fromkeys(keys, 1.0), COPIES):
                counts = copies.shared_shingles(own, hashed[number])
                if copies.is_copy(clues, firsts[number], counts):
                    original, method = firsts[number], "near_duplicate"
                    score = round(counts[0] / counts[1], 4)
                    reason = f"{counts[0]} of {counts[1]} five-word shingles of the shorter text stand in the other"
                    break
            else:
                near.add(len(firsts), keys)
                firsts.append(clues)
                hashed.append(own)
        for key in (f"u:{clues.url_key}" if clues.url_key else "", f"x:{clues.text_key}" if clues.text_key else ""):
            if key:
                by_key.setdefault(key, original or clues)
        if original and clues.report.id in fresh and original.report.id != clues.report.id:
            pair = {"report_id": clues.report.id, "linked_to": original.report.id, "reason": reason}
            links.append(Link.model_validate({**pair, "method": method, "score": score, "merge": "tight"}))
    return links, firsts


def find_links(
    reports: Sequence[Linkable],
    *,
    known: Sequence[Linkable] = (),
    encoder: "Encoder | None" = None,
    weights: Weights | None = None,
    vectors: "Mapping[str, NDArray[np.float32]] | None" = None,
) -> list[Link]:
    """Return the links among `reports` and from `reports` to `known` ones, each from the later report to the earlier.

    A copy is linked to the first of its kind only. A link's `merge` is the strictest setting at which it would join two
    lone reports; weaker `same_event` links join nothing by themselves but count when groups are weighed. A report is
    compared with a bounded number of candidates, so time grows linearly with the reports; to bound the size of `known`
    too, file reports and ask for their `candidates`. Reports whose vector stands in `vectors` are not encoded again.
    """
    if encoder is None:
        from classifiers.encoder import default_encoder

        encoder = default_encoder()
    weights = weights or default_weights()
    fresh = {report.id for report in reports}
    every = {report.id: report for report in (*known, *reports)}
    old = sorted((report for report in every.values() if report.id not in fresh), key=order)
    new = sorted((report for report in every.values() if report.id in fresh), key=order)
    links, firsts = _copies([read(report) for report in (*old, *new)], fresh)
    # A text without words can be a copy by its address, but tells of nothing.
    firsts = [clues for clues in firsts if clues.stems]
    ready = profiles(firsts, encoder, weights, vectors)
    if not ready:
        return links
    import numpy as np

    nearest = nearest_anchors(np.stack([one.vector for one in ready]), weights)
    pair_bar, index = weights.settings["normal"]["pair"], Lists()
    for number, (one, anchors) in enumerate(zip(ready, nearest, strict=True)):
        keys = event_keys(one.clues, anchors, weights)
        if one.clues.report.id in fresh:
            for candidate in index.best(keys):
                other = ready[candidate]
                if one.clues.report.witness and one.clues.report.witness == other.clues.report.witness:
                    continue
                value = log_odds(features(one, other), weights)
                if value >= WEAKEST:
                    links.append(_same_event(one, other, value, pair_bar))
        index.add(number, keys)
    return links


def _same_event(one: Profile, other: Profile, value: float, pair_bar: float) -> Link:
    return Link(
        report_id=one.clues.report.id,
        linked_to=other.clues.report.id,
        method="same_event",
        score=_probability(value),
        merge="normal" if value >= pair_bar else "loose",
        reason=same_event_reason(one, other),
    )


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
