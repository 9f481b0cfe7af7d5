"""What an incident's record takes from a report's own words: when it happened, when it was made known, how many."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.resources import files

from classifiers.linking.clues import MAX_CHARS
from classifiers.linking.when import MONTHS
from warehouse.schema.models import Linkable

# Raised when the reading below or the grouping changes; the rest of the version is the hash of what linking learnt and
# looks up.
_READING = "4"
LINKER = (
    "link-"
    + hashlib.sha256(
        b"\n".join(
            (files("classifiers") / folder / name).read_bytes()
            for folder, name in (("model", "link.json"), ("rules", "link.toml"))
        )
        + _READING.encode()
    ).hexdigest()[:8]
)
_MONTH = "|".join(MONTHS)
_ISO = re.compile(r"\b(20[12]\d)-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?\b")
_WORDS = re.compile(
    rf"\b(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? )?(?P<month>{_MONTH})\b"
    r"(?: (?P<day2>\d{1,2})(?:st|nd|rd|th)?\b(?!:))?(?:,? (?P<year>20[12]\d)\b)?"
)
# Without a day and a year a month's name counts only where a preposition makes a date of it.
_PLACED = re.compile(
    r"\b(?:in|on|of|during|back in|last|early|late|mid-?|around|around the|the)\s*(?:early |late |mid-)?$"
)
# A day without a year at most so many months ahead of the post is one to come, or the date of the post is not exact.
_COMING = 2
_DISCLOSED = re.compile(
    r"\b(?:disclosed|announced|published|posted|revealed|acknowledged|reported|wrote|tweeted|admitted|confirmed|"
    r"made public|blog ?post|statement|press release)\b[^.!?\n]{0,40}$"
)
# Dates of versions, rules and deadlines are not dates of the event.
_OTHER = re.compile(
    r"\b(?:version|release[ds]?|released|updated?|launched|build|v\d[\w.]*|since|until|by|due|deadline|expires?|born|"
    r"copyright|effective|cutoff|model)\b[^.!?\n]{0,25}$"
)
_SEVERAL = re.compile(
    r"\bmulti-?agents?\b|\bsub-?agents\b|\bagent (?:swarm|team)s?\b|\b(?:another|the other|a second) (?:ai )?agent\b"
    r"|\b(?:two|three|four|five|several|multiple|both|parallel) (?:\w+ )?(?:ai )?agents\b",
    re.I,
)


@dataclass(frozen=True)
class Facts:
    """When the told event happened and was made known, each with its precision (`unknown` where not said)."""

    occurred_at: datetime | None = None
    occurred_precision: str = "unknown"
    disclosed_at: datetime | None = None
    disclosed_precision: str = "unknown"
    several_agents: str = "unknown"


def facts(report: Linkable) -> Facts:
    """Read the dates a text states, none after its publication, and whether it tells of several agents.

    A date behind a word of making known ("disclosed", "announced") is the day of disclosure; the first other one that
    is not a version's or a deadline's is the day of the event. What is not said stays unknown.
    """
    text = f"{report.title}. {report.text}"[:MAX_CHARS]
    posted = report.created_at.date() if report.created_at else None
    found: dict[str, tuple[date, str]] = {}
    for at, start, precision in sorted(_dates(text.lower(), posted)):
        before = text.lower()[max(0, at - 70) : at]
        if posted and start > posted:
            continue
        if _DISCLOSED.search(before):
            found.setdefault("disclosed", (start, precision))
        elif not _OTHER.search(before):
            found.setdefault("occurred", (start, precision))
    occurred, disclosed = found.get("occurred"), found.get("disclosed")
    return Facts(
        occurred_at=_moment(occurred),
        occurred_precision=occurred[1] if occurred else "unknown",
        disclosed_at=_moment(disclosed),
        disclosed_precision=disclosed[1] if disclosed else "unknown",
        several_agents="yes" if _SEVERAL.search(text) else "unknown",
    )


def _moment(found: tuple[date, str] | None) -> datetime | None:
    return datetime(found[0].year, found[0].month, found[0].day, tzinfo=UTC) if found else None


def _dates(lowered: str, posted: date | None) -> list[tuple[int, date, str]]:
    """Return (place, first day, precision) of every date that stands in a text."""
    found = [_dated(match.start(), int(match[1]), int(match[2]), match[3]) for match in _ISO.finditer(lowered)]
    for match in _WORDS.finditer(lowered):
        day, month = match["day"] or match["day2"], MONTHS[match["month"]]
        if not match["year"] and (posted is None or not (day or _PLACED.search(lowered[: match.start()][-24:]))):
            continue
        if match["year"]:
            year = int(match["year"])
        elif posted:
            ahead = (month, int(day or 1)) > (posted.month, posted.day)
            # "July 16" in a post dated July 9 is no day of the year before.
            coming = bool(day) and (month - posted.month) % 12 <= _COMING
            year = posted.year - (ahead and not coming)
        found.append(_dated(match.start(), year, month, day))
    return [item for item in found if item]


def _dated(at: int, year: int, month: int, day: str | None) -> tuple[int, date, str] | None:
    try:
        return at, date(year, month, int(day or 1)), "day" if day else "month"
    except ValueError:
        return None
