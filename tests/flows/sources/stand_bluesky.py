"""Bluesky's AppView: a search cut by since and until; a cursor is served to those who are logged in only."""

from datetime import datetime
from typing import Any

from tests.flows.sources.standin import Post, Reply, Request, Site


def config(base: str) -> dict[str, Any]:
    return {"base": base}


ASKED: dict[str, Any] = {"share_links": ()}
# Tokens that are no longer taken.
EXPIRED: set[str] = set()
GIVEN = "bluesky:did:plc:writer/{n}"


def native(post: Post) -> dict[str, Any]:
    stamp = post.at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return {
        "uri": f"at://did:plc:writer/app.bsky.feed.post/{post.n}",
        "cid": f"bafy{post.n}",
        "author": {"did": "did:plc:writer", "handle": "writer.example", "labels": []},
        "record": {
            "$type": "app.bsky.feed.post",
            "text": f"{post.title}. {post.text} claude.ai/share/1…",
            "createdAt": stamp,
            "langs": ["en"],
            "facets": [
                {
                    "features": [
                        {"$type": "app.bsky.richtext.facet#link", "uri": f"https://claude.ai/share/1234{post.n}"}
                    ]
                }
            ],
        },
        "indexedAt": stamp,
        "likeCount": 2,
        "repostCount": 1,
        "replyCount": 0,
        "quoteCount": 0,
    }


def answer(site: Site, request: Request) -> Reply:
    rate = {"RateLimit-Limit": "3000", "RateLimit-Remaining": "2999", "RateLimit-Reset": "1795179000"}
    # Each login and each renewal gives a token of its own; those in `expired` are no longer taken.
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if given.startswith("jwt") and given in EXPIRED:
        return Reply({"error": "ExpiredToken", "message": "Token has expired"}, 400, rate)
    logged_in = given.startswith("jwt")
    issued = sum("com.atproto.server" in one.path for one in site.log)
    match request.path.removeprefix("/xrpc/"):
        case "com.atproto.server.createSession":
            return Reply(
                {"accessJwt": f"jwt{issued}", "refreshJwt": "r", "handle": "h", "did": "did:plc:x"}, headers=rate
            )
        case "com.atproto.server.refreshSession":
            if given != "r" or "r" in EXPIRED:
                return Reply({"error": "ExpiredToken", "message": "Token has expired"}, 400, rate)
            return Reply(
                {"accessJwt": f"jwt{issued}", "refreshJwt": "r", "handle": "h", "did": "did:plc:x"}, headers=rate
            )
        case "app.bsky.feed.getPosts":
            uris = request.query["uris"]
            return Reply({"posts": [item for post in site.posts if (item := native(post))["uri"] in uris]})
        case "app.bsky.feed.searchPosts":
            pass
        case _:
            return Reply({"error": "MethodNotImplemented", "message": "?"}, 501)
    if "cursor" in request.query and not logged_in:
        return Reply({"error": "Forbidden", "message": "log in"}, 403, rate)
    start, end = (datetime.fromisoformat(request.query[name]) for name in ("since", "until"))
    hits = [post for post in reversed(site.posts) if start <= post.at < end]
    size, first = int(request.query["limit"]), int(request.query.get("cursor", 0))
    page = [native(post) for post in site.cut(hits, first, size)]
    more = {"cursor": str(first + size)} if first + size < len(hits) else {}
    return Reply({"posts": page, **more}, headers=rate)
