"""Reading what others sent: nothing in a payload is believed to be there, or to be of the type it should be."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import SplitResult, urlsplit

from flows.exchange import BadAnswer
from flows.sources.base import Ask, BadItem, Native, Page


def items_of(answer: object, *path: str) -> list[Native]:
    """Return the list of objects at a path of an answer; what is not an object in it is kept as {"value": …}.

    Raises:
        BadAnswer: there is no list.
    """
    found = answer
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, list):
        msg = f"the answer has no list {'.'.join(path) or '(itself)'}"
        raise BadAnswer(msg)
    return [item if isinstance(item, dict) else {"value": item} for item in found]


def part_at(item: object, *path: str) -> Any:  # noqa: ANN401
    """Return what stands at a path of nested objects, None where it breaks off."""
    for name in path:
        item = item.get(name) if isinstance(item, dict) else None
    return item


def text_at(item: object, *path: str) -> str:
    """Return the text at a path; empty where there is none.

    Raises:
        BadItem: it is not text.
    """
    found = part_at(item, *path)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise BadItem("wrong_type", f"{'.'.join(path)} should be a string, is {type(found).__name__}")
    return found


def need_at(item: object, *path: str) -> str:
    """Return the text or whole number at a path, as text.

    Raises:
        BadItem: it is absent, empty or of another type.
    """
    found = part_at(item, *path)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    if found is None or found == "":
        raise BadItem("missing_field", f"{'.'.join(path)} is absent")
    return text_at(item, *path)


def number_at(item: object, *path: str) -> int | None:
    """Return the whole number at a path, None for anything else."""
    found = part_at(item, *path)
    if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) < 2**53:
        return None
    return int(found)


def total(*values: int | None) -> int | None:
    """Return the sum of the numbers that are known, None if none is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def moment(seconds: object) -> str | None:
    """Return a time given in seconds since the epoch as ISO 8601.

    Raises:
        BadItem: it is not such a time.
    """
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(float(seconds), UTC).isoformat()  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise BadItem("invalid_date", f"{seconds!r:.40} is not a time") from error


def parts_of(url: str) -> SplitResult:
    """Return the parts of an address that others gave.

    Raises:
        BadItem: it is not one.
    """
    try:
        return urlsplit(url)
    except ValueError as error:
        raise BadItem("wrong_type", f"{url[:40]!r} is not an address") from error


def address(host: str) -> str:
    """Return the address of a host given by name; one given as an address stays."""
    return host.rstrip("/") if "://" in host else f"https://{host}"


def published(item: Native, to_post: Callable[[Native], dict[str, Any]]) -> datetime | None:
    """Return when a raw item was published, None where that cannot be read."""
    try:
        text = to_post(item)["created_at"]
        at = datetime.fromisoformat(text) if text else None
    except (BadItem, ValueError):
        return None
    return at.replace(tzinfo=UTC) if at and at.tzinfo is None else at


def walk(
    ask: Ask,
    get: Callable[[str | None], tuple[list[Native], str | None, str]],
    to_post: Callable[[Native], dict[str, Any]],
    *,
    reach: int | None = None,
) -> Iterator[Page]:
    """Yield the pages of a list that goes back in time and cannot be asked for a span, until the span is left behind.

    Args:
        ask: the span.
        get: returns, for a token, the items, the token of the following page and the place.
        to_post: reads an item's time; items without a readable one are kept, to be set aside by the caller.
        reach: pages after which the source gives no more, whether or not there is more.
    """
    token = ask.token
    number = 0
    while True:
        items, following, place = get(token)
        number += 1
        times = [published(item, to_post) for item in items]
        known = [at for at in times if at]
        # The newest of the page decides: one late post must not end the walk.
        passed = bool(known) and max(known) < ask.window.start
        inside = [
            item for item, at in zip(items, times, strict=True) if at is None or ask.window.start <= at < ask.window.end
        ]
        ended = following is None or passed
        capped = following is None and not passed and reach is not None and number >= reach
        yield Page(inside, place, next=None if ended else following, capped=capped)
        if ended:
            return
        token = following


_BLOCKS = frozenset(
    {"p", "br", "div", "li", "ul", "ol", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "table", "hr"}
    | {"section", "article"}
)
_UNSEEN = frozenset({"script", "style", "template", "noscript", "head", "svg"})
_GAPS = re.compile(r"[ \t]*\n[ \t]*(?:\n[ \t]*)+")
_MAX_MARKUP = 2_000_000


class _Plain(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.unseen = 0
        self.link: tuple[str, int] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self.unseen += 1
        elif tag in _BLOCKS:
            self.parts.append("\n")
        elif tag == "a":
            given = dict(attrs)
            address = given.get("href") or ""
            # Who is spoken to and what is tagged stand in the words; their address is of the instance that shows them.
            named = {"mention", "hashtag"} & set((given.get("class") or "").split())
            self.link = (address, len(self.parts)) if address.startswith("http") and not named else None

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self.unseen = max(self.unseen - 1, 0)
        elif tag in _BLOCKS:
            self.parts.append("\n")
        elif tag == "a" and self.link:
            # A link is shown cut short, or as words: its address is what a reader can check.
            address, start = self.link
            shown = "".join(self.parts[start:]).strip()
            stem = shown.rstrip("\N{HORIZONTAL ELLIPSIS}.")
            self.parts[start:] = [address if stem and stem in address else f"{shown} ({address})"]
            self.link = None

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.parts.append(data)


def plain(markup: str) -> str:
    """Return HTML as text: paragraphs as lines, links with their addresses."""
    if "<" not in markup and "&" not in markup:
        return markup
    reader = _Plain()
    reader.feed(markup[:_MAX_MARKUP])
    reader.close()
    return _GAPS.sub("\n\n", "".join(reader.parts)).strip()


def iso(at: datetime) -> str:
    """Return a UTC time as APIs take it: 2026-11-21T10:00:00Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
