"""A Mastodon instance: a hashtag's timeline by max_id, rate headers with an ISO 8601 reset."""

import re
from typing import Any

from tests.flows.sources.standin import Post, Reply, Request, Site


def config(base: str) -> dict[str, Any]:
    return {"instances": (base,)}


ASKED: dict[str, Any] = {"hashtags": ("aiagents",)}
GIVEN = "mastodon:{host}/{n}"


def native(post: Post) -> dict[str, Any]:
    return {
        "id": str(post.n),
        "created_at": post.at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "spoiler_text": "",
        "visibility": "public",
        "language": "en",
        "uri": f"https://home.example/users/{post.author}/statuses/{post.n}",
        "url": f"https://home.example/@{post.author}/{post.n}",
        "content": f"<p>{post.title}. {post.text}</p>",
        "account": {"acct": f"{post.author}@home.example", "noindex": False} if post.author else None,
        "favourites_count": 1,
        "reblogs_count": 0,
        "replies_count": 0,
    }


def answer(site: Site, request: Request) -> Reply:
    rate = {
        "X-RateLimit-Limit": "300",
        "X-RateLimit-Remaining": "299",
        "X-RateLimit-Reset": "2026-11-20T12:35:00.000000Z",
    }
    if found := re.fullmatch(r"/api/v1/statuses/(\d+)", request.path):
        held = [post for post in site.posts if str(post.n) == found[1]]
        return Reply(native(held[0])) if held else Reply({"error": "Record not found"}, 404, rate)
    if request.path == "/api/v1/instance":
        return Reply({"uri": "home.example", "title": "Home", "version": "3.5.19"}, headers=rate)
    if request.path != "/api/v1/timelines/tag/aiagents":
        return Reply({"error": "Record not found"}, 404, rate)
    # As the real one: an id that is no number is as if none had been given.
    last = request.query.get("max_id", "")
    below = int(last) if last.isascii() and last.isdigit() else 2**60
    newest = sorted((post for post in site.posts), key=lambda post: -post.n)
    start = next((n for n, post in enumerate(newest) if post.n < below), len(newest))
    size = int(request.query["limit"])
    # A site that overlaps shows the last post again, after others have come.
    page = site.cut(newest, start, size) if start < len(newest) else []
    return Reply([native(post) for post in page], headers=rate)
