"""A Lemmy instance's search, version 0.19: numbered pages, newest first."""

from typing import Any

from tests.flows.sources.standin import Post, Reply, Request, Site


def config(base: str) -> dict[str, Any]:
    return {"instances": (base,)}


ASKED: dict[str, Any] = {}
GIVEN = "lemmy:home.example/post/{n}"


def native(post: Post) -> dict[str, Any]:
    return {
        "post": {
            "id": post.n,
            "name": post.title,
            "body": post.text,
            "ap_id": f"https://home.example/post/{post.n}",
            "published": post.at.strftime("%Y-%m-%dT%H:%M:%S.123456Z"),
            "deleted": False,
            "removed": False,
        },
        "creator": {"actor_id": f"https://home.example/u/{post.author}"} if post.author else None,
        "counts": {"score": 4, "comments": 1},
    }


def answer(site: Site, request: Request) -> Reply:
    if request.path != "/api/v3/search":
        return Reply({"error": "not_found"}, 404)
    newest = list(reversed(site.posts)) if request.query["type_"] == "Posts" else []
    size, number = int(request.query["limit"]), int(request.query["page"])
    found = [native(post) for post in site.cut(newest, (number - 1) * size, size)]
    return Reply({"type_": request.query["type_"], "posts": found, "comments": []})
