"""GitHub's issue search: pages of a hundred, the reach of a thousand, rate headers with an epoch reset."""

import re
from datetime import UTC, datetime
from typing import Any

from tests.flows.sources.standin import NOW, Post, Reply, Request, Site


def config(base: str) -> dict[str, Any]:
    return {"base": base}


ASKED: dict[str, Any] = {"trackers": ("o/r",)}
GIVEN = "github:o/r#{n}"


API = "https://api.github.com"
_REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def user(login: str) -> dict[str, Any]:
    url = f"{API}/users/{login}"
    lists = ("followers", "organizations", "received_events", "repos", "subscriptions")
    return {
        "login": login,
        "id": 7,
        "node_id": "U_7",
        "avatar_url": f"https://avatars.githubusercontent.com/{login}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"https://github.com/{login}",
        **{f"{name}_url": f"{url}/{name}" for name in lists},
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "events_url": f"{url}/events{{/privacy}}",
        "type": "User",
        "site_admin": False,
    }


def native(post: Post) -> dict[str, Any]:
    url = f"{API}/repos/o/r/issues/{post.n}"
    at = post.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "id": post.n,
        "node_id": f"I_{post.n}",
        "url": url,
        "repository_url": f"{API}/repos/o/r",
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": f"https://github.com/o/r/issues/{post.n}",
        "number": post.n,
        "title": post.title,
        "body": post.text,
        "user": user(post.author) if post.author else None,
        "labels": [],
        "assignee": None,
        "milestone": None,
        "locked": False,
        "comments": 2,
        "reactions": {"url": f"{url}/reactions", "total_count": 1, **dict.fromkeys(_REACTIONS, 0), "heart": 1},
        "created_at": at,
        "updated_at": at,
        "closed_at": None,
        "author_association": "NONE",
        "state": "open",
        "score": 1.0,
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
    body = {"total_count": len(hits), "incomplete_results": False, "search_type": "lexical", "items": items}
    return Reply(body, headers=rate)
