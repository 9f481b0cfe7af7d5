"""What Bluesky's own servers do and a simple search would not."""

import duckdb
import pytest

from flows.sources import bluesky
from tests.flows.sources import stand_bluesky
from tests.flows.sources.conftest import queries, read, stored
from tests.flows.sources.standin import Reply, Request, Site, client, posts, running

LOGIN = {"handle": "h.example", "app_password": "p"}


def with_empty_pages(site: Site, request: Request) -> Reply:
    """Every other page lost all its posts to rules on who may see them."""
    cursor = request.query.get("cursor", "0")
    if not request.path.endswith("searchPosts"):
        return stand_bluesky.answer(site, request)
    if not cursor.startswith("e"):
        return Reply({"posts": [], "cursor": f"e{cursor}"})
    plain = Request(request.method, request.path, {**request.query, "cursor": cursor[1:]}, request.headers)
    return stand_bluesky.answer(site, plain)


def test_an_empty_page_with_a_cursor_is_not_the_end(con: duckdb.DuckDBPyConnection) -> None:
    with running(Site(with_empty_pages, posts(250))) as site:
        config = {**LOGIN, "base": site.base, "login_base": site.base}
        outcome = read(con, "bluesky", config, asked=queries(share_links=()))
    assert (outcome.state, outcome.detail, len(stored(con))) == ("done", "", 250)


def test_a_search_of_empty_pages_without_end_is_given_up(con: duckdb.DuckDBPyConnection) -> None:
    def endless(site: Site, request: Request) -> Reply:
        if not request.path.endswith("searchPosts"):
            return stand_bluesky.answer(site, request)
        return Reply({"posts": [], "cursor": str(len(site.log))})

    with running(Site(endless)) as site:
        config = {**LOGIN, "base": site.base, "login_base": site.base}
        outcome = read(con, "bluesky", config, asked=queries(share_links=()))
        assert outcome.state == "failed"
        assert "empty pages" in outcome.detail
        assert len(site.log) < 100


@pytest.mark.parametrize("label", ["!no-unauthenticated", "other"])
def test_who_hides_from_those_not_logged_in_is_not_public(label: str) -> None:
    def labelled(site: Site, request: Request) -> Reply:
        reply = stand_bluesky.answer(site, request)
        for post in reply.body["posts"]:
            post["author"]["labels"] = [{"val": label, "src": "did:plc:writer"}]
        return reply

    with running(Site(labelled, posts(1))) as site:
        source = bluesky.build(bluesky.Config(base=site.base), queries(), client())
        given = stand_bluesky.GIVEN.format(n=1000)
        assert source.still_public([given]) == {given: label == "other"}
