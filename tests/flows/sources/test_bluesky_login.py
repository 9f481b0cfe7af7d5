"""Bluesky's search with and without a login."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import duckdb
import pytest

from flows.collect_source import Outcome
from tests.flows.sources import stand_bluesky
from tests.flows.sources.conftest import queries, read, stored
from tests.flows.sources.standin import Reply, Request, Site, posts, running, status


@pytest.fixture
def site() -> Iterator[Site]:
    stand_bluesky.EXPIRED.clear()
    with running(Site(stand_bluesky.answer, posts(450, gap=timedelta(minutes=2)))) as open_site:
        yield open_site
    stand_bluesky.EXPIRED.clear()


def collect(con: duckdb.DuckDBPyConnection, site: Site, **login: Any) -> Outcome:
    config = {"base": site.base, "login_base": site.base, **login}
    return read(con, "bluesky", config, asked=queries(controls={}, **stand_bluesky.ASKED))


LOGIN = {"handle": "h.example", "app_password": "app-pass-word"}


def asked(site: Site, method: str) -> list[Request]:
    return [request for request in site.log if request.path.endswith(method)]


def test_logged_in_every_page_is_read_by_its_cursor(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    assert (collect(con, site, **LOGIN).state, len(stored(con))) == ("done", 450)
    assert len(asked(site, "createSession")) == 1
    assert [request.query["cursor"] for request in asked(site, "searchPosts") if "cursor" in request.query]
    assert all(request.headers["authorization"] == "Bearer jwt1" for request in asked(site, "searchPosts"))


def test_without_a_login_spans_are_halved_and_no_cursor_is_sent(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    assert (collect(con, site).state, len(stored(con))) == ("done", 450)
    assert not asked(site, "createSession")
    spans = [(request.query["since"], request.query["until"]) for request in asked(site, "searchPosts")]
    assert len(set(spans)) == len(spans) > 3
    assert not [request for request in asked(site, "searchPosts") if "cursor" in request.query]


@pytest.mark.parametrize(("also", "logins", "renewals"), [(set(), 1, 1), ({"r"}, 2, 1)])
def test_a_token_that_expires_is_renewed_or_a_new_login_made(
    con: duckdb.DuckDBPyConnection, site: Site, also: set[str], logins: int, renewals: int
) -> None:
    answer = site.answer

    def expiring(held: Site, request: Request) -> Reply:
        if len(asked(held, "searchPosts")) == 3:
            stand_bluesky.EXPIRED.update({"jwt1"} | also)
        return answer(held, request)

    site.answer = expiring
    assert (collect(con, site, **LOGIN).state, len(stored(con))) == ("done", 450)
    assert len(asked(site, "createSession")) == logins
    assert len(asked(site, "refreshSession")) == renewals


def test_a_wrong_password_is_said_once_and_not_tried_again(con: duckdb.DuckDBPyConnection, site: Site) -> None:
    body = {"error": "AuthenticationRequired", "message": "Invalid identifier or password"}
    site.faults = [status(401, body)] * 9
    outcome = collect(con, site, **LOGIN)
    assert outcome.state == "failed"
    assert "Invalid identifier" in outcome.detail
    assert "app-pass-word" not in outcome.detail
    assert len(asked(site, "createSession")) == 1
