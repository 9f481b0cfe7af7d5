"""What a merge setting does and how far it can be trusted: one line from the card that travels with the snapshot."""

import json
from typing import Any, Final

from warehouse.schema.models import Merge

_DOES: Final[dict[Merge, str]] = {
    "tight": "Tight merging joins copies only",
    "normal": "Normal merging joins what is told of one event in other words",
    "loose": "Loose merging joins doubtful retellings too",
}


def merging(card: str | None, merge: Merge) -> str:
    """Return what a setting joins and its measured error: B-cubed F1 and look-alike pairs joined, n and intervals.

    `card` is the JSON of the instrument in use (`warehouse.labels.current_card`). All three settings are measured on
    the same look-alike texts, none of them trained on; normal merging, whose bars are learnt, is cross-validated too.
    """
    found = json.loads(card or "{}")
    linking = found.get("linking") if isinstance(found, dict) else None
    quality: dict[str, Any] = (linking or {}).get("quality") or {}
    held = (quality.get("look_alikes_test") or {}).get(merge)
    if not held:
        return f"{_DOES[merge]}; its error is not stated."
    parts = []
    known = quality.get("cross_validated")
    if merge == "normal" and known:
        parts.append(f"{_agreement(known)}, cross-validated by event on {known['texts']} retellings")
    low, high = held["joined_interval"]
    parts += [
        f"{_agreement(held)} on {held['texts']} texts kept back",
        f"{held['look_alikes_joined']:g} of {held['look_alike_pairs']} pairs of look-alike events among these joined "
        f"({low:.1%}-{high:.1%})",
    ]
    return f"{_DOES[merge]}. {'; '.join(parts)}. Intervals: 95 %."


def _agreement(figures: dict[str, Any]) -> str:
    low, high = figures["f1_interval"]
    return f"B-cubed F1 {figures['b_cubed_f1']:.3f} ({low:.3f}-{high:.3f})"
