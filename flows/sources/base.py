"""What a source is: streams to read, `fetch` that yields raw pages, and `to_post`, pure, for one raw item.

A source knows no database, no settings and no clock of its own: its block of settings, the queries and the client
are passed in.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from types import ModuleType
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr

from flows.exchange import BadAnswer
from flows.slices import Window

Native = dict[str, Any]


class BadItem(ValueError):
    """A raw item cannot become a post: a code of `codes.REJECT_REASON` and the place, in words."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Stream:
    """A part of a source with its own cursor: a query, a tag, a forum. `name` is kept for ever; `ask` may hold more."""

    name: str
    query: str
    base: str = ""


@dataclass(frozen=True)
class Page:
    """Raw items of one answer.

    Attributes:
        items: native payloads, as they came.
        place: the request that brought them, without secrets.
        next: where the following page begins; None at the end of the span.
        full: the source holds more of this span than it gives: halve it.
        capped: the source gave no more than its cap and the span cannot be narrowed.
        note: kept with the cursor for the next run (validators, a change time, what was spent).
        counts: posts of control kinds in this span, where the source sees them all.
        gone: ids of posts deleted at the source.
    """

    items: Sequence[Native]
    place: str
    next: str | None = None
    full: bool = False
    capped: bool = False
    note: Mapping[str, str] = field(default_factory=dict)
    counts: Sequence["Count"] = ()
    gone: Sequence[str] = ()


@dataclass(frozen=True)
class Ask:
    """What is asked of a stream: a span, from where within it, and what the last run noted."""

    stream: Stream
    window: Window
    token: str | None = None
    note: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Count:
    """Posts of a control kind in a span, and how they were counted."""

    control: str
    window: Window
    posts: int
    method: str
    inclusion_p: float = 1.0


class Source(Protocol):
    """A source ready to be read.

    Attributes:
        step: the widest span to ask for at once; None where spans cannot be asked for.
        finest: the narrowest span worth asking for.
        settle: posts younger than this may not all be listed yet.
        reach: how far back the source can be asked at all; None without a limit.
    """

    step: timedelta | None
    finest: timedelta
    settle: timedelta
    reach: timedelta | None

    def streams(self) -> Sequence[Stream]:
        """Return what is read, in order."""
        ...

    def fetch(self, ask: Ask) -> Iterator[Page]:
        """Yield the pages of a span; an iterator begun again at a page's `next` yields what follows it."""
        ...


class Counts(Protocol):
    """A source that counts posts by query without handing them over."""

    controls: Sequence[str]

    def counts(self, control: str, window: Window) -> Sequence[Count]:
        """Return the posts of a control kind in a span, by hour or day."""
        ...


class Checks(Protocol):
    """A source that can be asked whether posts are still public."""

    def still_public(self, given_ids: Sequence[str]) -> Mapping[str, bool]:
        """Return what is known for each id; one that is not in the answer is not known to be gone."""
        ...


def _words(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]


class Config(BaseModel):
    """A source's settings block; a field `token` of source `github` is set by OFFSCRIPT_GITHUB_TOKEN."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Entry:
    """One line of the registry: a source, its platform, what it needs, what it may give.

    Attributes:
        source: id, also the name of its module and of its page.
        platform: the platform its posts stand on, as in `PLATFORMS`.
        module: has `Config`, `NEEDS`, `build` and `to_post`.
    """

    source: str
    platform: str
    module: ModuleType

    @property
    def config(self) -> type[Config]:
        """The settings block."""
        found: type[Config] = self.module.Config
        return found

    @property
    def to_post(self) -> Callable[[Native], dict[str, Any]]:
        """Maps a native payload to an imported post."""
        found: Callable[[Native], dict[str, Any]] = self.module.to_post
        return found

    def setting(self, name: str) -> str:
        """Return the name under which an operator sets a field of the block."""
        return f"OFFSCRIPT_{self.source}_{name}".upper()

    def missing(self, config: Config) -> tuple[str, ...]:
        """Return the settings without which the source cannot be read."""
        needs: tuple[str, ...] = self.module.NEEDS
        return tuple(self.setting(name) for name in needs if not getattr(config, name))


def secret(value: SecretStr | None) -> str:
    """Return a secret's text."""
    return value.get_secret_value() if value else ""


# ------------------------------------------------------------------ reading what others sent


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
            address = dict(attrs).get("href") or ""
            self.link = (address, len(self.parts)) if address.startswith("http") else None

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
