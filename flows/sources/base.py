"""What a source is: streams to read, `fetch` that yields raw pages, and `to_post`, pure, for one raw item.

A source knows no database, no settings and no clock of its own: its block of settings, the queries and the client
are passed in.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, Protocol, runtime_checkable

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr

from flows.slices import Window

if TYPE_CHECKING:
    from flows.sources.sift import Sift

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
        gone: ids of posts deleted at the source; one that ends with / stands for all posts of an account.
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
    """Posts of a control kind in a span, and how they were counted; None for a span that was not drawn to be."""

    control: str
    window: Window
    posts: int | None
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


@runtime_checkable
class Counts(Protocol):
    """A source that counts posts by query without handing them over.

    Attributes:
        controls: the control kinds it counts.
        count_method: how, in words.
        count_p: the share of days that is asked for; under 1 where the allowance is too small for all.
    """

    controls: Sequence[str]
    count_method: str
    count_p: float

    def counts(self, control: str, window: Window) -> int:
        """Return how many posts of a control kind a span had."""
        ...


@runtime_checkable
class Census(Protocol):
    """A source that hands over everything on the lists it is asked for: what was read can be counted.

    Attributes:
        census: says which control kinds a text is of.
    """

    census: "Sift"


@runtime_checkable
class Checks(Protocol):
    """A source that can be asked whether posts are still public.

    Attributes:
        recheck_limit: how many are asked for in one run.
    """

    recheck_limit: int

    def still_public(self, given_ids: Sequence[str]) -> Mapping[str, bool]:
        """Return what is known for each id; one that is not in the answer is not known to be gone."""
        ...


class Looks(Protocol):
    """A source that gives single posts by their ids."""

    def lookup(self, given_ids: Sequence[str]) -> Mapping[str, Native | None]:
        """Return each post as `to_post` reads it, None for one that is gone; one that is absent is not known."""
        ...


@runtime_checkable
class Paid(Protocol):
    """A source of which every post asked for costs money; what was spent is noted with the cursor."""

    def reserve(self, wanted: int, note: Mapping[str, str]) -> tuple[int, Mapping[str, str]]:
        """Return how many of so many posts may be asked for, and the note after paying for them."""
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
        every: how often the schedule reads it, unless OFFSCRIPT_<SOURCE>_EVERY says otherwise.
    """

    source: str
    platform: str
    module: ModuleType
    every: timedelta = timedelta(hours=1)

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
