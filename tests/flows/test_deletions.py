"""What is gone at its source is purged here by the next run, whoever brought it."""

import importlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows import collect, steps
from flows.sources.base import Checks
from flows.sources.registry import SOURCES
from tests.flows.sources import stand_hackernews, stand_reddit, stand_x
from tests.flows.sources.conftest import queries, read, stored
from tests.flows.sources.standin import NOW, Site, Time, client, posts, running, status

# Asked at home, by an address that a stand-in does not have.
AT_HOME = {"mastodon", "discourse"}
NAMES = sorted(set(SOURCES) - {"jetstream"} - AT_HOME)


def texts(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(con.execute("SELECT report_id, text FROM reports").fetchall())


@pytest.mark.parametrize("name", NAMES)
def test_posts_gone_are_purged_by_the_next_run(con: duckdb.DuckDBPyConnection, name: str) -> None:
    stand: Any = importlib.import_module(f"tests.flows.sources.stand_{name}")
    asked = queries(controls={}, **stand.ASKED)
    with running(Site(stand.answer, posts(12, gap=timedelta(hours=3)))) as site:
        config = stand.config(site.base)
        entry = SOURCES[name]
        built = entry.module.build(entry.config.model_validate(config), asked, client())
        if not isinstance(built, Checks):
            # Its page says that it cannot be asked.
            assert not hasattr(built, "still_public")
            return
        read(con, name, config, asked=asked)
        assert steps.screen_pending(con, key=b"k", run_id="r") == 12
        gone = site.posts[::3]
        site.posts = [post for post in site.posts if post not in gone]
        outcome = read(con, name, config, asked=asked)
        assert (outcome.state, outcome.gone) == ("done", 4), outcome.detail
        assert len(stored(con)) == 8
        assert sum(text == "" for text in texts(con).values()) == 4
        row = con.execute(
            "SELECT count(*) FROM reports WHERE text = '' AND (title != '' OR url IS NOT NULL)"
        ).fetchone()
        assert row == (0,)


@pytest.mark.parametrize("name", sorted(AT_HOME))
def test_a_host_that_no_longer_answers_is_asked_once_and_purges_nothing(
    con: duckdb.DuckDBPyConnection, name: str
) -> None:
    stand: Any = importlib.import_module(f"tests.flows.sources.stand_{name}")
    asked = queries(controls={}, **stand.ASKED)
    clock = Time()
    with running(Site(stand.answer, posts(12, gap=timedelta(hours=3)))) as site:
        read(con, name, stand.config(site.base), asked=asked)
        steps.screen_pending(con, key=b"k", run_id="r")
        outcome = read(con, name, stand.config(site.base), asked=asked, http=client(clock))
    assert (outcome.state, outcome.gone, len(stored(con))) == ("done", 0, 12)
    assert len([seconds for seconds in clock.slept if seconds > 0.9]) <= 8


def test_imported_posts_are_asked_for_under_their_platforms_ids(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    held = posts(3)
    path = tmp_path / "saved.jsonl"
    comment = {
        "id": "zz",
        "body": "claude code deleted my folder without asking",
        "subreddit": "devtools",
        "author": "a",
        "created_utc": 1_760_000_000,
        "permalink": "/r/devtools/comments/1000/a_post/zz/",
    }
    lines = [stand_reddit.native(post) for post in held]
    path.write_text("".join(json.dumps(line) + "\n" for line in [*lines, comment]), "utf-8")
    collect.import_file(con, path, coverage=None, key=b"k", run_id="r")
    assert steps.screen_pending(con, key=b"k", run_id="r") == 4
    with running(Site(stand_reddit.answer, held[1:])) as site:
        read(con, "reddit", stand_reddit.config(site.base), asked=queries(controls={}, **stand_reddit.ASKED))
        (asked,) = [request.query["id"] for request in site.log if request.path == "/api/info"]
    assert set(asked.split(",")) == {"t3_1000", "t3_1001", "t3_1002", "t1_zz"}
    assert {name for name, text in texts(con).items() if not text} == {"reddit:1000", "reddit:zz"}


def test_asking_for_posts_of_x_again_is_paid_from_the_same_budget(con: duckdb.DuckDBPyConnection) -> None:
    asked = queries(**stand_x.ASKED)
    with running(Site(stand_x.answer, posts(40, gap=timedelta(hours=1)))) as site:
        for dollars in (5.0, 0.02, 5.0):
            config = {**stand_x.config(site.base), "monthly_dollars": dollars}
            read(con, "x", config, asked=asked)
            steps.screen_pending(con, key=b"k", run_id="r")
        # All are asked for in the third run only: the first held none, the second had no money left.
        ids = [request.query["ids"].split(",") for request in site.log if "ids" in request.query]
        assert [len(some) for some in ids] == [40]
        note = json.loads(con.execute("SELECT position FROM cursors WHERE source_id = 'x'").fetchall()[0][0])["note"]
        assert float(note[f"spent {NOW:%Y-%m}"]) >= site.money - 1e-9


def test_a_platform_that_does_not_answer_purges_nothing(con: duckdb.DuckDBPyConnection) -> None:
    asked = queries(controls={})
    with running(Site(stand_hackernews.answer, posts(12, gap=timedelta(hours=3)))) as site:
        read(con, "hackernews", {"base": site.base}, asked=asked)
        steps.screen_pending(con, key=b"k", run_id="r")
        site.faults = [lambda _q, reply: reply, *[status(500)] * 99]
        outcome = read(con, "hackernews", {"base": site.base}, asked=asked)
    assert (outcome.gone, len(stored(con))) == (0, 12)
    assert "re-check" in outcome.detail
