"""What servers say about waiting, read from headers: pure, one function for each question."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# (remaining, reset) as GitHub, Reddit and Mastodon name them, as X does, and as the IETF draft and Bluesky do.
_FAMILIES = (
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("x-rate-limit-remaining", "x-rate-limit-reset"),
    ("ratelimit-remaining", "ratelimit-reset"),
)
_LIMIT_STATUS = frozenset({403, 429, 503})
_EPOCH = 1e9
_EPOCH_MS = 1e12


def retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds a Retry-After header asks for: a number, or an HTTP date; None for neither."""
    if value is None:
        return None
    seconds = _number(value)
    if seconds is not None:
        return max(seconds, 0.0)
    try:
        at = parsedate_to_datetime(value.strip())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return max((_aware(at) - now).total_seconds(), 0.0)


def reset_in(value: str | None, now: datetime) -> float | None:
    """Return the seconds until a reset given as seconds, epoch (s or ms) or ISO 8601; None for none of them."""
    if value is None:
        return None
    number = _number(value)
    if number is not None:
        if number >= _EPOCH_MS:
            number /= 1000
        if number >= _EPOCH:
            number -= now.timestamp()
        return max(number, 0.0)
    try:
        at = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return max((_aware(at) - now).total_seconds(), 0.0)


def reset_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds until the next request is allowed, where the headers say that none is left; else None."""
    waits = [
        reset_in(headers.get(reset), now)
        for remaining, reset in _FAMILIES
        if (left := _number(headers.get(remaining, ""))) is not None and left < 1
    ]
    known = [wait for wait in waits if wait is not None]
    return max(known) if known else None


def wait_after(status: int, headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds an error answer asks us to wait, None where it says nothing of waiting."""
    if status not in _LIMIT_STATUS:
        return None
    asked = retry_after(headers.get("retry-after"), now)
    if asked is not None:
        return asked
    reset = reset_after(headers, now)
    if reset is not None:
        # A reset in the past would mean a retry at once, and again.
        return max(reset, 1.0)
    return None


def _number(text: str) -> float | None:
    try:
        value = float(text.strip())
    except ValueError:
        return None
    return value if abs(value) < 1e15 else None


def _aware(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
