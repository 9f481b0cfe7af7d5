import pytest

from flows.identity import identify
from warehouse.schema.addresses import canonical_url


@pytest.mark.parametrize(
    ("source", "url", "report_id", "channel"),
    [
        ("github_issue:Owner/Repo", "https://github.com/Owner/Repo/issues/12", "github:owner/repo#12", "owner/repo"),
        ("github_issue_title:o/r", "https://github.com/o/r/issues/12?utm_source=x", "github:o/r#12", "o/r"),
        ("", "https://github.com/o/r/issues/12#issuecomment-99", "github:o/r#12/99", "o/r"),
        ("reddit:r/Foo", "https://www.reddit.com/r/Foo/comments/1abc9z/some_slug/", "reddit:1abc9z", "r/Foo"),
        ("reddit:r/Foo", "https://reddit.com/comments/1abc9z", "reddit:1abc9z", "r/Foo"),
        ("reddit:r/Foo", "https://redd.it/1abc9z", "reddit:1abc9z", "r/Foo"),
        ("reddit", "https://old.reddit.com/r/Foo/comments/1abc9z/slug/k3k3k3/", "reddit:k3k3k3", "r/Foo"),
        ("hackernews_story", "https://news.ycombinator.com/item?id=123", "hackernews:123", None),
        ("bluesky", "at://did:plc:abc/app.bsky.feed.post/3xyz", "bluesky:did:plc:abc/3xyz", None),
        ("x", "https://twitter.com/somebody/status/99?s=20", "x:99", None),
        ("aiid_incident", "https://incidentdatabase.ai/cite/545", "aiid:545", None),
        ("news", "https://www.example.org/a/b/?utm_campaign=z#top", "web:example.org/a/b", "example.org"),
    ],
)
def test_identity_comes_from_the_address(source: str, url: str, report_id: str, channel: str | None) -> None:
    found = identify("given", source, url)
    assert (found.report_id, found.channel) == (report_id, channel)


def test_one_issue_under_two_ids_is_one_report() -> None:
    one = identify("full:7", "github_issue:o/r", "https://github.com/o/r/issues/7")
    two = identify("titles:7", "github_issue_title:o/r", "http://www.github.com/o/r/issues/7/")
    assert one.report_id == two.report_id


@pytest.mark.parametrize("source", ["reddit_comment:r/politics", "youtube_comment", "curated_case_study", "record"])
def test_an_address_that_is_not_the_items_own_does_not_identify_it(source: str) -> None:
    url = "https://www.reddit.com/comments/1r1g00i"
    assert identify("a", source, url).report_id != identify("b", source, url).report_id


def test_without_an_address_the_given_id_identifies() -> None:
    found = identify("dump:9", "reddit:r/Foo", None)
    assert found.report_id == "reddit:given/dump:9"
    assert found.channel == "r/Foo"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://[::1", "not a url", "ftp://example.org/x", ""])
def test_what_is_no_web_address_has_no_canonical_form(url: str) -> None:
    assert canonical_url(url) is None
    assert identify("g", "", url).report_id == "web:given/g"
