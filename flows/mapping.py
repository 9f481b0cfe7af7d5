"""From a raw item to a report: pure, versioned, rerunnable. A fix here is a rerun, not a new collection."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from classifiers.items import strip_title
from flows.identity import identify
from flows.sources.registry import publish_text_of
from warehouse.schema.models import Report

MAPPER = "map-1"
MAX_TEXT = 2_000_000
_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?$")
_PRECISION = ("year", "month", "day")


@dataclass(frozen=True)
class MappingError(ValueError):
    """The item cannot become a report: a code of `codes.REJECT_REASON` and the place, in words."""

    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


@dataclass(frozen=True)
class When:
    """A publication date with how exactly it is known."""

    at: datetime | None
    precision: str
    zone_assumed: bool = False


def parse_when(value: str | None, now: datetime) -> When:
    """Read an ISO 8601 date: a time, a day, a month or a year; a time without a zone is taken as UTC.

    Raises:
        MappingError: not a date, or more than two days after `now`.
    """
    if value is None:
        return When(None, "unknown")
    text = value.strip()
    partial = _PARTIAL.match(text)
    try:
        if partial:
            parts = [int(part) for part in partial.groups() if part]
            precision = _PRECISION[len(parts) - 1]
            year, number, day = [*parts, 1, 1][:3]
            when = When(datetime(year, number, day, tzinfo=UTC), precision)
        else:
            at = datetime.fromisoformat(text)
            when = When(
                at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC), "second", at.tzinfo is None
            )
    except (ValueError, OverflowError) as error:
        raise MappingError("invalid_date", f"created_at {value[:40]!r} is not an ISO 8601 date") from error
    if when.at and when.at > now + timedelta(days=2):
        raise MappingError("invalid_date", f"created_at {value[:40]!r} lies in the future")
    return when


def text_hash(title: str, text: str) -> str:
    """Return the hash that identifies exactly this text: sha256 of title and text, 32 hex digits."""
    return hashlib.sha256(f"{title}\n{text}".encode()).hexdigest()[:32]


def author_hash(account: str | None, key: bytes) -> str | None:
    """Return a keyed hash of an account, so that one author can be recognised and not named."""
    if not account:
        return None
    return hmac.new(key, account.encode(), hashlib.sha256).hexdigest()[:16]


def to_report(item: dict[str, Any], *, source_id: str, key: bytes, now: datetime) -> Report:
    """Map one imported post (`{"id", "source", "url", "created_at", "title", "text", …}`) to a report.

    Raises:
        MappingError: a field is missing, of the wrong type, too long, or holds NUL bytes.
    """
    given = {name: _string(item, name) for name in ("id", "source", "title", "text")}
    url = _string(item, "url", nullable=True)
    created = _string(item, "created_at", nullable=True)
    title, text = given["title"] or "", given["text"] or ""
    if not given["id"]:
        raise MappingError("missing_field", "id is empty")
    if not title.strip() and not text.strip():
        raise MappingError("missing_field", "neither title nor text says anything")
    when = parse_when(created, now)
    body = strip_title(title, text)
    who = identify(given["id"] or "", given["source"] or "", url)
    return Report(
        report_id=who.report_id,
        source_id=source_id,
        stated_source=given["source"] or "",
        platform=who.platform,
        channel=who.channel,
        native_id=who.native_id,
        url=url,
        created_at=when.at,
        created_precision=when.precision,
        zone_assumed=when.zone_assumed,
        title=title,
        text=body,
        lang=_string(item, "lang", nullable=True, required=False),
        author_key=author_hash(_string(item, "author", nullable=True, required=False), key),
        engagement=_engagement(item.get("engagement")),
        text_hash=text_hash(title, body),
        publish_text=publish_text_of(who.platform),
    )


def _string(item: dict[str, Any], name: str, *, nullable: bool = False, required: bool = True) -> str | None:
    if name not in item:
        if required:
            raise MappingError("missing_field", f"{name} is absent")
        return None
    value = item[name]
    if value is None and nullable:
        return None
    if not isinstance(value, str):
        raise MappingError("wrong_type", f"{name} should be a string, is {type(value).__name__}")
    if "\x00" in value:
        raise MappingError("nul_byte", f"{name} holds NUL bytes")
    if len(value) > MAX_TEXT:
        raise MappingError("too_long", f"{name} has {len(value):,} characters, the limit is {MAX_TEXT:,}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise MappingError("encoding", f"{name} holds half a surrogate pair") from error
    return value


def _engagement(value: object) -> int | None:
    """Return a count of reactions: a number, or the sum of a mapping of numbers."""
    if value is None:
        return None
    total = 0.0
    for part in value.values() if isinstance(value, dict) else [value]:
        if isinstance(part, bool) or not isinstance(part, int | float):
            raise MappingError("wrong_type", "engagement should be a number or an object of numbers")
        total += part
    if not -(2**62) < total < 2**62:
        raise MappingError("wrong_type", "engagement is not a finite count")
    return int(total)
