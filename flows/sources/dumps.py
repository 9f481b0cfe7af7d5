"""Reddit's history from dumps (Arctic Shift, Pushshift): `.zst` with one object a line, or `.zst_blocks`.

A month has tens of millions of lines and unpacks to many times its size: it is streamed, and every line is looked at
in memory, as with a firehose. Lines that hold none of the terms asked for are not even read as JSON: only their time
is, for the hourly counts.
"""

import io
import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

import zstandard

from flows.sources.base import BadItem
from flows.sources.exports import as_line, as_post
from flows.sources.jsonl import MAX_LINE, Line, Page, Reject, read_line, set_aside, short_hash
from flows.sources.sift import ALL_POSTS, HOUR, SAMPLE, Sift

METHOD = "dump, every line"
MAGIC = b"\x28\xb5\x2f\xfd"
BLOCKS = ".zst_blocks"
# The dumps are packed with a window of two gigabytes; a decoder refuses such by default.
WINDOW = 2**31
# A block of `.zst_blocks`, packed and unpacked; those published have some 256 lines.
MAX_BLOCK = 256 * 1024 * 1024
PAGE_READ = 200_000
PAGE_KEPT = 2_000
_TIME = re.compile(rb'"created_utc":\s*"?(\d{9,11})\b')


def is_dump(path: Path) -> bool:
    """Return whether a file is packed as dumps are."""
    with path.open("rb") as file:
        return path.suffix == BLOCKS or file.read(4) == MAGIC


@dataclass(frozen=True)
class Reader:
    """Reads a dump: `sift` says what is kept, `sample` is the share of the others that is."""

    sift: Sift
    sample: float = SAMPLE

    def pages(self, path: Path, first_line: int = 1) -> Iterator[Page]:
        """Yield what is kept of a dump from a line on, with the counts of the lines looked at, in pages.

        Never raises for what the file holds: one that breaks off ends with a reject that names the line.
        """
        page, number = Page(), 0
        try:
            with _opened(path) as lines:
                for number, data in enumerate(lines, 1):
                    if number < first_line:
                        continue
                    entry = self._entry(data, number, page.counts)
                    page.read += 1
                    if isinstance(entry, Line):
                        page.lines.append(entry)
                    elif entry is not None:
                        page.rejects.append(entry)
                    if page.read >= PAGE_READ or len(page.lines) + len(page.rejects) >= PAGE_KEPT:
                        page.next_line = number + 1
                        yield page
                        page = Page()
        except (zstandard.ZstdError, EOFError, struct.error) as error:
            page.rejects.append(Reject(number + 1, "", "not_gzip", f"packed data broken: {str(error)[:120]}", 0, ""))
        except OSError as error:
            page.rejects.append(Reject(0, "", "unreadable", error.strerror or type(error).__name__, 0, ""))
        page.next_line = None
        yield page

    def _entry(self, data: bytes | int, number: int, counts: Counter[tuple[str, int]]) -> Line | Reject | None:
        """Count one line; return it if it is kept, or why it cannot be used."""
        if isinstance(data, int):
            detail = f"the line has {data:,} bytes, the limit is {MAX_LINE:,}"
            return Reject(number, short_hash(str(data).encode()), "too_long", detail, data, "")
        times = _TIME.findall(data)
        chosen = zlib.crc32(data.rstrip(b"\r\n")) < self.sample * 2**32
        # A line without an end may be half a line; one with several times holds another post.
        if len(times) == 1 and data.endswith(b"\n") and not chosen and not self.sift.may_hold(data):
            counts[ALL_POSTS, int(times[0]) // HOUR] += 1
            return None
        line = read_line(data, number)
        if not isinstance(line, Line):
            return line
        try:
            post = as_post(line.item)
            hour = int(datetime.fromisoformat(post.get("created_at") or "").timestamp()) // HOUR
        except BadItem as error:
            if "deleted" in error.detail and len(times) == 1:
                # It was a post, and says nothing any more.
                counts[ALL_POSTS, int(times[0]) // HOUR] += 1
                return None
            return set_aside(line, error.reason, error.detail)
        except (TypeError, ValueError, OverflowError):
            return set_aside(line, "invalid_date", "the line has no time")
        if "title" not in post and "text" not in post:
            return set_aside(line, "missing_field", "title and text are absent")
        text = f"{post.get('title') or ''}\n{post.get('text') or ''}"
        for control in (ALL_POSTS, *self.sift.kinds(text)):
            counts[control, hour] += 1
        if self.sift.keeps(text):
            return line
        return as_line({**line.item, "sample_p": self.sample}, number) if chosen else None


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[bytes | int]]:
    """Give a dump's lines with their ends; of one that is too long, its length."""
    with path.open("rb") as file:
        if path.suffix == BLOCKS:
            yield _rows(file)
        else:
            reader = zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(file, read_across_frames=True)
            with io.BufferedReader(reader, 1 << 20) as stream:
                yield _lines(stream)


def _lines(stream: IO[bytes]) -> Iterator[bytes | int]:
    while chunk := stream.readline(MAX_LINE + 1):
        if len(chunk) <= MAX_LINE or chunk.endswith(b"\n"):
            yield chunk
            continue
        size = len(chunk)
        while not chunk.endswith(b"\n") and (chunk := stream.readline(1 << 20)):
            size += len(chunk)
        yield size


def _rows(file: IO[bytes]) -> Iterator[bytes | int]:
    """Yield the rows of `.zst_blocks`: blocks of a length and packed data: a count, offsets and lengths, the rows."""
    unpack = zstandard.ZstdDecompressor(max_window_size=WINDOW)
    while head := file.read(4):
        (size,) = struct.unpack("<I", head)
        packed = file.read(size) if size <= MAX_BLOCK else b""
        if len(packed) < size or zstandard.frame_content_size(packed) > MAX_BLOCK:
            msg = "a block is cut off, or too large"
            raise EOFError(msg)
        block = unpack.decompress(packed, max_output_size=MAX_BLOCK)
        (count,) = struct.unpack_from("<I", block)
        start = 4 + 8 * count
        for number in range(count):
            offset, length = struct.unpack_from("<II", block, 4 + 8 * number)
            row = block[start + offset : start + offset + length]
            if len(row) < length:
                msg = "a block is shorter than it says"
                raise EOFError(msg)
            yield row + b"\n" if length <= MAX_LINE else length
