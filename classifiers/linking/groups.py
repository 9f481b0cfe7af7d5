"""From pairwise links to groups, by bounded average linkage; the order in which reports arrive plays no part.

Copies are one unit from the start. Two lone units become a group only by one confident link. A lone unit joins a group
when its links to all members of the group are good enough on average, a pair without a link counting as unlike. Two
groups become one only when that average holds and would still hold without the single report that ties them most: a
post that bridges two events, by accident or on purpose, joins one of them and never the two with each other.

How sure a link is depends on the crowd: the more reports are like one and tell of something else, the likelier one of
them is alike by chance. So where more happens at once than in the pool the scores were learnt from, a link must stand
out by more. Otherwise a rise in events would be hidden by the joins that come with it.
"""

import heapq
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from classifiers.linking.pairs import default_weights
from warehouse.schema.models import Link, Merge

_STRICTNESS: dict[str, int] = {"tight": 0, "normal": 1, "loose": 2}
# Log odds: among several a single link weighs at most so much, a missing one so little.
CEILING, FLOOR = 5.0, -4.0
# A group of two is hardly corroborated: what a third must reach at least, whatever the setting.
THIRD = -1.0
# Of the texts the scores were learnt from, 95 in 100 had at most 8 like reports of other events, none more than 13.
CROWD = 10.0
# Log odds asked for more per log of the crowd over that, at each end. Exact posterior odds would ask for 0.5; scores of
# one crowd are not independent, and more is needed for the share of events joined by chance to stay even as they grow
# denser. Chosen on simulated streams (`tests.simulation`) other than those reported.
CROWDING = 2.0
# What two groups must keep without the report that ties them most.
WITHOUT_BRIDGE = -3.0


@dataclass(frozen=True)
class Bars:
    """Log odds that two lone reports, and a report or group joining a group, must reach."""

    pair: float
    join: float


def bars(merge: Merge) -> Bars | None:
    """Return the trained bars of a merge setting; `tight` has none, it joins copies only."""
    if merge == "tight":
        return None
    setting = default_weights().settings[merge]
    return Bars(setting["pair"], setting["join"])


def to_log_odds(score: float) -> float:
    """Return the log odds of a score, at least FLOOR."""
    bounded = min(max(score, 1e-6), 1 - 1e-6)
    return max(math.log(bounded / (1 - bounded)), FLOOR)


class _Groups:
    """Groups under construction, named by their smallest unit, with the links that run between any two of them."""

    def __init__(
        self,
        edges: dict[tuple[str, str], float],
        apart: set[tuple[str, str]],
        limits: Bars,
        witnesses: Mapping[str, set[str]],
        crowds: Mapping[str, float],
    ) -> None:
        self.members: dict[str, list[str]] = {}
        self.links: dict[str, dict[str, dict[tuple[str, str], float]]] = defaultdict(lambda: defaultdict(dict))
        self.apart: dict[str, set[str]] = defaultdict(set)
        self.limits = limits
        self.witnesses = {unit: set(found) for unit, found in witnesses.items()}
        # Summed over the members of each group.
        self.asked = {unit: CROWDING * math.log(max(crowd / CROWD, 1.0)) for unit, crowd in crowds.items()}
        for (left, right), value in edges.items():
            self.members.setdefault(left, [left])
            self.members.setdefault(right, [right])
            self.links[left][right] = self.links[right][left] = {(left, right): value}
        for left, right in apart:
            self.apart[left].add(right)
            self.apart[right].add(left)

    def value(self, left: str, right: str) -> float | None:
        """Return the average log odds between two groups, less what their crowds ask, or None where they stay apart."""
        if right in self.apart[left] or self.witnesses.get(left, set()) & self.witnesses.get(right, set()):
            return None
        between = self.links[left][right]
        sizes = len(self.members[left]), len(self.members[right])
        pairs = sizes[0] * sizes[1]
        total = sum(min(value, CEILING) - FLOOR for value in between.values())
        # Ties to several members bear each other out, though not as independent ones would.
        asked = sum(self.asked.get(group, 0.0) / size for group, size in zip((left, right), sizes, strict=True))
        mean = FLOOR + total / pairs - asked / math.sqrt(pairs)
        if pairs == 1:
            alone = min(sum(between.values()) - asked, CEILING)
            return alone if alone >= self.limits.pair else None
        if mean < (max(self.limits.join, THIRD) if pairs == 2 else self.limits.join):
            return None
        if min(sizes) > 1:
            ties: dict[str, float] = defaultdict(float)
            for (one, other), value in between.items():
                ties[one] += min(value, CEILING) - FLOOR
                ties[other] += min(value, CEILING) - FLOOR
            for group in (left, right):
                size, opposite = len(self.members[group]), pairs // len(self.members[group])
                strongest = max(ties.get(member, 0.0) for member in self.members[group])
                if FLOOR + (total - strongest) / ((size - 1) * opposite) < WITHOUT_BRIDGE:
                    return None
        return mean

    def merge(self, keep: str, drop: str) -> None:
        """Join `drop` to `keep`."""
        self.members[keep].extend(self.members.pop(drop))
        self.witnesses.setdefault(keep, set()).update(self.witnesses.pop(drop, set()))
        self.asked[keep] = self.asked.get(keep, 0.0) + self.asked.pop(drop, 0.0)
        for other, between in self.links.pop(drop).items():
            del self.links[other][drop]
            if other != keep:
                joined = {**self.links[keep].get(other, {}), **between}
                self.links[keep][other] = self.links[other][keep] = joined
        for other in self.apart.pop(drop, set()):
            self.apart[other].discard(drop)
            self.apart[other].add(keep)
            self.apart[keep].add(other)


