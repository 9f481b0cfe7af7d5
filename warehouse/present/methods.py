"""How the figures are made, in words and tables: losses at each step, limits, where others' words are near."""
# ruff: noqa: RUF001 - printed text keeps its typography: apostrophe, minus.

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

Rows = tuple[dict[str, Any], ...]

LIMITS: Final = (
    (
        "What really happened",
        "A report is somebody’s word until someone checks it. An incident’s status says how far that went.",
    ),
    (
        "How often agents misbehave",
        "Not every event is told, and more is told when a product is new or a story is in the news. Without the volume "
        "of posts in the same hours there is no rate.",
    ),
    (
        "A trend from a collection",
        "What was chosen by hand, or gathered in an unknown way, is counted, but no ratio, rate or trend is computed.",
    ),
    ("Which vendor is worse", "One vendor’s tracker is public, another’s is not; how many use each is unknown."),
    ("Intent", "The categories name what a text says a system did, not what it wanted."),
    (
        "Other languages and other places",
        "The instrument reads English texts. Private channels, deleted posts and closed trackers are not seen.",
    ),
)

# Ours, by reading their public definitions; neighbours, not translations.
CROSSWALK: Final = (
    {
        "Ours": "Strategic misrepresentation",
        "MIT AI Risk Repository": "7.1 AI pursuing its own goals in conflict with human goals or values; at times 7.3 "
        "Lack of capability or robustness",
        "MITRE ATLAS": "none: ATLAS lists what attackers do to or with AI systems",
        "AI Incident Database, CSET fields": "an event of its own there; no field for a false account by the system",
        "OECD AI Incidents Monitor": "principles Transparency and explainability, Accountability",
    },
    {
        "Ours": "Shutdown tampering",
        "MIT AI Risk Repository": "7.1 AI pursuing its own goals in conflict with human goals or values",
        "MITRE ATLAS": "none of its own; the acts resemble the tactics Defense Evasion and Privilege Escalation, "
        "without an attacker",
        "AI Incident Database, CSET fields": "an event of its own there; autonomy level comes nearest",
        "OECD AI Incidents Monitor": "principle Robustness and safety",
    },
    {
        "Ours": "Alignment faking",
        "MIT AI Risk Repository": "7.1 AI pursuing its own goals in conflict with human goals or values; 7.2 AI "
        "possessing dangerous capabilities",
        "MITRE ATLAS": "none",
        "AI Incident Database, CSET fields": "no field",
        "OECD AI Incidents Monitor": "principle Transparency and explainability",
    },
    {
        "Ours": "Model exfiltration",
        "MIT AI Risk Repository": "7.2 AI possessing dangerous capabilities (self-proliferation); for data 2.1 "
        "Compromise of privacy",
        "MITRE ATLAS": "tactic Exfiltration, there by an attacker; here by the system itself",
        "AI Incident Database, CSET fields": "harm type Privacy for data; no field for copies of the system",
        "OECD AI Incidents Monitor": "principles Privacy and data governance, Digital security",
    },
    {
        "Ours": "Left out: human misuse",
        "MIT AI Risk Repository": "4 Malicious actors and misuse; 2.2 AI system security vulnerabilities and attacks",
        "MITRE ATLAS": "most of it",
        "AI Incident Database, CSET fields": "included there",
        "OECD AI Incidents Monitor": "included there",
    },
    {
        "Ours": "Left out: ordinary failure",
        "MIT AI Risk Repository": "7.3 Lack of capability or robustness",
        "MITRE ATLAS": "none",
        "AI Incident Database, CSET fields": "included there, where harm followed",
        "OECD AI Incidents Monitor": "included there, where harm followed; as a hazard where it nearly did",
    },
)
CROSSWALK_NOTE: Final = (
    "A crosswalk of ours, by reading the public definitions: neighbours, not translations. Others count harms, risks "
    "or attacks; we count acts told. Counts under these names must not be added or compared."
)


def losses(funnel: Sequence[Mapping[str, Any]]) -> Rows:
    """Return the steps with what each loses, over all platforms.

    Args:
        funnel: `step`, `n`, in the order of the steps.
    """
    rows = []
    before: int | None = None
    for row in funnel:
        kept = int(row["n"])
        lost = before - kept if before is not None else None
        share = f"{100 * kept / before:.1f} of 100" if before else "–"
        rows.append({"Step": row["step"], "Left": kept, "Lost here": lost, "Of the step before": share})
        before = kept
    return tuple(rows)


WHY_LOST: Final = {
    "items read": "every item the sources gave",
    "posts": "the same post under two ids is one",
    "kept by the screen": "texts without any sign of an AI system’s conduct are left out",
    "judged": "left out: what a sieve of words takes for no event, other languages, broken texts",
    "strict reports": "kept: an event told first or second hand, specific enough (score 5 or more of 9)",
    "strict incidents": "reports of one event are joined",
}


def card_rows(text: str | None) -> Rows:
    """Return what an instrument's card says of itself beside its figures."""
    card = _card(text)
    data = card.get("data") or {}
    rows = [
        ("Instrument", card.get("instrument")),
        ("Trained on", card.get("trained_on")),
        ("Annotators", card.get("annotators")),
        ("How it was measured", card.get("method")),
        *((f"Data: {name}", _dataset(data[name])) for name in data),
        ("Parts", ", ".join(f"{name} {version}" for name, version in (card.get("versions") or {}).items())),
    ]
    return tuple({"What": name, "Stated": str(value)} for name, value in rows if value)


def _dataset(item: Any) -> str:  # noqa: ANN401
    if not isinstance(item, dict):
        return str(item)
    gold = ", ".join(f"{count:,} {name}" for name, count in (item.get("gold") or {}).items())
    return f"{item.get('items', 0):,} texts, {item.get('used_for', 'use not stated')}: {gold}"


def changes(instruments: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what changed from each instrument to the next, the newest first.

    Args:
        instruments: `instrument`, `registered_at`, `screen`, `card`, the newest first.
    """
    for row, older in zip(instruments, [*instruments[1:], None], strict=True):
        parts = _card(row["card"]).get("versions") or {}
        told = "the first one here"
        if older is not None:
            before = _card(older["card"]).get("versions") or {}
            changed = [
                f"{name} {before.get(name, 'none')} → {parts[name]}"
                for name in parts
                if parts[name] != before.get(name)
            ]
            told = "; ".join(changed) or "other weights or thresholds, the same parts"
        yield {"In use from": f"{row['registered_at']:%Y-%m-%d}", "Instrument": row["instrument"], "Changed": told}


def _card(text: str | None) -> dict[str, Any]:
    found = json.loads(text or "{}")
    return found if isinstance(found, dict) else {}
