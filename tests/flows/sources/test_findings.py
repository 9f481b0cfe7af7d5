"""What fuzzing found, one example each."""

from datetime import UTC
from typing import Any

import duckdb
import pytest

from flows.exchange import Answer, BadAnswer
from flows.sources import bluesky, discourse, feeds, lemmy, mastodon, x
from flows.sources.base import BadItem
from tests.flows.sources import stand_x
from tests.flows.sources.conftest import coverage, queries, read
from tests.flows.sources.standin import Reply, Request, Site, posts, running


def without_end(_request: Request, reply: Reply) -> Reply:
    body: dict[str, Any] = reply.body
    body["data"] = [{name: part for name, part in hour.items() if name != "end"} for hour in body["data"]]
    return reply


def test_an_hour_without_its_end_is_a_gap_and_read_by_the_next_run(con: duckdb.DuckDBPyConnection) -> None:
    with running(Site(stand_x.answer, posts(20))) as site:
        site.faults = [without_end]
        config, asked = stand_x.config(site.base), queries(**stand_x.ASKED)
        first = read(con, "x", config, asked=asked)
        assert first.state == "partial"
        assert "end is absent" in first.detail
        assert coverage(con)["missed"] > 0
        read(con, "x", config, asked=asked)
    assert con.execute("SELECT count(DISTINCT given_id) FROM raw_items").fetchone() == (20,)


def test_a_feed_that_names_a_character_that_is_none_is_a_bad_answer() -> None:
    body = b"<rss version='2.0'><channel><item><title>&#x110000;</title></item></channel></rss>"
    with pytest.raises(BadAnswer, match="not a feed"):
        feeds.parse(Answer("https://e.org/feed", 200, {}, body), "e")


def test_a_time_without_a_zone_is_utc() -> None:
    assert x._time("2026-11-20T05:00:00").tzinfo is UTC


@pytest.mark.parametrize("link", ["http://[", "https://[]/x", "A://["])
def test_an_entry_whose_link_is_no_address_is_kept_under_its_feed(link: str) -> None:
    post = feeds.to_post({"feed": "blog", "id": "1", "link": link, "title": "t"})
    assert post["source"] == "news:blog"


@pytest.mark.parametrize(
    ("to_post", "item"),
    [
        (mastodon.to_post, {"url": "https://[", "id": "1", "created_at": "2026-11-20"}),
        (lemmy.to_post, {"post": {"ap_id": "https://[]/post/1", "published": "2026-11-20"}}),
        (bluesky.to_post, {"uri": "at://[/app.bsky.feed.post/1"}),
        (discourse.to_post, {"forum": "https://[", "topic_id": 1, "id": 1, "created_at": "2026-11-20"}),
    ],
)
def test_a_post_whose_address_is_none_is_set_aside(to_post: Any, item: dict[str, Any]) -> None:
    with pytest.raises(BadItem, match="not an address"):
        to_post(item)
