"""Reddit: a token, listings of at most a hundred by `after`, the reach of a thousand, rate headers in seconds."""

from typing import Any

from tests.flows.sources.standin import Post, Reply, Request, Site

REACH = 1000


def config(base: str) -> dict[str, Any]:
    return {"base": base, "login_base": base, "client_id": "id", "client_secret": "secret"}


ASKED: dict[str, Any] = {"subreddits": ("devtools",)}
GIVEN = "reddit:{n}"


def native(post: Post) -> dict[str, Any]:
    return {
        "id": str(post.n),
        "name": f"t3_{post.n}",
        "title": post.title,
        "selftext": post.text,
        # Reddit writes the author of a deleted account so.
        "author": post.author or "[deleted]",
        "subreddit": "devtools",
        "created_utc": post.at.timestamp(),
        "permalink": f"/r/devtools/comments/{post.n}/a_post/",
        "url": f"https://www.reddit.com/r/devtools/comments/{post.n}/a_post/",
        "is_self": True,
        "score": 5,
        "num_comments": 2,
        "removed_by_category": None,
    }


def listing(held: list[Post], after: str | None) -> dict[str, Any]:
    children = [{"kind": "t3", "data": native(post)} for post in held]
    return {"kind": "Listing", "data": {"after": after, "before": None, "dist": len(held), "children": children}}


def answer(site: Site, request: Request) -> Reply:
    rate = {"x-ratelimit-used": "1", "x-ratelimit-remaining": "99999.0", "x-ratelimit-reset": "1"}
    if request.path == "/api/v1/access_token":
        if not request.headers.get("authorization", "").startswith("Basic "):
            return Reply({"message": "Unauthorized", "error": 401}, 401)
        return Reply({"access_token": "tok", "token_type": "bearer", "expires_in": 86400, "scope": "*"})
    if request.headers.get("authorization", "").lower() != "bearer tok":
        return Reply({"message": "Unauthorized", "error": 401}, 401, rate)
    if request.path == "/api/info":
        asked = request.query["id"].split(",")
        return Reply(listing([post for post in site.posts if f"t3_{post.n}" in asked], None), headers=rate)
    if request.path != "/r/devtools/new":
        return Reply({"message": "Not Found", "error": 404}, 404, rate)
    newest = sorted(site.posts, key=lambda post: -post.n)[:REACH]
    after = request.query.get("after")
    start = next((n + 1 for n, post in enumerate(newest) if f"t3_{post.n}" == after), 0 if not after else len(newest))
    size = min(int(request.query["limit"]), 100)
    page = site.cut(newest, start, size)
    more = start + size < len(newest)
    return Reply(listing(page, f"t3_{newest[start + size - 1].n}" if more else None), headers=rate)
