"""What is said of one incident: derived from its reports, their labels and people's decisions; a pure function."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from warehouse.excerpts import of_report
from warehouse.rulings import Sayings, moment

# Raised when the derivation below changes: every record is then derived again.
RECORD: Final = "record-2"
TIERS: Final = (None, "claim", "account", "artefact", "checkable")
LIKELY: Final = 0.5
EXCERPTS: Final = 2
LONGEST: Final = 240
_NOTHING: Final = Sayings({}, {})
_MARKS: Final = {"actions": "actions", "behaviours": "behaviours_present"}
_ARCHIVE: Final = "https://web.archive.org/web/"
_EVIDENCE: Final = {
    1: "The text claims it and tells no more.",
    2: "The text tells a specific account.",
    3: "The text shows an artefact, such as a log or a transcript.",
    4: "The text shows an artefact and something a reader can check.",
}
Row = Mapping[str, Any]


def record(number: int, reports: Sequence[Row], said: Sayings | None = None) -> dict[str, Any]:
    """Return a row of `incidents` (what is derived of it) for one number and its reports, oldest first.

    What people alone can say (`principal`, `alternative`, `vendor_answer`, a status beyond `corroborated`, ...) comes
    from their decisions and is unknown without one. Dates, behaviours and scales come from strict reports only; how
    many reports and sources, from all.
    """
    said = said or _NOTHING
    strict = [row for row in reports if row["is_strict"]]
    dated = [row for row in reports if row["created_at"] is not None]
    # As in view group_facts: a date known to the year only counts where there is no better one.
    dated = [row for row in dated if row["created_precision"] != "year"] or dated
    ranked = sorted(strict, key=_strength, reverse=True)
    best = ranked[0] if ranked else None
    agents = _named_agents(ranked)
    evidence = max((row["evidence"] or 0 for row in strict), default=0)
    independent = independent_sources(reports)
    status, status_reason = _status(independent, said)
    verification, method, verified_at = said.verification()
    occurred = moment(said.values.get("occurred_at", "")) or _told(ranked, "occurred")
    disclosed = moment(said.values.get("disclosed_at", "")) or _told(ranked, "disclosed")
    archived = said.address("archived_url")
    return {
        "incident": number,
        "incident_title": _title(agents, _foremost(strict)),
        "summary": summary(best, agents, reports) if best else None,
        "summary_basis": best["publish_text"] if best else "none",
        "first_reported_at": dated[0]["created_at"] if dated else None,
        "first_reported_precision": dated[0]["created_precision"] if dated else "unknown",
        "last_reported_at": dated[-1]["created_at"] if dated else None,
        "occurred_at": occurred[0] if occurred else None,
        "occurred_precision": occurred[1] if occurred else "unknown",
        "disclosed_at": disclosed[0] if disclosed else None,
        "disclosed_precision": disclosed[1] if disclosed else "unknown",
        "best_report_id": best["report_id"] if best else None,
        "agent_names": sorted({agent["name"] for agent in agents}),
        "vendors": sorted({agent["vendor"] for agent in agents if agent["vendor"]}),
        "actor": next((agent["name"] for agent in agents), "unknown"),
        "behaviours": json.dumps(_highest(strict, "behaviours")),
        "behaviours_present": _union(strict, "behaviours_present"),
        "actions": _union(strict, "actions"),
        "action_probabilities": json.dumps(_highest(strict, "action_probabilities")),
        "evidence": evidence,
        "evidence_tier": TIERS[evidence],
        "gravity": max((row["gravity"] or 0 for row in strict), default=0),
        "score": max((row["score"] or 0 for row in strict), default=0),
        "p_strict": max((row["p_strict"] or 0.0 for row in strict), default=0.0),
        "is_strict": bool(strict),
        "reports": len(reports),
        "echo": sum(row["derived_from"] is not None for row in reports),
        "sources": len({source_of(row) for row in reports}),
        "independent_sources": independent,
        "incident_status": status,
        "status_reason": status_reason,
        "alternative": said.values.get("alternative") or None,
        "subject": next((row["subject"] for row in ranked if row["subject"] not in (None, "unknown")), "unknown"),
        "principal": said.code("principal", "principal", "unknown"),
        "several_agents": said.code("several_agents", "several_agents", _several(strict)),
        "verification": verification,
        "verification_method": method,
        "verified_at": verified_at,
        "vendor_answer": said.address("vendor_answer"),
        "archived_url": archived or (_ARCHIVE + best["url"] if best and best["url"] else None),
        "archived_checked": archived is not None,
    }


def read_probabilities(stored: Row) -> dict[str, Any]:
    """Return a stored record with its probabilities read, {} where the file is older than the column."""
    return {**stored, **{name: json.loads(stored.get(name) or "{}") for name in ("behaviours", "action_probabilities")}}


def with_p(code: str, probabilities: Mapping[str, float], name: str | None = None) -> str:
    """Return a code, or its name, with how probable the instrument finds it; alone where only a person said it."""
    return f"{name or code} (p {probabilities[code]:.2f})" if code in probabilities else name or code


def source_of(row: Row) -> str:
    """Return who told a report: the account, or where it is not known the channel or host, which counts once."""
    return row["author_key"] or f"{row['platform']}:{row['channel'] or ''}"


def independent_sources(reports: Iterable[Row]) -> int:
    """Return how many different sources told it first hand, or with an artefact, without passing on another report."""
    return len(
        {
            source_of(row)
            for row in reports
            if row["is_strict"]
            and row["derived_from"] is None
            and (row["kind"] == "first_hand" or (row["evidence"] or 0) >= 3)
        }
    )


def _strength(row: Row) -> tuple[int, int, float, str]:
    return row["evidence"] or 0, row["score"] or 0, row["p_strict"] or 0.0, row["report_id"]


def _status(independent: int, said: Sayings) -> tuple[str, str]:
    decided = said.code("status", "incident_status", "")
    if decided:
        return decided, said.by["status"]
    if independent >= 2:
        return "corroborated", f"rule: {independent} independent sources told it first hand or with an artefact"
    return "reported", "rule: fewer than 2 independent sources told it first hand or with an artefact"


def _told(ranked: Sequence[Row], what: str) -> tuple[Any, str] | None:
    """Return a date that the reports state: of the strongest one that states it to the day, else of the strongest."""
    stated = [row for row in ranked if row[f"{what}_at"] is not None]
    exact = [row for row in stated if row[f"{what}_precision"] == "day"]
    chosen = next(iter(exact or stated), None)
    return (chosen[f"{what}_at"], chosen[f"{what}_precision"]) if chosen else None


def _several(strict: Iterable[Row]) -> str:
    return "yes" if any(row["several_agents"] == "yes" for row in strict) else "unknown"


def _highest(reports: Iterable[Row], column: str) -> dict[str, float]:
    """Return the highest probability of each code among the reports."""
    found: dict[str, float] = {}
    for row in reports:
        for name, p in json.loads(row[column] or "{}").items():
            found[name] = max(found.get(name, 0.0), p)
    return dict(sorted(found.items()))


def _union(reports: Iterable[Row], column: str) -> list[str]:
    return sorted({code for row in reports for code in row[column] or ()})


def _named_agents(reports: Iterable[Row]) -> list[dict[str, Any]]:
    return [agent for row in reports for agent in json.loads(row["agents"] or "[]")]


def _title(agents: Sequence[Row], told: Sequence[str]) -> str:
    """Return a neutral title of codes, not of the post's words: those are somebody else's."""
    names = list(dict.fromkeys(agent["name"] for agent in agents))[:2]
    acts = ", ".join(map(_plain, told[:3])) or "an act outside instructions"
    return f"{' and '.join(names) or 'an unnamed AI system'}: {acts}"


def _foremost(reports: Sequence[Row]) -> list[str]:
    """Return actions and behaviours, the surest first, without those less likely than not where another is likelier.

    A rare code passes a low threshold: marked so, it may be searched for, but a headline would say too much. What a
    person said, or an instrument that states no probability, is as good as certain.
    """
    sure = _highest(reports, "behaviours") | _highest(reports, "action_probabilities")
    said = {
        code
        for row in reports
        for name, column in _MARKS.items()
        if name in (row["decided"] or ())
        for code in row[column] or ()
    }
    marked = [*_union(reports, "actions"), *_union(reports, "behaviours_present")]
    p = {code: 1.0 if code in said else sure.get(code, 1.0) for code in marked}
    ranked = sorted(p, key=lambda code: -p[code])
    return [code for code in ranked if p[code] >= LIKELY] or ranked[:1]


def summary(best: Row, agents: Sequence[Row], reports: Sequence[Row]) -> str:
    """Return two or three neutral sentences: what the best report tells, by codes, and its own words where allowed."""
    own = [agent["name"] for agent in json.loads(best["agents"] or "[]")] or [agent["name"] for agent in agents]
    names = " and ".join(list(dict.fromkeys(own))[:2]) or "an unnamed AI system"
    told = ", ".join(map(_plain, _foremost([best]))) or "an act outside its instructions"
    whose = "A first-hand report" if best["kind"] == "first_hand" else "A second-hand report"
    sentences = [f"{whose} tells of {names}: {told}.", _EVIDENCE.get(best["evidence"] or 0, "")]
    words = quotations(best)
    if words:
        sentences.append("In its words: " + " … ".join(f"“{text}”" for text in words))
    echoed = sum(row["derived_from"] is not None for row in reports)
    if len(reports) > 1:
        sentences.append(f"{len(reports)} reports tell it, {echoed} of them pass on another.")
    return " ".join(filter(None, sentences))


def quotations(report: Row) -> list[str]:
    """Return at most two short excerpts of a report's own words around what rules found, as far as its terms allow."""
    if report["publish_text"] == "none" or report.get("text") is None:
        return []
    found: dict[tuple[str, str], int] = {}
    # Also of a text that may be shown in full only what was found is quoted.
    for row in of_report({**report, "publish_text": "span"}):
        key = (row["span_field"], " ".join(row["excerpt"].split()))
        found[key] = found.get(key, 0) + 1
    chosen: list[str] = []
    for _, text in sorted(found, key=lambda key: (key[0] == "title", -found[key], -len(key[1]), key[1])):
        cut = text if len(text) <= LONGEST else text[: text.rfind(" ", 0, LONGEST)] + " …"
        if len(chosen) < EXCERPTS and len(cut) > 12 and not any(_overlap(cut, known) for known in chosen):
            chosen.append(cut)
    return chosen


def _overlap(one: str, other: str) -> bool:
    words, held = set(one.lower().split()), set(other.lower().split())
    return len(words & held) * 2 > min(len(words), len(held))


def _plain(code: str) -> str:
    return code.replace("_", " ")
