"""From raw items to rows: what is stored of a page, and what of it is set aside."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flows.mapping import MAPPER, MappingError, to_report
from flows.sources.base import BadItem, Count, Entry, Native, Page
from flows.sources.jsonl import HEAD, MAX_LINE, short_hash

Row = dict[str, Any]


@dataclass(frozen=True)
class Stamp:
    """What every row of a run bears: the key that hashes accounts, the run and its time."""

    key: bytes
    run_id: str
    now: datetime


def map_page(
    page: Page, stream: str, entry: Entry, stamp: Stamp, *, counted_to: datetime, ids: set[str]
) -> tuple[list[Row], list[Row], int]:
    """Return a page's raw items and rejects as rows, and how many of its posts count.

    Args:
        page: raw items of one answer.
        stream: the stream they belong to.
        entry: the source, with its mapping.
        stamp: what every row bears.
        counted_to: posts published later are stored and not counted yet.
        ids: reports seen before in this span; those of the page are added.
    """
    items: list[Row] = []
    rejects: list[Row] = []
    fresh = 0
    for native in page.items:
        payload = _text(native)
        try:
            post = _post(native, payload, entry)
            report = to_report(post, source_id=entry.source, key=stamp.key, now=stamp.now)
        except (BadItem, MappingError) as error:
            rejects.append(_reject(stream, page, payload, error, entry, stamp))
            continue
        if report.report_id not in ids and (report.created_at is None or report.created_at < counted_to):
            fresh += 1
        ids.add(report.report_id)
        items.append(
            {
                "source_id": entry.source,
                "given_id": post["id"],
                "content_hash": _content_hash(post),
                "report_id": report.report_id,
                "created_at": report.created_at,
                "text_hash": report.text_hash,
                "author_key": report.author_key,
                "mapper": MAPPER,
                "payload": payload,
                "found_at": page.place,
                "fetched_at": stamp.now,
                "run_id": stamp.run_id,
            }
        )
    return items, rejects, fresh


def _post(native: Native, payload: str, entry: Entry) -> Row:
    if len(payload) > MAX_LINE:
        raise BadItem("too_long", f"the item has {len(payload):,} characters")
    return entry.to_post(native)


def _reject(stream: str, page: Page, payload: str, error: BadItem | MappingError, entry: Entry, stamp: Stamp) -> Row:
    data = payload.encode()
    return {
        "source_id": entry.source,
        "stream": stream,
        "file": page.place,
        "line": 0,
        "content_hash": short_hash(data),
        "reject_reason": error.reason,
        "detail": error.detail,
        "bytes": len(data),
        "head": data[:HEAD].decode("utf-8", "replace"),
        "run_id": stamp.run_id,
    }


def _text(native: Native) -> str:
    """Return a payload as JSON text that every database takes: half a surrogate pair is replaced."""
    text = json.dumps(native, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()


def _content_hash(post: Mapping[str, Any]) -> str:
    """Return a hash of what is read of a post: a vote more is not another text, and not stored again."""
    stable = {name: value for name, value in post.items() if name != "engagement"}
    return short_hash(json.dumps(stable, sort_keys=True).encode())


def volume_row(count: Count, source_id: str, platform: str, run_id: str) -> Row:
    """Return a count of control posts as a row of table `volumes`."""
    return {
        "source_id": source_id,
        "platform": platform,
        "control": count.control,
        "from_at": count.window.start,
        "to_at": count.window.end,
        "posts": count.posts,
        "count_method": count.method,
        "inclusion_p": count.inclusion_p,
        "run_id": run_id,
    }
