"""What a request is bounded by, what an answer is, and how it can fail: shared by the client and the sources."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flows.errors import OffscriptError

MAX_BODY = 16 * 1024 * 1024


class SourceError(OffscriptError):
    """A source did not give what was asked of it."""


class Unavailable(SourceError):
    """No usable answer after all tries: the network, the server's errors, or answers that cannot be read."""


class BadAnswer(Unavailable):
    """An answer came and is not what it should be: not JSON, cut off, of another shape."""


class TooLarge(SourceError):
    """A body, packed or unpacked, larger than the limit."""


class RateLimited(SourceError):
    """The server asks for a wait longer than our patience."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class Refused(SourceError):
    """The server's definite no (4xx), or our own: a redirect off the host, a private address."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Validators:
    """What makes the next request for the same address conditional."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class Answer:
    """A finished exchange; `headers` have lower-case names."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def unchanged(self) -> bool:
        """Whether the server says that nothing has changed since the validators sent."""
        return self.status == 304

    @property
    def validators(self) -> Validators:
        """What to send with the next request for this address."""
        return Validators(self.headers.get("etag"), self.headers.get("last-modified"))

    def json(self) -> Any:  # noqa: ANN401
        """Return the body read as JSON.

        Raises:
            BadAnswer: it is not JSON, or not UTF-8.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            kind = self.headers.get("content-type", "no content type").split(";")[0]
            msg = f"{place(self.url)}: not JSON ({kind}, {len(self.body):,} bytes): {str(error)[:80]}"
            raise BadAnswer(msg) from error


Throttled = Callable[[Answer], float | None]


@dataclass(frozen=True)
class Pace:
    """How often a host may be asked: one request each `interval` seconds, after `burst` that may come at once."""

    interval: float = 1.0
    burst: int = 1


@dataclass(frozen=True)
class Limits:
    """Bounds of one request: `tries` in all, seconds for each part, bytes of a body."""

    tries: int = 4
    patience: float = 120.0
    first_wait: float = 1.0
    connect: float = 10.0
    read: float = 30.0
    whole: float = 180.0
    body: int = MAX_BODY


def place(url: str) -> str:
    """Return host and path of an address: queries may hold keys, and messages are logged."""
    parts = urlsplit(url)
    return f"{parts.hostname or '?'}{parts.path}"[:160]


def failure(answer: Answer) -> str:
    """Return a failed answer in words."""
    head = "".join(char if char.isprintable() else " " for char in answer.body[:160].decode("utf-8", "replace"))
    return f"{place(answer.url)}: HTTP {answer.status} {head}".rstrip()


def same_site(one: str, other: str) -> bool:
    """Whether two addresses are on one host and port; www. and the step from http to https do not matter."""
    a, b = urlsplit(one), urlsplit(other)
    ports = {"http": 80, "https": 443}
    same_port = (a.port or ports.get(a.scheme)) == (b.port or ports.get(b.scheme))
    upgrade = (a.scheme, b.scheme) == ("http", "https") and a.port is None and b.port is None
    hosts = {(part.hostname or "").removeprefix("www.") for part in (a, b)}
    return len(hosts) == 1 and b.scheme in ports and (upgrade or (a.scheme == b.scheme and same_port))
