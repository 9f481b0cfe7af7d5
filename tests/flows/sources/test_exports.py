import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import duckdb
import libipld
import pytest

from flows import collect
from flows.collect import Collected
from flows.sources.exports import as_post
from tests.flows.sources.conftest import stored
from warehouse.connect import open_working

WHEN = "2025-11-01T10:00:00.000Z"
ACCOUNT = "did:plc:writer"


def tweet(n: int) -> dict[str, Any]:
    at = "Sat Nov 01 10:00:00 +0000 2025"
    return {"tweet": {"id_str": str(n), "full_text": f"claude code deleted folder {n}", "created_at": at, "lang": "en"}}


def post(n: int) -> dict[str, Any]:
    return {"id": str(n), "text": f"claude code deleted folder {n}", "created_at": WHEN, "author_id": "7"}


def record(n: int) -> dict[str, Any]:
    return {"$type": "app.bsky.feed.post", "text": f"codex wiped folder {n}", "createdAt": WHEN}


def listed(n: int) -> dict[str, Any]:
    return {"uri": f"at://{ACCOUNT}/app.bsky.feed.post/k{n}", "cid": f"c{n}", "value": record(n)}


def load(con: duckdb.DuckDBPyConnection, path: Path) -> Collected:
    return collect.import_file(con, path, coverage=None, key=b"k", run_id="r")


def archive(path: Path) -> Path:
    path.write_text("window.YTD.tweets.part0 = " + json.dumps([tweet(n) for n in range(5)], indent=1), "utf-8")
    return path


def pages(path: Path) -> Path:
    given = [{"data": [post(n) for n in part], "meta": {"result_count": len(part)}} for part in ([0, 1, 2], [3, 4])]
    path.write_text("\n".join(json.dumps(page, indent=2) for page in given), "utf-8")
    return path


def page_lines(path: Path) -> Path:
    path.write_bytes(gzip.compress(b"".join(json.dumps({"data": [post(n)]}).encode() + b"\n" for n in range(5))))
    return path


def records(path: Path) -> Path:
    likes = [{"uri": f"at://{ACCOUNT}/app.bsky.feed.like/k", "value": {"createdAt": WHEN}}]
    path.write_text(json.dumps({"records": [listed(n) for n in range(5)] + likes, "cursor": "x"}, indent=2), "utf-8")
    return path


@pytest.mark.parametrize(
    ("write", "name", "given"),
    [
        (archive, "tweets.js", "x:{n}"),
        (pages, "search.json", "x:{n}"),
        (page_lines, "search.jsonl.gz", "x:{n}"),
        (records, "records.json", "bluesky:did:plc:writer/k{n}"),
    ],
)
def test_exports_are_read_once(tmp_path: Path, write: Any, name: str, given: str) -> None:
    path = write(tmp_path / name)
    with open_working(tmp_path / "x.duckdb") as con:
        assert load(con, path).new == 5
        assert stored(con) == [given.format(n=n) for n in range(5)]
        assert load(con, path).new == 0
        rows = con.execute("SELECT DISTINCT created_at::VARCHAR FROM raw_items").fetchall()
        assert rows == [("2025-11-01 10:00:00+00",)]


def block(value: Any) -> tuple[bytes, bytes]:
    data = libipld.encode_dag_cbor(value)
    return b"\x01\x71\x12\x20" + hashlib.sha256(data).digest(), data


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def repository(count: int) -> bytes:
    """An account's repository: its posts, a like, one node of the tree, the commit; records stand before the tree."""
    posts = [block({**record(n), "embed": {"image": bytes([1, 2])}}) for n in range(count)]
    like = block({"$type": "app.bsky.feed.like", "createdAt": WHEN})
    keys = [b"app.bsky.feed.like/a", *(f"app.bsky.feed.post/k{n}".encode() for n in range(count))]
    entries, before = [], b""
    for key, (cid, _) in zip(keys, [like, *posts], strict=True):
        shared = next(
            (n for n, (a, b) in enumerate(zip(before, key, strict=False)) if a != b), min(len(before), len(key))
        )
        entries.append({"p": shared, "k": key[shared:], "v": cid, "t": None})
        before = key
    tree = block({"e": entries, "l": None})
    commit = block({"did": ACCOUNT, "version": 3, "data": tree[0], "rev": "r", "prev": None, "sig": b"s"})
    head = libipld.encode_dag_cbor({"version": 1, "roots": [commit[0]]})
    sections = [head, *(cid + data for cid, data in [*posts, like, tree, commit])]
    return b"".join(varint(len(section)) + section for section in sections)


def test_a_repository_of_bluesky_is_read(tmp_path: Path) -> None:
    path = tmp_path / "repo.car"
    path.write_bytes(repository(40))
    with open_working(tmp_path / "x.duckdb") as con:
        assert load(con, path) == Collected(40, 0)
        assert stored(con) == sorted(f"bluesky:{ACCOUNT}/k{n}" for n in range(40))
        (payload,) = con.execute("SELECT payload FROM raw_items LIMIT 1").fetchone() or ("",)
        assert json.loads(payload)["record"]["embed"] == {"image": "0102"}


@pytest.mark.parametrize("cut", [3, 200, -10])
def test_a_repository_cut_off_is_set_aside(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "repo.car"
    path.write_bytes(repository(40)[:cut])
    with open_working(tmp_path / "x.duckdb") as con:
        assert load(con, path).rejected == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tweets.js", "no archive"),
        ("tweets.js", "window.YTD.tweets.part0 = [1, 2]"),
        ("a.json", '{\n"data": ['),
        ("a.json", "[" * 5000),
        ("a.json", '{\n"a": "\udcff"}'),
    ],
)
def test_an_export_that_breaks_off_is_set_aside(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with open_working(tmp_path / "x.duckdb") as con:
        assert load(con, path).rejected >= 1
        assert stored(con) == []


def test_posts_of_our_own_form_are_left_alone() -> None:
    ours = {"id": "1", "source": "x", "url": None, "created_at": None, "title": "t", "text": "subreddit"}
    assert as_post(ours) is ours
    assert as_post({"id": "1", "text": "no source"}) == {"id": "1", "text": "no source"}


def test_json_lines_by_the_name_json_are_still_lines(tmp_path: Path) -> None:
    path = tmp_path / "posts.json"
    line = json.dumps({"id": "1", "source": "s", "url": None, "created_at": None, "title": "t", "text": "x"})
    path.write_text(f"{line}\n{{\n{line.replace('1', '2')}\n", "utf-8")
    with open_working(tmp_path / "x.duckdb") as con:
        assert load(con, path) == Collected(2, 1)
