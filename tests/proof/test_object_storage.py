"""A lake whose files are objects: posts come in, are published and forgotten, and their objects are gone."""

import re
from pathlib import Path
from urllib.parse import unquote

import duckdb
import httpx
import pytest

from flows.doctor import examine
from flows.ingest import ingest, publish
from flows.rights import forget
from tests.flows.test_collect import write
from tests.flows.test_rights import WORDS, files_with, told
from tests.proof.conftest import proven
from warehouse.connect import open_snapshot, open_working
from warehouse.lake import DATA, SETTING

pytestmark = pytest.mark.proof

PEER = "S3-compatible storage (moto, a stand-in), a lake's files"
KEY, SECRET = "proof-access-key", "proof-secret-that-nobody-may-read"


@pytest.fixture
def db(objects: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of a lake whose objects lie in a bucket."""
    settings = {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": objects,
        SETTING: "ducklake",
        DATA: "s3://lake/of/posts/",
        "OFFSCRIPT_AUTHOR_KEY": "k",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "x.duckdb"


def keys(address: str) -> set[str]:
    listed = httpx.get(f"{address}/lake", params={"list-type": "2"}).raise_for_status().text
    return {unquote(key) for key in re.findall("<Key>(.*?)</Key>", listed)}


def holding(con: duckdb.DuckDBPyConnection, held: set[str], words: str) -> set[str]:
    """Return the objects whose rows hold some words."""
    said = {key: str(con.execute("FROM read_parquet(?)", [f"s3://lake/{key}"]).fetchall()) for key in held}
    return {key for key, rows in said.items() if words in rows}


def test_posts_come_in_are_published_and_forgotten_and_their_objects_are_gone(
    objects: str, db: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    source = write(tmp_path / "posts.jsonl", told(1, "hers"), told(2, "hers"), told(3, "his"))
    assert ingest(str(db), [str(source)]).new_items == 3
    first = publish(str(db))
    source.unlink()
    with open_working(db) as con:
        before = keys(objects)
        had = holding(con, before, WORDS[1])
        assert had
    assert forget(db, "github:hers").reports == 2
    with open_working(db) as con:
        after = keys(objects)
        assert not holding(con, after, WORDS[1]) | holding(con, after, WORDS[2])
        assert holding(con, after, WORDS[3])
        assert con.execute("SELECT count(*), count(*) FILTER (text = '') FROM reports").fetchone() == (3, 2)
    assert all(httpx.get(f"{objects}/lake/{key}").status_code == 404 for key in had - after)
    assert had.isdisjoint(after)
    with open_snapshot(db, first.snapshot.id) as (snapshot, _):
        assert snapshot.execute("SELECT count(*) FROM reports").fetchone() == (3,)
    told_of = f"{examine(db, offline=True)}{capfd.readouterr()}{caplog.text}"
    assert SECRET not in told_of
    assert KEY not in told_of
    assert files_with(tmp_path, KEY, SECRET, WORDS[1]) == {}
    proven(PEER, "objects after storing and publishing 3 posts", len(before))
    proven(PEER, "of them holding words of the posts to be forgotten", len(had))
    proven(PEER, "of these still there after forgetting", len(had & after))
    proven(PEER, "objects, catalogue files, snapshots, logs that hold those words or the key afterwards", 0)
