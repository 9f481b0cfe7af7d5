"""A Mastodon that is not ours: tagged posts are stored once, whatever it answers in between, until they are deleted."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from flows import steps
from flows.collect import load_platforms
from flows.collectors import run_sources
from flows.http import Client
from flows.slices import Window
from flows.source_reader import Outcome
from flows.sources import mastodon
from tests.proof.between import Routes
from tests.proof.conftest import asking, proven, utc
from warehouse.connect import open_working

pytestmark = pytest.mark.proof

KEY = b"proof"
HOST = "social.test"
PEER = "Mastodon (mastodon-mock), hashtag timelines"
POSTS = 130
TAGS = "/api/v1/timelines/tag/*"
FAULTS: tuple[dict[str, Any], ...] = (
    {"type": "ratelimit", "headers": {"Retry-After": "3"}},
    {"type": "malformed"},
    {"type": "status", "status": 503},
    {"type": "status", "status": 500, "body": "<html>Something went wrong</html>"},
)


@pytest.fixture
def instance(mastodon: str) -> Iterator[httpx.Client]:
    """The instance, as one of its people uses it."""
    with httpx.Client(base_url=mastodon, headers={"Authorization": "Bearer mock_token"}, timeout=30) as client:
        yield client


@pytest.fixture
def http(mastodon: str) -> Iterator[Client]:
    """A client to which the instance stands where it says it does."""
    client = asking(Routes({HOST: mastodon}))
    yield client
    client.close()


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_working(tmp_path / "proof.duckdb") as opened:
        load_platforms(opened)
        yield opened


def write(instance: httpx.Client, text: str, **more: str) -> str:
    answer = instance.post("/api/v1/statuses", json={"status": text, **more})
    assert answer.status_code == 200, answer.text
    return f"mastodon:{HOST}/{answer.json()['id']}"


def fault(instance: httpx.Client, effect: dict[str, Any], path: str = TAGS) -> None:
    given = {"match": {"path": path}, "effect": effect, "count": 1}
    answer = instance.post("/api/v1/_mock/faults", json=given)
    assert answer.is_success, answer.text


def run(con: duckdb.DuckDBPyConnection, http: Client) -> Outcome:
    now = utc()
    return run_sources(con, ["mastodon"], Window(now - timedelta(days=1), now), key=KEY, run_id="proof", http=http)[0]


def held(con: duckdb.DuckDBPyConnection) -> list[str]:
    return [given for (given,) in con.execute("SELECT given_id FROM raw_items ORDER BY 1").fetchall()]


def test_tagged_posts_are_stored_once_until_they_are_deleted(
    instance: httpx.Client, http: Client, con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFSCRIPT_MASTODON_INSTANCES", HOST)
    tagged = [
        write(instance, f"claude code deleted folder {n} without asking #{tag}", language="en")
        for n in range(POSTS)
        for tag in (("aiagents", "vibecoding")[n % 13 == 0],)
    ]
    write(instance, "my cat is asleep")
    write(instance, "codex wiped my notes #aiagents", visibility="private")
    write(instance, "codex wiped my disk #aiagents", visibility="unlisted")
    for effect in FAULTS:
        fault(instance, effect)
        # What is taken up by a fault is asked again: nothing is lost, nothing comes twice.
        outcome = run(con, http)
        assert (outcome.state, outcome.detail) == ("done", ""), effect
        assert held(con) == sorted(tagged), effect
    again = run(con, http)
    assert again.new == 0
    tagged.append(write(instance, "claude code deleted one more folder without asking #aiagents"))
    assert run(con, http).new == 1
    assert held(con) == sorted(tagged)
    proven(PEER, "public posts with one of the tags", len(tagged))
    proven(PEER, "untagged, private and unlisted ones, not stored", 3)
    proven(PEER, "posts stored, by pages of 40", len(held(con)))
    stored = held(con)
    lost = f"{len(set(tagged) - set(stored))}, {len(stored) - len(set(stored))}, {again.new}"
    proven(PEER, "missing, more than once, stored by a second run", lost)
    proven(PEER, "faults between", "429 with Retry-After, a malformed body, 503, 500 with a page for people")

    steps.screen_pending(con, key=KEY, run_id="proof")
    gone = tagged[:50:2]
    for given in gone:
        assert instance.delete(f"/api/v1/statuses/{given.rpartition('/')[2]}").is_success
    # An instance in trouble has not deleted anything.
    fault(instance, {"type": "status", "status": 403}, path="/api/v1/statuses/*")
    monkeypatch.setattr(mastodon.Mastodon, "recheck_limit", 10_000)
    found = run(con, http).gone
    assert len(gone) - 1 <= found <= len(gone), "the one that was refused is not known"
    assert found + run(con, http).gone == len(gone)
    assert held(con) == sorted(set(tagged) - set(gone))
    sql = "SELECT report_id FROM reports WHERE text = '' AND url IS NULL AND author_key IS NULL"
    assert {report for (report,) in con.execute(sql).fetchall()} == set(gone)
    proven(PEER, "deleted there, found by asking, emptied here", len(gone))
