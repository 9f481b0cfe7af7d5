import json
import resource
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import zstandard

from flows import collect, steps
from flows.collect import Collected
from flows.sources import dumps
from flows.sources.dumps import Reader, is_dump
from flows.sources.jsonl import Line, Page, Reject
from flows.sources.sift import Sift
from tests.flows.killing import import_killed
from tests.flows.sources.conftest import queries, stored
from warehouse.connect import open_working

START = 1_760_000_400
SIFT = Sift(queries(controls={"names_an_agent": ("claude code",)}))


def comment(n: int, **changes: object) -> dict[str, object]:
    return {
        "id": f"c{n}",
        "subreddit": "devtools",
        "body": f"claude code wiped folder {n}" if n % 10 == 0 else f"my cat is asleep {n}",
        "author": "someone",
        "created_utc": str(START + n),
        "permalink": f"/r/devtools/comments/abc/title/c{n}/",
        "score": n,
        **changes,
    }


def encoded(lines: tuple[object, ...]) -> list[bytes]:
    return [(line if isinstance(line, str) else json.dumps(line)).encode() for line in lines]


def packed(path: Path, *lines: object, cut: int | None = None) -> Path:
    # The window of the published dumps.
    window = zstandard.ZstdCompressionParameters(window_log=31, compression_level=1)
    data = zstandard.ZstdCompressor(compression_params=window).compress(b"".join(x + b"\n" for x in encoded(lines)))
    path.write_bytes(data if cut is None else data[:cut])
    return path


def blocks(path: Path, *lines: object, cut: int | None = None) -> Path:
    rows = encoded(lines)
    data = b""
    for start in range(0, len(rows), 7):
        some = rows[start : start + 7]
        places, offset = b"", 0
        for row in some:
            places += struct.pack("<II", offset, len(row))
            offset += len(row)
        block = zstandard.ZstdCompressor().compress(struct.pack("<I", len(some)) + places + b"".join(some))
        data += struct.pack("<I", len(block)) + block
    path.write_bytes(data if cut is None else data[:cut])
    return path


WRITERS = pytest.mark.parametrize(("write", "ending"), [(packed, "zst"), (blocks, "zst_blocks")])


def everything(path: Path, sample: float = 0.0) -> tuple[list[Line], list[Reject], Page]:
    found = list(Reader(SIFT, sample).pages(path))
    total = Page(read=sum(page.read for page in found))
    for page in found:
        total.counts.update(page.counts)
    assert found[-1].next_line is None
    return [line for page in found for line in page.lines], [one for page in found for one in page.rejects], total


@WRITERS
def test_what_names_an_agent_is_kept_the_rest_counted_and_the_broken_set_aside(
    tmp_path: Path, write: Callable[..., Path], ending: str
) -> None:
    lines: list[object] = [comment(n) for n in range(100)]
    lines[3] = "{"
    lines[10] = comment(10, author=None, created_utc=START + 10)
    lines[20] = comment(20, body="[deleted]", author="[deleted]")
    lines[25] = {"what": "else"}
    lines[30] = comment(30, body=r"see chatgpt.com/share/1").copy()
    lines[31] = json.dumps(comment(31, body="see chatgpt.com/share/2")).replace("/", r"\/")
    lines[35] = comment(35, created_utc="soon")
    lines[36] = {"created_at": True}
    lines[37] = {"created_at": "2025-10-01"}
    path = write(tmp_path / f"RC_2025-10.{ending}", *lines)
    assert is_dump(path)
    kept, rejects, total = everything(path)
    assert [line.item["id"] for line in kept] == ["c0", "c10", "c30", "c31", *(f"c{n}" for n in range(40, 100, 10))]
    assert [(one.number, one.reason) for one in rejects] == [
        (4, "not_json"),
        (26, "invalid_date"),
        (36, "invalid_date"),
        (37, "invalid_date"),
        (38, "missing_field"),
    ]
    hour = START // 3600
    assert dict(total.counts) == {("all_posts", hour): 95, ("names_an_agent", hour): 8}
    assert total.read == 100


def test_a_share_of_the_others_is_kept_with_its_probability_the_same_at_every_reading(tmp_path: Path) -> None:
    path = packed(tmp_path / "RC_2025-10.zst", *(comment(n) for n in range(1000)))
    kept, _, total = everything(path, sample=0.05)
    others = [line.item for line in kept if "sample_p" in line.item]
    assert 25 <= len(others) <= 70, "45 of 900 are to be expected"
    assert {item["sample_p"] for item in others} == {0.05}
    assert not [item for item in others if "claude" in item["body"]]
    assert sum(posts for (control, _), posts in total.counts.items() if control == "all_posts") == 1000
    again, _, _ = everything(path, sample=0.05)
    assert again == kept


