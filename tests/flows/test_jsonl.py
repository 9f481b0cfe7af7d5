import gzip
import json
from pathlib import Path

import pytest

from flows.sources import jsonl


def read(path: Path) -> tuple[list[jsonl.Line], list[jsonl.Reject]]:
    lines: list[jsonl.Line] = []
    rejects: list[jsonl.Reject] = []
    for page in jsonl.pages(path):
        lines += page.lines
        rejects += page.rejects
    return lines, rejects


def write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def test_a_bad_line_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.jsonl",
        b'\xef\xbb\xbf{"id": "1"}',
        b'{"id": ',
        b"[1, 2]",
        b'{"id": "nul\x00"}',
        b"\xff\xfe",
        b"",
        b'{"p": NaN}',
        b"[" * 100_000,
        b'{"id": "2"}',
    )
    lines, rejects = read(path)
    assert [(line.number, line.item["id"]) for line in lines] == [(1, "1"), (9, "2")]
    assert [(reject.number, reject.reason) for reject in rejects] == [
        (2, "not_json"),
        (3, "not_json"),
        (4, "nul_byte"),
        (5, "encoding"),
        (7, "not_json"),
        (8, "not_json"),
    ]
    assert rejects[0].head == '{"id":'


def test_an_overlong_line_is_skipped_without_being_kept(tmp_path: Path) -> None:
    long = json.dumps({"id": "1", "text": "x" * 5_000_000}).encode()
    lines, rejects = read(write(tmp_path / "x.jsonl", long, b'{"id": "2"}'))
    assert [line.item["id"] for line in lines] == ["2"]
    assert [(r.number, r.reason, r.size) for r in rejects] == [(1, "too_long", len(long) + 1)]
    assert len(rejects[0].head) <= jsonl.HEAD


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.jsonl.gz", b'{"id": "1"}\n', "not_gzip"),
        ("a.jsonl", b"", "empty_file"),
        ("a.jsonl.gz", b"", "empty_file"),
    ],
)
def test_a_broken_file_is_one_reject(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    lines, rejects = read(tmp_path / name)
    assert not lines
    assert [(reject.number, reject.reason) for reject in rejects] == [(0, reason)]


def test_a_missing_file_and_a_folder_are_rejects(tmp_path: Path) -> None:
    assert [reject.reason for reject in read(tmp_path / "absent")[1]] == ["unreadable"]
    assert [reject.reason for reject in read(tmp_path)[1]] == ["unreadable"]


def test_a_cut_gzip_keeps_its_whole_lines(tmp_path: Path) -> None:
    import random

    rng = random.Random(0)
    text = "".join(json.dumps({"id": str(n), "text": str(rng.random())}) + "\n" for n in range(2000)).encode()
    (tmp_path / "x.gz").write_bytes(gzip.compress(text)[:-2000])
    lines, rejects = read(tmp_path / "x.gz")
    assert 0 < len(lines) < 2000
    assert [reject.reason for reject in rejects][-1] == "not_gzip"


def test_gzip_is_recognised_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(gzip.compress(b'{"id": "1"}\n'))
    assert len(read(tmp_path / "x.jsonl")[0]) == 1


def test_reading_goes_on_where_a_page_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "PAGE_LINES", 10)
    path = write(tmp_path / "x.jsonl", *(json.dumps({"id": str(n)}).encode() for n in range(25)))
    pages = list(jsonl.pages(path))
    assert [page.next_line for page in pages] == [11, 21, None]
    again = list(jsonl.pages(path, first_line=11))
    assert [line.item["id"] for page in again for line in page.lines] == [str(n) for n in range(10, 25)]


def test_a_decompression_bomb_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"0" * 60_000_000))
    _, rejects = read(tmp_path / "bomb.gz")
    assert [(reject.reason, reject.size) for reject in rejects] == [("too_long", 60_000_000)]
