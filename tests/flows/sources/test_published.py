"""What collectors ask and stand-ins answer is what the platforms' published documents say.

Published are GitHub's and Discourse's (OpenAPI) and Bluesky's (lexicons); X's are its shapes in our own words. Algolia,
Lemmy, Mastodon, Reddit, Stack Exchange and the AI Incident Database publish none that may be shipped.
"""

from datetime import timedelta

import duckdb
import pytest

from flows.sources.registry import SOURCES
from tests.flows.sources.conftest import queries, read
from tests.flows.sources.contracts.check import document, problems
from tests.flows.sources.standin import Reply, Request, Site, client, posts, running
from tests.flows.sources.test_contract import stand

PUBLISHED = ("bluesky", "discourse", "github", "x")


@pytest.mark.parametrize("name", PUBLISHED)
def test_requests_and_answers_are_as_published(con: duckdb.DuckDBPyConnection, name: str) -> None:
    module = stand(name)
    seen: list[tuple[Request, Reply]] = []

    def answer(site: Site, request: Request) -> Reply:
        reply: Reply = module.answer(site, request)
        seen.append((request, reply))
        return reply

    with running(Site(answer, posts(250, gap=timedelta(minutes=15)))) as site:
        config = module.config(site.base)
        asked = queries(**module.ASKED)
        assert read(con, name, config, asked=asked).new == 250
        entry = SOURCES[name]
        source = entry.module.build(entry.config.model_validate(config), asked, client())
        source.still_public([module.GIVEN.format(n=n, host=site.base) for n in (site.posts[0].n, 7)])
    wrong = {problem for request, reply in seen for problem in problems(name, request, reply)}
    assert wrong == set()
    asked_for = {path for request, _ in seen for path in document(name)["paths"] if _fits(path, request.path)}
    assert asked_for == set(document(name)["paths"]), "every path of the document is asked for"


def _fits(template: str, path: str) -> bool:
    ours, theirs = template.split("/"), path.split("/")
    return len(ours) == len(theirs) and all("{" in a or a == b for a, b in zip(ours, theirs, strict=True))


def test_what_is_not_as_published_is_found() -> None:
    body = {"total_count": 1, "incomplete_results": False, "items": [{"id": "7"}]}
    request = Request("GET", "/search/issues", {"sort": "newest", "since": "2026"}, {})
    found = sorted(problems("github", request, Reply(body)))
    assert any("q was not sent" in one for one in found)
    assert any("since is not a parameter" in one for one in found)
    assert any("'newest' is not one of" in one for one in found)
    assert any("$.items[0]" in one for one in found)
    assert list(problems("github", Request("GET", "/nowhere", {}, {}), Reply({}))) == [
        "GET /nowhere is not in the document"
    ]
    asked = Request("GET", "/search/issues", {"q": "x"}, {})
    assert list(problems("github", asked, Reply({}, 418))) == ["/search/issues: status 418 is not in the document"]