@WRITERS
def test_a_dump_cut_off_gives_what_came_and_says_where(tmp_path: Path, write: Callable[..., Path], ending: str) -> None:
    lines = [comment(n, note=f"{n * 7919 % 10007} {'x' * (n % 50)}") for n in range(20_000)]
    whole = write(tmp_path / f"a.{ending}", *lines)
    cut = write(tmp_path / f"b.{ending}", *lines, cut=whole.stat().st_size // 2)
    kept, rejects, total = everything(cut)
    assert 0 < len(kept) < 2000
    assert len(rejects) == 1
    assert rejects[0].number >= total.read


def test_a_bomb_is_streamed_and_one_endless_line_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zst"
    writer = zstandard.ZstdCompressor(level=1)
    with path.open("wb") as file, writer.stream_writer(file) as stream:
        for _ in range(400):
            stream.write(b"x" * (1 << 20))
        stream.write(b"\n" + json.dumps(comment(0)).encode() + b"\n")
    assert path.stat().st_size < 1 << 20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kept, rejects, _ = everything(path)
    assert (len(kept), [one.reason for one in rejects]) == (1, ["too_long"])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kB"


def test_a_block_that_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zst_blocks"
    path.write_bytes(struct.pack("<I", 2**32 - 1) + b"x")
    kept, rejects, _ = everything(path)
    assert (kept, [one.reason for one in rejects]) == ([], ["not_gzip"])


def load(con: duckdb.DuckDBPyConnection, path: Path) -> Collected:
    return collect.import_file(con, path, coverage=None, key=b"k", run_id="r")


def counted(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], int]:
    rows = con.execute("SELECT source_id, control, sum(posts)::BIGINT FROM volumes GROUP BY ALL").fetchall()
    return {(source, control): posts for source, control, posts in rows}


def test_a_dump_is_imported_once_with_its_counts(tmp_path: Path) -> None:
    comments = packed(tmp_path / "RC_2025-10.zst", *(comment(60 * n) for n in range(300)))
    with open_working(tmp_path / "x.duckdb") as con:
        assert load(con, comments) == Collected(300, 0)
        assert load(con, comments) == Collected(0, 0)
        assert counted(con)["import:RC_2025-10", "all_posts"] == 300
        # The same month, packed otherwise: its posts are there, and its counts replace the first ones.
        assert load(con, blocks(tmp_path / "RC_2025-10.zst_blocks", *(comment(60 * n) for n in range(300)))).new == 0
        load(con, packed(tmp_path / "RS_2025-10.zst", comment(1)))
        found = counted(con)
        assert found["import:RC_2025-10", "all_posts"] == 300
        assert found["import:RS_2025-10", "all_posts"] == 1
        methods = con.execute("SELECT DISTINCT platform, count_method, inclusion_p FROM volumes").fetchall()
        assert methods == [("reddit", "dump, every line", 1.0)]
        hours = con.execute("SELECT DISTINCT epoch(to_at) - epoch(from_at), epoch(from_at) % 3600 FROM volumes")
        assert hours.fetchall() == [(3600.0, 0.0)]
        assert steps.screen_pending(con, key=b"k", run_id="r") > 0
        assert con.execute("SELECT DISTINCT platform, channel FROM reports").fetchall() == [("reddit", "r/devtools")]


@pytest.mark.parametrize("page", [1, 4])
def test_killed_inside_a_dump_nothing_is_lost_counted_or_stored_twice(tmp_path: Path, page: int) -> None:
    path = packed(tmp_path / "RC_2025-10.zst", *(comment(10 * n) for n in range(1050)))
    db = tmp_path / "x.duckdb"
    assert import_killed(db, path, page, "dumps.PAGE_READ = 100") == -9
    with open_working(db) as con:
        before = con.execute("SELECT count(*) FROM raw_items").fetchone()
        assert before == (100 * (page - 1),)
        assert load(con, path).new == 1050 - 100 * (page - 1)
        assert len(set(stored(con))) == 1050
        assert counted(con)["import:RC_2025-10", "all_posts"] == 1050


def test_pages_are_bounded_by_what_is_read_and_by_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumps, "PAGE_READ", 50)
    monkeypatch.setattr(dumps, "PAGE_KEPT", 4)
    path = packed(tmp_path / "RC_2025-10.zst", *(comment(n) for n in range(200)))
    found: list[Any] = list(Reader(SIFT, 0.0).pages(path))
    assert max(page.read for page in found) <= 50
    assert max(len(page.lines) for page in found) <= 4
    resumed = list(Reader(SIFT, 0.0).pages(path, found[1].next_line))
    assert [page.lines for page in resumed] == [page.lines for page in found[2:]]
