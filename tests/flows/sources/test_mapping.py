"""What each platform's own shapes become, and where reports from two roads meet."""

from typing import Any

import pytest

from flows.identity import identify
from flows.sources import bluesky, discourse, github, hackernews, lemmy, mastodon, reddit, stackexchange
from flows.sources.base import BadItem
from flows.sources.reading import plain


@pytest.mark.parametrize(
    ("source", "url", "report"),
    [
        ("mastodon:a.example", "https://a.example/@w/12", "mastodon:a.example/12"),
        ("mastodon:a.example", "https://a.example/users/w/statuses/12", "mastodon:a.example/12"),
        ("lemmy:a.example", "https://a.example/post/12", "lemmy:a.example/post/12"),
        ("lemmy:a.example", "https://a.example/comment/12", "lemmy:a.example/comment/12"),
        ("discourse:f.example", "https://f.example/t/a-slug/12/1", "discourse:f.example/12"),
        ("discourse:f.example", "https://f.example/t/another-slug/12", "discourse:f.example/12"),
        ("discourse:f.example", "https://f.example/t/a-slug/12/7", "discourse:f.example/12/7"),
        ("web", "https://stackoverflow.com/questions/12/title", "stackexchange:stackoverflow.com/12"),
        ("web", "https://ai.stackexchange.com/q/12", "stackexchange:ai.stackexchange.com/12"),
        ("web", "https://stackoverflow.com/a/13/99", "stackexchange:stackoverflow.com/a/13"),
        ("web", "https://notstackoverflow.com/questions/12/t", "web:notstackoverflow.com/questions/12/t"),
        ("web", "https://a.example/@w/12", "web:a.example/@w/12"),
    ],
)
def test_a_post_is_the_same_report_at_every_spelling_of_its_address(source: str, url: str, report: str) -> None:
    assert identify("x", source, url).report_id == report


def test_an_issue_collected_and_an_issue_imported_are_one_report() -> None:
    item: dict[str, Any] = {
        "html_url": "https://github.com/O/R/issues/7",
        "number": 7,
        "created_at": "2026-01-01T00:00:00Z",
    }
    post = github.to_post({**item, "title": "t", "body": None, "user": None})
    imported = identify("gh:7", "github_issue:o/r", "https://github.com/o/r/issues/7")
    assert identify(post["id"], post["source"], post["url"]) == imported
    assert (post["text"], post["author"]) == ("", None)


def test_links_hidden_in_a_bluesky_post_are_read() -> None:
    link = {"$type": "app.bsky.richtext.facet#link", "uri": "https://claude.ai/share/whole-address"}
    record = {
        "text": "look claude.ai/share/wh…",
        "createdAt": "2026-11-01T10:00:00Z",
        "facets": [{"features": [link]}, {"features": None}, None],
        "embed": {"external": {"uri": "https://blog.example/x", "title": "A page"}},
    }
    post = bluesky.post_of("did:plc:w", "k", record)
    assert post["text"].split("\n\n")[1:] == [
        "https://claude.ai/share/whole-address",
        "A page",
        "https://blog.example/x",
    ]


@pytest.mark.parametrize(
    ("stated", "indexed", "taken"),
    [
        ("2026-11-01T10:00:00Z", "2026-11-01T10:00:05Z", "2026-11-01T10:00:00Z"),
        ("2031-01-01T00:00:00Z", "2026-11-01T10:00:05Z", "2026-11-01T10:00:05Z"),
        ("2026-11-01T12:00:00+02:00", "2026-11-01T10:00:05Z", "2026-11-01T12:00:00+02:00"),
        ("yesterday", "2026-11-01T10:00:05Z", "2026-11-01T10:00:05Z"),
        ("", "2026-11-01T10:00:05Z", "2026-11-01T10:00:05Z"),
    ],
)
def test_a_post_is_not_younger_than_its_listing(stated: str, indexed: str, taken: str) -> None:
    view = {"uri": "at://did:plc:w/app.bsky.feed.post/k", "record": {"text": "t", "createdAt": stated}}
    assert bluesky.to_post({**view, "indexedAt": indexed})["created_at"] == taken


def test_a_comment_on_hacker_news_has_its_own_address_and_no_title() -> None:
    hit = {
        "objectID": "9",
        "_tags": ["comment"],
        "comment_text": "it &quot;ran&quot;<p>rm",
        "created_at_i": 1,
        "title": None,
    }
    post = hackernews.to_post({**hit, "story_id": 3})
    assert (post["title"], post["text"], post["url"]) == ("", 'it "ran"\nrm', "https://news.ycombinator.com/item?id=9")
    assert identify(post["id"], post["source"], post["url"]).report_id == "hackernews:9"


def test_both_versions_of_lemmy_are_read() -> None:
    old = {
        "post": {"ap_id": "https://a.example/post/1", "name": "t", "published": "2026-01-01T00:00:00Z"},
        "counts": {"score": 3},
    }
    new = {
        "post": {"ap_id": "https://a.example/post/1", "name": "t", "published_at": "2026-01-01T00:00:00Z", "score": 3}
    }
    assert lemmy.to_post(old) == lemmy.to_post(new)
    with pytest.raises(BadItem):
        lemmy.to_post({"post": {**new["post"], "removed": True}})


def test_the_two_reddits_say_deleted_in_text() -> None:
    base = {"id": "1", "subreddit": "s", "created_utc": 1.5e9, "title": "t", "author": "[deleted]"}
    post = reddit.to_post({**base, "selftext": "[removed]"})
    assert (post["author"], post["text"], post["title"]) == (None, "", "t")


def test_the_same_words_in_other_markup() -> None:
    status = {"url": "https://a.example/@w/1", "created_at": "2026-01-01T00:00:00Z", "account": {"acct": "w"}}
    html = '<p>it<br>ran <a href="https://x.example/long/page"><span>x.example/lo…</span></a></p>'
    post = mastodon.to_post({**status, "content": html})
    assert post["text"] == "it\nran https://x.example/long/page"
    assert post["author"] == "w@a.example"
    question = {
        "question_id": 1,
        "link": "https://stackoverflow.com/questions/1/t",
        "creation_date": 1,
        "title": "a &amp; b",
    }
    assert stackexchange.to_post(question)["title"] == "a & b"
    reply = {"forum": "https://f.example", "id": 5, "topic_id": 2, "post_number": 3, "topic_title": "T", "raw": "r"}
    assert discourse.to_post({**reply, "created_at": "2026-01-01T00:00:00Z"})["title"] == ""


@pytest.mark.parametrize("markup", ["<" * 5000, "<a href='" * 2000, "&" * 5000, "<p>" * 5000, "<!--" * 3000])
def test_broken_markup_is_read_in_little_time(markup: str) -> None:
    assert isinstance(plain(markup), str)
