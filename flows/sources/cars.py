"""Bluesky repository files (`.car`): an account's records as signed blocks, read twice and never held as a whole.

The first reading takes from the tree which block is the record of which post; the second gives the posts.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import libipld

from flows.sources.exports import as_line, paged, unreadable
from flows.sources.jsonl import Line, Page, Reject

POSTS = b"app.bsky.feed.post/"
MAX_BLOCK = 4 * 1024 * 1024
# Version 1, DAG-CBOR, sha2-256 of 32 bytes: the only kind of identifier a repository has.
_CID = b"\x01\x71\x12\x20"
_CID_LENGTH = 36


class BrokenCarError(ValueError):
    """The file is not a repository, or is cut off."""


def is_car(path: Path) -> bool:
    """Return whether a file is named as a repository."""
    return path.suffix == ".car"


def pages(path: Path, first: int = 1) -> Iterator[Page]:
    """Yield an account's posts from one on, in pages.

    Never raises for what the file holds: one that breaks off ends with a reject.
    """
    yield from paged(_lines(path, first))


def _lines(path: Path, first: int) -> Iterator[Line | Reject]:
    number = 0
    try:
        for number, item in enumerate(_posts(path), 1):
            if number >= first:
                yield as_line(item, number)
    except ValueError as error:
        yield Reject(number + 1, "", "not_json", f"not a repository: {str(error)[:160]}", 0, "")
    except OSError as error:
        yield unreadable(error)


def _posts(path: Path) -> Iterator[dict[str, Any]]:
    account = ""
    keys: dict[bytes, str] = {}
    with path.open("rb") as file:
        for _, block in _blocks(file):
            if isinstance(block.get("did"), str) and "data" in block:
                account = block["did"]
            elif isinstance(block.get("e"), list):
                keys.update(_entries(block["e"]))
    if not account:
        msg = "no account signs it"
        raise BrokenCarError(msg)
    with path.open("rb") as file:
        for cid, block in _blocks(file):
            if cid in keys:
                yield {"uri": f"at://{account}/app.bsky.feed.post/{keys[cid]}", "record": _plain(block)}


def _entries(node: list[Any]) -> Iterator[tuple[bytes, str]]:
    """Yield the posts of one node of the tree: each key is written as what differs from the one before."""
    key = b""
    for entry in node:
        if not isinstance(entry, dict) or not isinstance(entry.get("k"), bytes) or not isinstance(entry.get("p"), int):
            msg = "an entry of the tree has no key"
            raise BrokenCarError(msg)
        key = key[: entry["p"]] + entry["k"]
        if key.startswith(POSTS) and isinstance(entry.get("v"), bytes):
            yield entry["v"], key[len(POSTS) :].decode("utf-8", "replace")


def _blocks(file: IO[bytes]) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Yield every block that is an object, with its identifier; the first section is the file's head."""
    head = True
    while (size := _varint(file)) is not None:
        if size > MAX_BLOCK:
            msg = f"a block of {size:,} bytes"
            raise BrokenCarError(msg)
        data = file.read(size)
        if len(data) < size or (not head and not data.startswith(_CID)):
            msg = "it is cut off, or holds blocks of another kind"
            raise BrokenCarError(msg)
        if not head:
            found = libipld.decode_dag_cbor(data[_CID_LENGTH:])
            if isinstance(found, dict):
                yield data[:_CID_LENGTH], found
        head = False


def _varint(file: IO[bytes]) -> int | None:
    """Return a number of seven bits a byte, None at the end of the file."""
    value = shift = 0
    while byte := file.read(1):
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
        shift += 7
        if shift > 63:
            break
    if shift:
        msg = "a length is cut off"
        raise BrokenCarError(msg)
    return None


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a record holds
    """Return a record as JSON can hold it: links to blocks and bytes as text."""
    if isinstance(value, bytes):
        return libipld.encode_cid(value) if value.startswith(_CID[:1]) and len(value) == _CID_LENGTH else value.hex()
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value
