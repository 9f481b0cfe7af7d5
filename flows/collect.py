"""Steps that bring posts in: files and the shipped record, page by page, each page with its cursor."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from flows import imports, progress
from flows.errors import InputError
from flows.mapping import MAPPER, MappingError, parse_when, to_report
from flows.queries import load_queries
from flows.source_rows import volume_row
from flows.sources import dumps, jsonl, sample
from flows.sources.base import BadItem
from flows.sources.exports import as_post
from flows.sources.registry import PLATFORMS
from flows.sources.sift import Sift, hourly
from flows.terms import terms
from warehouse import raw, volumes
from warehouse.lake import turn
from warehouse.rows import fetch, merge, scalar, transaction
from warehouse.schema.tables import TABLES

IMPORT = "import"
SAMPLE = "sample"
_DONE = "done"


@dataclass(frozen=True)
class Coverage:
    """What is known of a collection's completeness: a state of `codes.COVERAGE` and its span, if stated."""

    state: str = "unknown"
    start: datetime | None = None
    end: datetime | None = None

    @classmethod
    def parse(cls, text: str | None) -> "Coverage | None":
        """Read `2025-10-01..2026-03-31` (both days included) or `unknown`; None stays None.

        Raises:
            InputError: neither.
        """
        if text is None:
            return None
        if text == "unknown":
            return cls()
        now = datetime.now(UTC)
        try:
            first, last = (parse_when(part, now) for part in text.split("..", 1))
        except (ValueError, MappingError) as error:
            msg = f"--coverage {text!r}: expected FROM..TO, as 2025-10-01..2026-03-31, or unknown"
            raise InputError(msg) from error
        if first.precision != "day" or last.precision != "day" or not first.at or not last.at or last.at < first.at:
            msg = f"--coverage {text!r}: expected two days, the first not after the second"
            raise InputError(msg)
        return cls("read", first.at, last.at + timedelta(days=1))


@dataclass(frozen=True)
class Collected:
    """What one import brought: items new to the warehouse, and lines set aside (in all, for this file)."""

    new: int = 0
    rejected: int = 0

    def __add__(self, other: "Collected") -> "Collected":
        return Collected(self.new + other.new, self.rejected + other.rejected)


def load_platforms(con: duckdb.DuckDBPyConnection) -> None:
    """Bring the platforms' policies into the warehouse."""
    days = terms()
    rows = [{**platform.model_dump(), "text_days": days[name]} for name, platform in PLATFORMS.items()]
    columns = [name for name in TABLES["platforms"].columns if name != "platform"]
    with transaction(con):
        merge(con, TABLES["platforms"], rows, update=columns)


@dataclass(frozen=True)
class _Reading:
    """One stream being read: who reads it, when, and how its places are named."""

    source_id: str
    stream: str
    file: str
    place: str
    key: bytes
    run_id: str
    now: datetime

    def cursor(self, position: str) -> dict[str, Any]:
        """Return the row that says where reading goes on."""
        return {
            "source_id": self.source_id,
            "stream": self.stream,
            "position": position,
            "updated_at": self.now,
            "run_id": self.run_id,
        }


def import_file(
    con: duckdb.DuckDBPyConnection, path: Path, *, coverage: Coverage | None, key: bytes, run_id: str
) -> Collected:
    """Store a file's posts; a file already read to its end is recognised by its content and not read again.

    Of a Reddit dump only what names an agent is stored, with a sample of the rest and the hourly counts of all.
    """
    readable = path.is_file()
    digest = jsonl.file_hash(path) if readable else jsonl.short_hash(str(path).encode())
    stream = f"sha256:{digest}" if readable else f"path:{digest}"
    place = f"{path.name}#{digest[:8]}"
    reading = _Reading(IMPORT, stream, path.name, place, key, run_id, datetime.now(UTC))
    with turn(con, f"import {stream}"):
        new = _read(con, path, reading, readable=readable)
    _state_coverage(con, reading, coverage)
    rejected = scalar(con, "SELECT count(*) FROM rejects WHERE source_id = ? AND stream = ?", [IMPORT, stream])
    return Collected(new, rejected)


def _read(con: duckdb.DuckDBPyConnection, path: Path, reading: _Reading, *, readable: bool) -> int:
    """Store what of a file is not stored yet; return how many posts were new."""
    held = raw.position(con, IMPORT, reading.stream)
    new = 0
    if held != _DONE:
        with progress.step(f"read {path.name}") as advance:
            for page in imports.pages(path, int(held or 1), Sift(load_queries())):
                items, rejects = _map(page, reading)
                counts = _counted(page, reading)
                # A file that could not be opened is tried again from its start.
                at_end = _DONE if readable else "1"
                cursor = reading.cursor(at_end if page.next_line is None else str(page.next_line))
                with transaction(con):
                    changed = raw.store_page(con, items=items, rejects=rejects, cursor=cursor)
                    if counts:
                        volumes.add(con, counts[0]["source_id"], counts, first=held is None)
                        held = str(page.next_line)
                new += changed.inserted
                advance(max(page.read, len(page.lines) + len(page.rejects)))
    return new


