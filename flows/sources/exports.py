"""Exports as imported posts: X (the archive's `tweets.js`, pages of API v2), Bluesky (records as JSON), Reddit as JSON.

Each object is stored as it came; `as_post` maps it. Bluesky's repository files are read by `cars`.
"""

import codecs
import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from flows.sources import bluesky, reddit, x
from flows.sources.base import BadItem, Native
from flows.sources.jsonl import MAX_LINE, PAGE_LINES, Line, Page, Reject, opened, read_line, short_hash
from flows.sources.reading import need_at, part_at, text_at

# One document: a page of an interface, or an object of a list.
MAX_DOCUMENT = 64 * 1024 * 1024
# Where the pages of X's and Bluesky's interfaces hold their posts.
_LISTS = ("data", "records", "posts", "feed")
_BETWEEN = " \t\r\n,[];"
_V2 = ("author_id", "edit_history_tweet_ids", "edit_history_post_ids")


def as_post(item: Native) -> dict[str, Any]:
    """Map one object of a dump or export to an imported post; any other is taken for one already.

    Raises:
        BadItem: a field is absent or of the wrong type.
    """
    tweet = item.get("tweet", item)
    if isinstance(tweet, dict) and "created_at" in tweet and ("full_text" in tweet or "id_str" in tweet):
        return _archive_post(tweet)
    if str(item.get("uri", "")).startswith("at://") and not item.get("title"):
        if "/app.bsky.feed.post/" not in item["uri"]:
            raise BadItem("wrong_type", "a record of Bluesky that is no post")
        return bluesky.to_post({**item, "record": item.get("record") or item.get("value")})
    if "source" in item:
        return item
    if "subreddit" in item:
        return reddit.to_post(item)
    if "id" in item and "text" in item and any(name in item for name in _V2):
        return x.to_post(item)
    return item


def _archive_post(tweet: Native) -> dict[str, Any]:
    """Map a post of the archive that X gives an account's owner."""
    created = need_at(tweet, "created_at")
    try:
        at = datetime.strptime(created, "%a %b %d %H:%M:%S %z %Y").isoformat()
    except ValueError:
        at = created
    text = text_at(tweet, "full_text") or text_at(tweet, "text")
    native = {"id": text_at(tweet, "id_str") or need_at(tweet, "id"), "text": text, "created_at": at}
    return x.to_post({**native, "lang": part_at(tweet, "lang")})


def as_line(item: Native, number: int) -> Line:
    """Return an object as the line of a file."""
    raw = json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace").decode()
    return Line(number, short_hash(raw.encode()), raw, item)


def expanded(line: Line) -> list[Line]:
    """Return the posts of a page of X's or Bluesky's interface; any other object is one."""
    for name in _LISTS:
        held = line.item.get(name)
        if isinstance(held, list) and "source" not in line.item:
            return [as_line(_unwrapped(item), line.number) for item in held if isinstance(item, dict)]
    return [line]


def _unwrapped(item: Native) -> Native:
    """Return a post of a timeline, which comes with its reasons to be there."""
    post = item.get("post")
    return post if isinstance(post, dict) and "uri" in post else item


def is_document(path: Path) -> bool:
    """Return whether a file is JSON over several lines (or JavaScript that assigns it) and not one object a line."""
    name = path.name.removesuffix(".gz")
    if name.endswith(".js"):
        return True
    if not name.endswith(".json"):
        return False
    try:
        with opened(path) as stream:
            first = stream.readline(MAX_LINE + 1)
    except (OSError, EOFError, zlib.error):
        return False
    return bool(first.strip()) and not isinstance(read_line(first, 1), Line)


def pages(path: Path, first: int = 1) -> Iterator[Page]:
    """Yield the objects of a document from one on, in pages; a list is read object by object.

    Never raises for what the file holds: one that breaks off ends with a reject.
    """
    yield from paged(_lines(path, first))


def paged(found: Iterable[Line | Reject]) -> Iterator[Page]:
    """Yield lines in pages; a reject ends the file and stands on its last page."""
    page = Page()
    for item in found:
        if isinstance(item, Reject):
            page.rejects.append(item)
            continue
        page.lines.append(item)
        if len(page.lines) >= PAGE_LINES:
            page.next_line = item.number + 1
            yield page
            page = Page()
    page.next_line = None
    yield page


def _lines(path: Path, first: int) -> Iterator[Line | Reject]:
    """Yield the objects of a file from one on; where it breaks off, what was wrong, and nothing more."""
    number = 0
    try:
        for number, item in enumerate(_documents(path), 1):
            if number >= first:
                yield as_line(item, number)
        if not number:
            yield Reject(0, "", "empty_file", "the file holds no object", 0, "")
    except (ValueError, RecursionError) as error:
        yield Reject(number + 1, "", "not_json", str(error)[:200], 0, "")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        yield Reject(number + 1, "", "not_gzip", f"gzip data broken: {error}", 0, "")
    except OSError as error:
        yield unreadable(error)


def unreadable(error: OSError) -> Reject:
    """Return the reject of a file that the system does not give."""
    return Reject(0, "", "unreadable", error.strerror or type(error).__name__, 0, "")


def _documents(path: Path) -> Iterator[Native]:
    """Yield the objects of a file one after another, whatever lists they stand in.

    Raises:
        ValueError: what stands there is no object, breaks off, or is too large.
    """
    decoder = json.JSONDecoder()
    # X's archive is JavaScript: an assignment before the list.
    held, begun = "", not path.name.removesuffix(".gz").endswith(".js")
    with opened(path) as file:
        text = codecs.getreader("utf-8-sig")(file)
        while True:
            # As much again as is held, so that a large object is not tried over and over.
            more = text.read(max(1 << 20, len(held)))
            held += more
            if not begun:
                before, begun, held = held.partition("=")[0], "=" in held, held.partition("=")[2] or held
                if len(before) > MAX_LINE or (not more and not begun):
                    msg = "no assignment of a list"
                    raise ValueError(msg)
            while begun and (held := held.lstrip(_BETWEEN)):
                try:
                    item, end = decoder.raw_decode(held)
                except json.JSONDecodeError:
                    if not more or len(held) > MAX_DOCUMENT:
                        raise
                    break
                if not isinstance(item, dict):
                    msg = f"expected an object, found {type(item).__name__}"
                    raise ValueError(msg)  # noqa: TRY004 - what is wrong is the file's content
                held = held[end:]
                yield item
            if not more:
                return
