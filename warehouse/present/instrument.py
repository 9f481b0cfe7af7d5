"""What the card of the instrument in use says about its quality: a few figures, each with n and interval."""

# ruff: noqa: RUF001 - printed text keeps its typography: en dash.

import json
from collections.abc import Mapping
from typing import Any, Final

from warehouse.present.charts import NAMES

_SHOWN: Final = (
    ("strict_grey_apart", "precision", "Strict: share of the flagged that are right (precision)"),
    ("strict_grey_apart", "recall", "Strict: share of the true ones found (recall)"),
    ("strict_grey_apart", "f1", "Strict: F1 of both"),
    ("kind", "accuracy_of_judged", "Kind, of judged posts: share that agrees"),
    *(("behaviours", code, f"{name}: F1") for code, name in NAMES.items()),
    ("scales", "evidence_quadratic_kappa", "Evidence 0–4: agreement (quadratic kappa)"),
    ("scales", "gravity_quadratic_kappa", "Gravity 0–4: agreement (quadratic kappa)"),
)

READER: Final = "A language model, labels unseen"


def measured(text: str | None) -> tuple[dict[str, Any], ...]:
    """Return rows of measured quality from a card; those on texts from the field, where the card has them apart.

    Beside the instrument stands what a language model agrees with the labels that read the same texts afresh, where the
    card has it: how far the labels are facts at all.
    """
    card = json.loads(text or "{}")
    found = card if isinstance(card, dict) else {}
    quality = found.get("quality_of_the_field") or found.get("quality") or {}
    sections = quality.get("sections", {})
    reading = found.get("fresh_reading", {})
    read = (reading.get("field") or reading.get("all") or {}).get("sections", {})
    return tuple(
        {"Measure": words, **_shown(sections[section][name])}
        | ({READER: _in_words(read.get(section, {}).get(name, {}))} if read else {})
        for section, name, words in _SHOWN
        if name in sections.get(section, {})
    )


def _in_words(figure: Mapping[str, Any]) -> str:
    told = _shown(figure)
    if figure.get("value") is None:
        return f"{told['95 % interval']}, n {told['n']}" if told["n"] else "–"
    # Where nothing differs, resampling finds nothing that does: its interval is a point and says too much.
    exact = figure["low"] == figure["high"]
    return f"{told['Value']} ({'no difference met' if exact else told['95 % interval']}), n {told['n']}"


def _shown(figure: Mapping[str, Any]) -> dict[str, Any]:
    value, low, high = (figure.get(name) for name in ("value", "low", "high"))
    n = figure.get("n")
    if value is None or low is None or high is None:
        return {"Value": "not computable", "95 % interval": figure.get("note") or "–", "n": n}
    return {"Value": f"{value:.2f}", "95 % interval": f"{low:.2f}–{high:.2f}", "n": n}
