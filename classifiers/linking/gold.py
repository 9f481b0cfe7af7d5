"""Texts whose true event is known, and how well a grouping agrees with them."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files

from warehouse.schema.models import Linkable

RETELLING = "rt:"


@dataclass(frozen=True)
class GoldText:
    """A text whose true event is known; `pair` marks two look-alikes of different events."""

    report: Linkable
    event: str
    pair: str | None
    split: str


def load_gold(*names: str) -> list[GoldText]:
    """Read shipped gold files ("retellings", "retellings_tune", "look_alikes"), all of them by default."""
    texts = []
    for name in names or ("retellings", "retellings_tune", "look_alikes"):
        for line in (files("classifiers") / "gold" / f"{name}.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            posted = datetime.fromisoformat(row["published_on"]).replace(tzinfo=UTC)
            report = Linkable(id=row["id"], title=row["title"], text=row["text"], created_at=posted)
            texts.append(GoldText(report, row["event"], row.get("pair"), row.get("split", "tune")))
    return texts


def b_cubed(group: Mapping[str, str], event: Mapping[str, str]) -> dict[str, tuple[float, float]]:
    """Return per text its B-cubed precision and recall (Bagga and Baldwin, 1998)."""
    by_group, by_event = defaultdict(set), defaultdict(set)
    for text, true in event.items():
        by_group[group[text]].add(text)
        by_event[true].add(text)
    return {
        text: (
            len(by_group[group[text]] & by_event[true]) / len(by_group[group[text]]),
            len(by_group[group[text]] & by_event[true]) / len(by_event[true]),
        )
        for text, true in event.items()
    }


def f1(values: Iterable[tuple[float, float]]) -> float:
    """Return the harmonic mean of mean precision and mean recall."""
    listed = list(values)
    precision, recall = (sum(value[side] for value in listed) / len(listed) for side in (0, 1))
    return 2 * precision * recall / (precision + recall)


def joined_pairs(group: Mapping[str, str], texts: Sequence[GoldText]) -> tuple[int, int]:
    """Return how many look-alike pairs share a group, and how many there are."""
    by_pair = defaultdict(list)
    for text in texts:
        if text.pair and text.report.id in group:
            by_pair[text.pair].append(group[text.report.id])
    whole = [groups for groups in by_pair.values() if len(groups) == 2]
    return sum(one == other for one, other in whole), len(whole)
