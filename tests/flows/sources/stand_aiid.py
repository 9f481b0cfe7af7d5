"""The AI Incident Database's query interface: incidents by limit and skip."""

import json
from typing import Any

from tests.flows.sources.standin import Post, Reply, Request, Site


def config(base: str) -> dict[str, Any]:
    return {"base": f"{base}/api/graphql"}


ASKED: dict[str, Any] = {}
GIVEN = "aiid:{n}"


def native(post: Post) -> dict[str, Any]:
    return {
        "incident_id": post.n,
        "title": post.title,
        "description": post.text,
        "date": post.at.date().isoformat(),
        "epoch_date_modified": int(post.at.timestamp()),
    }


def answer(site: Site, request: Request) -> Reply:
    if "incidents(" not in request.query.get("query", ""):
        return Reply({"errors": [{"message": "Must provide query string."}]}, 400)
    held = json.loads(request.query["variables"])
    found = [native(post) for post in site.cut(site.posts, held["skip"], held["limit"])]
    return Reply({"data": {"incidents": found}})
