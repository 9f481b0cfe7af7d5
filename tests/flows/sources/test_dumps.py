import json
import resource
from pathlib import Path

import pytest
import zstandard

from flows.identity import identify
from flows.sources.base import BadItem
from flows.sources.dumps import Found, archive_lines, is_zstd, native_post, posts
from flows.sources.jsonl import Reject


def comment(n: int, **changes: object) -> dict[str, object]:
    return {
        "id": f"c{n}",
        "subreddit": "devtools",
        "body": f"claude code wiped folder {n}",
        "author": "someone",
        "created_utc": str(1_760_000_000 + n),
        "permalink": f"/r/devtools/comments/abc/title/c{n}/",
        "score": n,
        **changes,
    }


def packed(path: Path, *lines: object, cut: int | None = None) -> Path:
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    data = zstandard.ZstdCompressor(level=3).compress(text.encode())
    path.write_bytes(data if cut is None else data[:cut])
    return path


def test_what_names_an_agent_is_read_and_the_broken_set_aside(tmp_path: Path) -> None:
    path = packed(
        tmp_path / "RC_2025-10.zst",
        comment(1),
        comment(2, body="cats"),
        "{",
        comment(3, author=None, created_utc=1_760_000_003),
        comment(4, body="[deleted]", author="[deleted]"),
        {"what": "else"},
    )
    assert is_zstd(path)
    found = list(posts(path, lambda post: "claude code" in post["text"]))
    kept = [entry.post for entry in found if isinstance(entry, Found)]
    assert [post["id"] for post in kept] == ["reddit:c1", "reddit:c3"]
    assert kept[0]["created_at"] == "2025-10-09T08:53:21+00:00"
    assert [(entry.number, entry.reason) for entry in found if isinstance(entry, Reject)] == [
        (3, "not_json"),
        (5, "missing_field"),
        (6, "wrong_type"),
    ]
    post = kept[0]
    assert identify(post["id"], post["source"], post["url"]).report_id == "reddit:c1"


def test_a_dump_cut_off_gives_what_came_and_says_where(tmp_path: Path) -> None:
    lines = [comment(n, body=f"claude code {n * 7919 % 10007} {'x' * (n % 50)}") for n in range(200_00)]
    whole = packed(tmp_path / "a.zst", *lines)
    cut = packed(tmp_path / "b.zst", *lines, cut=whole.stat().st_size // 2)
    found = list(posts(cut, lambda _post: True))
    assert 0 < sum(isinstance(entry, Found) for entry in found) < len(lines)
    assert isinstance(found[-1], Reject)


def test_a_bomb_is_streamed_and_one_endless_line_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zst"
    writer = zstandard.ZstdCompressor(level=1)
    with path.open("wb") as file, writer.stream_writer(file) as stream:
        for _ in range(400):
            stream.write(b"x" * (1 << 20))
        stream.write(b"\n" + json.dumps(comment(1)).encode() + b"\n")
    assert path.stat().st_size < 1 << 20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = list(posts(path, lambda _post: True))
    assert [type(entry) for entry in found] == [Reject, Found]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kB"


def test_exports_of_x_and_bluesky_are_read() -> None:
    archive = 'window.YTD.tweets.part0 = [{"tweet": {"id_str": "12", "full_text": "claude code deleted it", ' + (
        '"created_at": "Sat Nov 01 10:00:00 +0000 2025", "lang": "en"}}]'
    )
    (line,) = archive_lines(archive)
    post = native_post(json.loads(line))
    assert (post["id"], post["created_at"]) == ("x:12", "2025-11-01T10:00:00+00:00")
    record = {"text": "codex wiped it", "createdAt": "2025-11-01T10:00:00Z"}
    post = native_post({"uri": "at://did:plc:w/app.bsky.feed.post/k", "value": record})
    assert (post["id"], post["text"]) == ("bluesky:did:plc:w/k", "codex wiped it")
    with pytest.raises(BadItem):
        list(archive_lines("no archive"))
