"""Import of JSON Lines files, plain or gzip: an import is a source like any other.

A file is read in pages of lines. A line that cannot be used becomes a reject that names file and line; the rest
goes on. Memory is bounded whatever the file holds: no line is read past MAX_LINE.
"""

import gzip
import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

MAX_LINE = 4_000_000
HEAD = 65_536
PAGE_LINES = 5_000


@dataclass(frozen=True)
class Line:
    """One usable line: its place, the bytes' hash, and the object it holds."""

    number: int
    content_hash: str
    raw: str
    item: dict[str, Any]


@dataclass(frozen=True)
class Reject:
    """One line (or, with number 0, the file itself) set aside: reason code, words, and the line as far as kept."""

    number: int
    content_hash: str
    reason: str
    detail: str
    size: int
    head: str


@dataclass
class Page:
    """Consecutive lines of a file; `next_line` is where reading goes on, None at the end of the file.

    Of a file too large to keep, only some lines are there: `read` says how many were looked at, `counts` how many
    posts of each control kind they were, by hour since the epoch.
    """

    lines: list[Line] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    next_line: int | None = 1
    read: int = 0
    counts: Counter[tuple[str, int]] = field(default_factory=Counter)


def short_hash(data: bytes) -> str:
    """Return the first 32 hex digits of a sha256."""
    return hashlib.sha256(data).hexdigest()[:32]


def file_hash(path: Path) -> str:
    """Return the sha256 of a file's bytes: an unchanged file is recognised under any name."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def entries(path: Path) -> Iterator[tuple[int, Line | Reject | None]]:
    """Yield every line of a file with its number: usable, set aside, or None for a blank one.

    Never raises for what the file holds: an unreadable, empty or broken file ends with a reject that has the number
    0, or that of the line at which it broke off.
    """
    number = 0
    try:
        with opened(path) as stream:
            while chunk := stream.readline(MAX_LINE + 1):
                number += 1
                if len(chunk) > MAX_LINE and not chunk.endswith(b"\n"):
                    yield number, _overlong(stream, chunk, number)
                else:
                    yield number, read_line(chunk, number)
    except FileNotFoundError:
        yield 0, _broken(0, "unreadable", "there is no such file")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        # Lines before the break were whole and are kept.
        place = number + 1 if number else 0
        yield place, _broken(place, "not_gzip", f"gzip data broken: {error}")
    except OSError as error:
        yield 0, _broken(0, "unreadable", error.strerror or type(error).__name__)
    else:
        if number == 0:
            yield 0, _broken(0, "empty_file", "the file holds no line")


def pages(path: Path, first_line: int = 1) -> Iterator[Page]:
    """Yield a file's lines from `first_line` on in pages; the last one has `next_line` None."""
    page = Page()
    for number, entry in entries(path):
        if 0 < number < first_line or entry is None:
            continue
        if isinstance(entry, Line):
            page.lines.append(entry)
        else:
            page.rejects.append(entry)
        if len(page.lines) + len(page.rejects) >= PAGE_LINES:
            page.next_line = number + 1
            yield page
            page = Page()
    page.next_line = None
    yield page


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading, unpacked if it is gzip."""
    with path.open("rb") as file:
        magic = file.read(2)
        file.seek(0)
        if magic == b"\x1f\x8b":
            with gzip.open(file, "rb") as stream:
                # Not buffered again: a larger buffer would swallow whole lines before a break.
                yield stream  # type: ignore[misc]
        elif path.suffix == ".gz" and magic:
            msg = "the name ends in .gz, the content is not gzip"
            raise gzip.BadGzipFile(msg)
        else:
            yield file


def read_line(chunk: bytes, number: int) -> Line | Reject | None:
    """Parse one line: a `Line`, a `Reject`, or None for a blank one."""
    data = chunk.removeprefix(b"\xef\xbb\xbf") if number == 1 else chunk
    data = data.strip(b"\r\n\t ")
    if not data:
        return None
    if b"\x00" in data:
        return _reject(data, number, "nul_byte", "the line holds NUL bytes")
    try:
        raw = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return _reject(data, number, "encoding", f"not UTF-8 at byte {error.start}")
    try:
        item = json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        return _reject(data, number, "not_json", str(error)[:200])
    if not isinstance(item, dict):
        return _reject(data, number, "not_json", f"expected an object, found {type(item).__name__}")
    return Line(number, short_hash(data), raw, item)


def set_aside(line: Line, reason: str, detail: str) -> Reject:
    """Turn a parsed line into a reject."""
    data = line.raw.encode()
    return Reject(line.number, line.content_hash, reason, detail, len(data), _head(data))


def _no_constant(name: str) -> None:
    msg = f"{name} is not JSON"
    raise ValueError(msg)


def _overlong(stream: IO[bytes], chunk: bytes, number: int) -> Reject:
    """Skip to the end of a line that is too long, hashing and counting it without keeping it."""
    digest = hashlib.sha256(chunk)
    size = len(chunk)
    rest = chunk
    while not rest.endswith(b"\n") and (rest := stream.readline(1 << 20)):
        digest.update(rest)
        size += len(rest)
    detail = f"the line has {size:,} bytes, the limit is {MAX_LINE:,}"
    return Reject(number, digest.hexdigest()[:32], "too_long", detail, size, _head(chunk))


def _reject(data: bytes, number: int, reason: str, detail: str) -> Reject:
    return Reject(number, short_hash(data), reason, detail, len(data), _head(data))


def _broken(number: int, reason: str, detail: str) -> Reject:
    return Reject(number, "", reason, detail, 0, "")


def _head(data: bytes) -> str:
    return data[:HEAD].decode("utf-8", "replace").replace("\x00", "\N{SYMBOL FOR NULL}")
