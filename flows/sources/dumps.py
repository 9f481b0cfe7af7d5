"""History from files: Reddit dumps (zstd, one object a line), and the exports of X and Bluesky, as imported posts.

A dump of a month unpacks to many times its size: it is streamed, no line is read past a limit, and only what names an
agent is passed on.
"""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import zstandard

from flows.sources import bluesky, reddit, x
from flows.sources.base import BadItem, Native
from flows.sources.jsonl import MAX_LINE, Line, Reject, read_line, set_aside, short_hash
from flows.sources.reading import need_at, part_at, text_at

MAGIC = b"\x28\xb5\x2f\xfd"
# The dumps are packed with a window of two gigabytes; a decoder refuses such by default.
WINDOW = 2**31


@dataclass(frozen=True)
class Found:
    """One object of a dump: its line, and the post it is, or why it is none."""

    line: Line
    post: dict[str, Any]


def is_zstd(path: Path) -> bool:
    """Return whether a file is packed with zstd."""
    with path.open("rb") as file:
        return file.read(4) == MAGIC


def posts(path: Path, keep: Callable[[dict[str, Any]], bool]) -> Iterator[Found | Reject]:
    """Yield the objects of a dump that `keep` wants as imported posts, and what cannot be used.

    Never raises for what the file holds: one that breaks off ends with a reject that names the line.
    """
    number = 0
    try:
        with _opened(path) as stream:
            while chunk := stream.readline(MAX_LINE + 1):
                number += 1
                entry = _entry(stream, chunk, number)
                if isinstance(entry, Reject):
                    yield entry
                elif entry is not None:
                    found = _post(entry)
                    if isinstance(found, Reject) or keep(found.post):
                        yield found
    except (zstandard.ZstdError, EOFError) as error:
        yield Reject(number + 1, "", "not_gzip", f"packed data broken: {str(error)[:120]}", 0, "")
    except OSError as error:
        yield Reject(0, "", "unreadable", error.strerror or type(error).__name__, 0, "")


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        if file.read(4) == MAGIC:
            file.seek(0)
            reader = zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(file, read_across_frames=True)
            with io.BufferedReader(reader, 1 << 20) as stream:
                yield stream
        else:
            file.seek(0)
            yield file


def _entry(stream: IO[bytes], chunk: bytes, number: int) -> Line | Reject | None:
    if len(chunk) <= MAX_LINE or chunk.endswith(b"\n"):
        return read_line(chunk, number)
    size = len(chunk)
    while not chunk.endswith(b"\n") and (chunk := stream.readline(1 << 20)):
        size += len(chunk)
    return Reject(number, short_hash(str(size).encode()), "too_long", f"the line has {size:,} bytes", size, "")


def _post(line: Line) -> Found | Reject:
    try:
        return Found(line, native_post(line.item))
    except BadItem as error:
        return set_aside(line, error.reason, error.detail)


def native_post(item: Native) -> dict[str, Any]:
    """Map one object of a Reddit dump, or of an export of X or Bluesky, to an imported post.

    Raises:
        BadItem: it is none of them.
    """
    if isinstance(item.get("tweet"), dict):
        return x_archive_post(item["tweet"])
    if "subreddit" in item:
        return reddit.to_post(item)
    if str(item.get("uri", "")).startswith("at://"):
        record = item["record"] if isinstance(item.get("record"), dict) else item.get("value")
        return bluesky.to_post({**item, "record": record})
    if "id" in item and "text" in item and "created_at" in item and "source" not in item:
        return x.to_post(item)
    raise BadItem("wrong_type", "neither of a Reddit dump nor of an export of X or Bluesky")


def x_archive_post(tweet: Native) -> dict[str, Any]:
    """Map a post of the archive that X gives an account's owner (`tweets.js`)."""
    text = text_at(tweet, "full_text") or text_at(tweet, "text")
    created = need_at(tweet, "created_at")
    try:
        at = datetime.strptime(created, "%a %b %d %H:%M:%S %z %Y").isoformat()
    except ValueError:
        at = created
    native = {"id": text_at(tweet, "id_str") or need_at(tweet, "id"), "text": text, "created_at": at}
    return x.to_post({**native, "lang": part_at(tweet, "lang")})


def archive_lines(text: str) -> Iterator[str]:
    """Yield the objects of an X archive's `tweets.js` as JSON lines: an assignment, then a list.

    Raises:
        BadItem: it is not that.
    """
    _, _, listed = text.partition("=")
    try:
        found = json.loads(listed)
    except (ValueError, RecursionError) as error:
        raise BadItem("not_json", str(error)[:200]) from error
    if not isinstance(found, list):
        raise BadItem("wrong_type", "expected a list of posts")
    for item in found:
        yield json.dumps(item, ensure_ascii=False)