def load_sample(con: duckdb.DuckDBPyConnection, *, key: bytes, run_id: str) -> Collected:
    """Store the shipped record's texts; its labels stay in the file."""
    posts = [sample.as_post(entry) for entry in sample.record()]
    raws = [json.dumps(post, ensure_ascii=False) for post in posts]
    lines = [
        jsonl.Line(number, jsonl.short_hash(text.encode()), text, post)
        for number, (text, post) in enumerate(zip(raws, posts, strict=True), start=1)
    ]
    stream = f"sha256:{jsonl.short_hash(''.join(raws).encode())}"
    if raw.position(con, SAMPLE, stream) == _DONE:
        return Collected()
    reading = _Reading(SAMPLE, stream, sample.NAME, sample.NAME, key, run_id, datetime.now(UTC))
    with progress.step("read the record", len(lines)) as advance:
        items, rejects = _map(jsonl.Page(lines), reading)
        coverage = raw.coverage_row(SAMPLE, stream, "record", "curated", len(items), (None, None), run_id)
        with transaction(con):
            changed = raw.store_page(
                con, items=items, rejects=rejects, cursor=reading.cursor(_DONE), coverage=[coverage]
            )
        advance(len(lines))
    return Collected(changed.inserted, len(rejects))


def _map(page: jsonl.Page, reading: _Reading) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return a page's raw items and rejects as rows; what cannot be mapped is a reject."""
    items = []
    rejects = list(page.rejects)
    for line in page.lines:
        try:
            post = as_post(line.item)
            report = to_report(post, source_id=reading.source_id, key=reading.key, now=reading.now)
        except (BadItem, MappingError) as error:
            rejects.append(jsonl.set_aside(line, error.reason, error.detail))
            continue
        items.append(
            {
                "source_id": reading.source_id,
                "given_id": post["id"],
                "content_hash": line.content_hash,
                "report_id": report.report_id,
                "created_at": report.created_at,
                "text_hash": report.text_hash,
                "author_key": report.author_key,
                "mapper": MAPPER,
                "payload": line.raw,
                "found_at": f"{reading.place}:{line.number}",
                "fetched_at": reading.now,
                "run_id": reading.run_id,
            }
        )
    return items, [_reject_row(reject, reading) for reject in rejects]


def _counted(page: jsonl.Page, reading: _Reading) -> list[dict[str, Any]]:
    """Return a dump's hourly counts as rows, under the dump's own name: submissions and comments are two dumps."""
    source_id = f"{reading.source_id}:{reading.file.split('.')[0]}"
    counts = hourly(page.counts, dumps.METHOD)
    return [volume_row(count, source_id, "reddit", reading.run_id) for count in counts]


def _reject_row(reject: jsonl.Reject, reading: _Reading) -> dict[str, Any]:
    return {
        "source_id": reading.source_id,
        "stream": reading.stream,
        "file": reading.file,
        "line": reject.number,
        "content_hash": reject.content_hash,
        "reject_reason": reject.reason,
        "detail": reject.detail,
        "bytes": reject.size,
        "head": reject.head,
        "run_id": reading.run_id,
    }


def _state_coverage(con: duckdb.DuckDBPyConnection, reading: _Reading, coverage: Coverage | None) -> None:
    """Store what is known of a file's completeness; what was stated before stands unless stated anew."""
    sql = "SELECT from_at, to_at, coverage FROM coverage WHERE source_id = ? AND stream = ?"
    held = fetch(con, sql, [IMPORT, reading.stream])
    stated = coverage or Coverage()
    wanted = (stated.start, stated.end, stated.state)
    if held and (coverage is None or all((row["from_at"], row["to_at"], row["coverage"]) == wanted for row in held)):
        return
    per_platform = con.execute(
        "SELECT split_part(report_id, ':', 1), count(DISTINCT report_id) FROM raw_items "
        "WHERE source_id = ? AND starts_with(found_at, ?) GROUP BY 1 ORDER BY 1",
        [IMPORT, f"{reading.place}:"],
    ).fetchall()
    span = (stated.start, stated.end)
    rows = [
        raw.coverage_row(IMPORT, reading.stream, platform, stated.state, posts, span, reading.run_id)
        for platform, posts in per_platform
    ]
    with transaction(con):
        con.execute("DELETE FROM coverage WHERE source_id = ? AND stream = ?", [IMPORT, reading.stream])
        merge(con, TABLES["coverage"], rows)
