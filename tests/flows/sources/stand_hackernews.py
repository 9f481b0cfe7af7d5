"""Algolia's search over Hacker News: pages, the number of hits, the reach of 1,000."""

import re
from typing import Any

from tests.flows.sources.standin import Post, Reply, Request, Site

REACH = 1000


def config(base: str) -> dict[str, Any]:
    return {"base": base}


ASKED: dict[str, Any] = {}
GIVEN = "hackernews:{n}"


def native(post: Post) -> dict[str, Any]:
    return {
        "objectID": str(post.n),
        "title": post.title,
        "url": None,
        "author": post.author,
        "points": 3,
        "story_text": f"<p>{post.text}</p>",
        "comment_text": None,
        "num_comments": 1,
        "created_at": post.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "created_at_i": int(post.at.timestamp()),
        "_tags": ["story", f"author_{post.author}", f"story_{post.n}"],
        "_highlightResult": {"title": {"value": post.title}},
    }


def answer(site: Site, request: Request) -> Reply:
    if request.path.startswith("/items/"):
        found = [post for post in site.posts if request.path == f"/items/{post.n}"]
        return Reply({"id": found[0].n, "author": found[0].author}) if found else Reply({"error": "Not Found"}, 404)
    bounds = re.findall(r"created_at_i(>=|<)(\d+)", request.query["numericFilters"])
    words = request.query["query"].strip('"').lower()
    hits = [post for post in reversed(site.posts) if words in post.text.lower()]
    for sign, value in bounds:
        hits = [p for p in hits if (int(p.at.timestamp()) >= int(value)) == (sign == ">=")]
    size = int(request.query["hitsPerPage"])
    page = int(request.query.get("page", 0))
    reachable = hits[:REACH]
    return Reply(
        {
            "hits": [native(post) for post in site.cut(reachable, page * size, size)] if size else [],
            "page": page,
            "nbHits": len(hits),
            "nbPages": -(-len(reachable) // size) if size else 0,
            "hitsPerPage": size,
        }
    )
