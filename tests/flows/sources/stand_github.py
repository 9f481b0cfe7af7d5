"""GitHub's issue search: pages of a hundred, the reach of a thousand, rate headers with an epoch reset."""

import re
from datetime import UTC, datetime
from typing import Any

from tests.flows.sources.standin import NOW, Post, Reply, Request, Site


def config(base: str) -> dict[str, Any]:
    return {"base": base}


ASKED: dict[str, Any] = {"trackers": ("o/r",)}
GIVEN = "github:o/r#{n}"


def native(post: Post) -> dict[str, Any]:
    return {
        "url": f"https://api.github.com/repos/o/r/issues/{post.n}",
        "repository_url": "https://api.github.com/repos/o/r",
        "html_url": f"https://github.com/o/r/issues/{post.n}",
        "number": post.n,
        "title": post.title,
        "body": post.text,
        "user": {"login": post.author} if post.author else None,
        "comments": 2,
        "reactions": {"total_count": 1},
        "created_at": post.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "state": "open",
    }


def answer(site: Site, request: Request) -> Reply:
    rate = {
        "x-ratelimit-limit": "30",
        "x-ratelimit-remaining": "29",
        "x-ratelimit-reset": str(int(NOW.timestamp()) + 60),
        "x-ratelimit-resource": "search",
    }
    if found := re.fullmatch(r"/repos/o/r/issues/(\d+)", request.path):
        held = [post for post in site.posts if str(post.n) == found[1]]
        return Reply(native(held[0])) if held else Reply({"message": "Not Found"}, 404, rate)
    span = re.search(r"created:(\S+?)\.\.(\S+)", request.query["q"])
    if span is None or not request.headers["user-agent"]:
        return Reply({"message": "Validation Failed"}, 422, rate)
    start, end = (datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) for text in span.groups())
    wanted = "repo:o/r" in request.query["q"] or "is:issue" in request.query["q"]
    hits = [post for post in site.posts if wanted and start <= post.at.replace(microsecond=0) <= end]
    size, page = int(request.query["per_page"]), int(request.query["page"])
    if (page - 1) * size >= 1000:
        return Reply({"message": "Only the first 1000 search results are available"}, 422, rate)
    items = [native(post) for post in site.cut(hits[:1000], (page - 1) * size, size)]
    return Reply({"total_count": len(hits), "incomplete_results": False, "items": items}, headers=rate)
