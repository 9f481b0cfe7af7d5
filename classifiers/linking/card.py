"""Measures linking as it is and writes what was found into its card: `python -m classifiers.linking.card`."""

import json
from dataclasses import asdict
from typing import Final

from classifiers.heads import MODEL
from classifiers.linking.groups import CROWD, CROWDING
from classifiers.linking.measure import Quality, measure

CARD: Final = MODEL / "link_card.json"


def with_quality(card: dict[str, object], found: Quality) -> dict[str, object]:
    """Return a card with measured quality and the rule of crowds by which it was measured."""
    return {**card, "crowd": {"free": CROWD, "weight": CROWDING}, "quality": json.loads(json.dumps(asdict(found)))}


def main() -> None:
    """Write the card anew."""
    card = with_quality(json.loads(CARD.read_text("utf-8")), measure())
    CARD.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