def crowds(pairs: Iterable[tuple[str, str, float]]) -> dict[str, float]:
    """Return how many like ones of other events each has, as expected by its links: (one, other, probability)."""
    found: dict[str, float] = defaultdict(float)
    for one, other, probability in pairs:
        found[one] += 1 - probability
        found[other] += 1 - probability
    return found


def join_units(
    edges: dict[tuple[str, str], float],
    apart: set[tuple[str, str]],
    limits: Bars,
    witnesses: Mapping[str, set[str]] | None = None,
    crowd: Mapping[str, float] | None = None,
) -> dict[str, str]:
    """Return unit -> group name: always the best pair of groups next, ties by name; `crowd`: by default of `edges`."""
    if crowd is None:
        crowd = crowds((left, right, 1 / (1 + math.exp(-value))) for (left, right), value in edges.items())
    groups = _Groups(edges, apart, limits, witnesses or {}, crowd)
    queue: list[tuple[float, str, str, int, int]] = []

    def push(left: str, right: str) -> None:
        left, right = min(left, right), max(left, right)
        value = groups.value(left, right)
        if value is not None:
            # The sizes date an entry: it is void once either group has grown.
            sizes = len(groups.members[left]), len(groups.members[right])
            heapq.heappush(queue, (-round(value, 9), left, right, *sizes))

    for left, right in edges:
        push(left, right)
    while queue:
        _, left, right, size, other_size = heapq.heappop(queue)
        members = groups.members
        if len(members.get(left, ())) != size or len(members.get(right, ())) != other_size:
            continue
        groups.merge(left, right)
        for other in list(groups.links[left]):
            push(left, other)
    return {unit: name for name, units in groups.members.items() for unit in units}


def _units(ids: Sequence[str], links: Sequence[Link], apart: Collection[tuple[str, str]]) -> dict[str, str]:
    """Return report -> smallest report of its set of copies; two reports found to be different events share none."""
    above = {report: report for report in ids}
    never: dict[str, set[str]] = defaultdict(set)
    for left, right in apart:
        if left in above and right in above:
            never[left].add(right)
            never[right].add(left)

    def top(report: str) -> str:
        while above[report] != report:
            above[report] = above[above[report]]
            report = above[report]
        return report

    # What a person decided comes first, then the surest copies.
    for link in sorted(links, key=lambda link: (link.method != "review", -link.score, link.report_id, link.linked_to)):
        if link.method == "same_event" or link.report_id not in above or link.linked_to not in above:
            continue
        one, other = sorted((top(link.report_id), top(link.linked_to)))
        if one == other or any(top(report) == one for report in never[other]):
            continue
        above[other] = one
        never[one] |= never[other]
    return {report: top(report) for report in ids}


def cluster(
    ids: Sequence[str],
    links: Sequence[Link],
    merge: Merge,
    *,
    apart: Collection[tuple[str, str]] = (),
    witnesses: Mapping[str, str | None] | None = None,
    limits: Bars | None = None,
    crowd: Mapping[str, float] | None = None,
) -> dict[str, str]:
    """Return report id -> group key: the first id of the group in the order of `ids`.

    The grouping itself depends on the set of ids and links only. Links to reports outside `ids` are ignored.

    Args:
        ids: Reports to group.
        links: Edges among them, all of them, whatever their setting.
        merge: Merge setting.
        apart: Pairs that a reviewer found to be different events: apart under every setting, copies or not.
        witnesses: For first-hand accounts, the tracker they stand on: two accounts on one tracker that are no copies
            are two people's events, and no group holds both.
        limits: Bars instead of the trained ones of `merge`.
        crowd: How many like reports of other events each report has, where some of its links are not among `links`.
    """
    limits = limits or bars(merge)
    firm = [link for link in links if _STRICTNESS[link.merge] <= _STRICTNESS[merge]]
    units = _units(ids, firm, apart)
    joined: dict[str, str] = {}
    if limits:
        edges: dict[tuple[str, str], float] = {}
        for link in links:
            if link.method != "same_event" or link.report_id not in units or link.linked_to not in units:
                continue
            one, other = sorted((units[link.report_id], units[link.linked_to]))
            if one != other:
                edges[one, other] = max(edges.get((one, other), FLOOR), to_log_odds(link.score))
        kept_apart = {(units[a], units[b]) for a, b in apart if a in units and b in units}
        told_at: dict[str, set[str]] = defaultdict(set)
        for report, witness in (witnesses or {}).items():
            if witness and report in units:
                told_at[units[report]].add(witness)
        if crowd is None:
            crowd = crowds(
                (link.report_id, link.linked_to, link.score) for link in links if link.method == "same_event"
            )
        around: dict[str, float] = {}
        for report, unit in units.items():
            around[unit] = max(around.get(unit, 0.0), crowd.get(report, 0.0))
        joined = join_units(edges, kept_apart, limits, told_at, around)
    first: dict[str, str] = {}
    return {report: first.setdefault(joined.get(units[report], units[report]), report) for report in ids}
