"""Hostile and broken feeds: bounded, recorded, never a crash, and never a file of ours."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from flows.collect_source import Outcome
from flows.exchange import Answer, BadAnswer
from flows.sources.feeds import parse, to_post
from tests.flows.sources import stand_feeds
from tests.flows.sources.conftest import coverage, queries, read, stored
from tests.flows.sources.standin import NOW, Reply, Request, Site, posts, running


@pytest.fixture
def site() -> Iterator[Site]:
    with running(Site(stand_feeds.answer, posts(30))) as open_site:
        yield open_site


def collect(con: duckdb.DuckDBPyConnection, site: Site, **changes: object) -> Outcome:
    return read(con, "feeds", stand_feeds.config(site.base), asked=queries(), **changes)  # type: ignore[arg-type]


def served(body: bytes, kind: str = "application/rss+xml") -> Answer:
    return Answer("https://blog.example/feed", 200, {"content-type": kind}, body)


def test_an_unchanged_feed_is_not_sent_again(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    collect(con, site)
    collect(con, site)
    assert "if-none-match" not in site.log[0].headers
    assert "if-none-match" in site.log[1].headers
    assert len(stored(con)) == 30


def test_a_feed_that_does_not_reach_back_is_capped(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    collect(con, site)
    assert set(coverage(con)) == {"capped"}, "thirty posts in a few hours, asked for three days"


def test_a_feed_cut_off_gives_whole_entries_only_and_is_asked_for_again(
    con: duckdb.DuckDBPyConnection, site: Site
) -> None:
    def cut(_request: Request, reply: Reply) -> Reply:
        return Reply(reply.data[:-200], headers=reply.headers)

    site.faults = [cut]
    collect(con, site)
    assert 20 <= len(stored(con)) < 30
    collect(con, site)
    assert "if-none-match" not in site.log[1].headers
    assert len(stored(con)) == 30
    assert con.execute("SELECT count(*) FROM raw_items").fetchone() == (30,)


@pytest.mark.parametrize("body", [b"/etc/passwd", b"file:///etc/passwd", b"http://127.0.0.1/", b"", b"<html>hi</html>"])
def test_what_is_no_feed_is_never_opened_as_a_path(body: bytes) -> None:
    with pytest.raises(BadAnswer, match="not a feed"):
        parse(served(body, "text/html"), "blog")


def test_a_path_in_this_folder_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "feed.xml").write_text("<rss><channel><item><title>secret</title></item></channel></rss>")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadAnswer):
        parse(served(b"feed.xml"), "blog")


def test_entities_do_not_grow() -> None:
    lines = [b'<!ENTITY a0 "lol">'] + [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">'.encode() for n in range(1, 12)]
    bomb = b"<?xml version='1.0'?><!DOCTYPE rss [" + b"".join(lines) + b"]><rss version='2.0'><channel><item>"
    bomb += b"<title>&a11;</title><link>https://blog.example/1</link></item></channel></rss>"
    try:
        entries, _ = parse(served(bomb), "blog")
    except BadAnswer:
        return
    assert sum(len(str(entry)) for entry in entries) < 10_000


def test_a_wrong_charset_is_read_as_the_server_says() -> None:
    body = (
        '<rss version="2.0"><channel><item><title>Grün</title><link>https://b.example/1</link></item></channel></rss>'
    )
    entries, _ = parse(served(body.encode("latin-1"), "application/rss+xml; charset=iso-8859-1"), "blog")
    assert entries[0]["title"] == "Grün"


def test_an_entry_without_id_and_date_keeps_its_identity() -> None:
    body = b'<rss version="2.0"><channel><item><title>A</title><description>b</description></item></channel></rss>'
    (first,), _ = parse(served(body), "blog")
    (second,), _ = parse(served(body), "blog")
    post = to_post(first)
    assert post["id"] == to_post(second)["id"]
    assert (post["created_at"], post["url"]) == (None, None)


def test_scripts_are_not_text() -> None:
    body = (
        b'<rss version="2.0"><channel><item><title>A</title><link>javascript:alert(1)</link>'
        b"<description>&lt;p&gt;shown&lt;/p&gt;&lt;script&gt;hidden()&lt;/script&gt;</description></item></channel></rss>"
    )
    (entry,), _ = parse(served(body), "blog")
    post = to_post(entry)
    assert (post["text"], post["url"]) == ("shown", None)


def test_a_feed_that_moved_to_another_host_is_refused_and_said(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    site.faults = [lambda _q, _r: Reply(b"", 301, {"Location": "https://elsewhere.example/feed"})]
    outcome = collect(con, site, now=NOW)
    assert outcome.state == "failed"
    assert "elsewhere.example" in outcome.detail
