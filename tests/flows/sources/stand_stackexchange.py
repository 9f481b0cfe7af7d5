"""Stack Exchange's search: always packed, a quota that counts down, now and then a backoff."""

import gzip
import json
import re
from typing import Any

from tests.flows.sources.standin import Post, Reply, Request, Site


def config(base: str) -> dict[str, Any]:
    return {"base": base}


ASKED: dict[str, Any] = {"stackexchange": ("stackoverflow",)}
GIVEN = "stackexchange:stackoverflow.com/{n}"


def native(post: Post) -> dict[str, Any]:
    return {
        "question_id": post.n,
        "title": post.title,
        "body": f"<p>{post.text}</p>",
        "link": f"https://stackoverflow.com/questions/{post.n}/a-question",
        "creation_date": int(post.at.timestamp()),
        "owner": {"link": f"https://stackoverflow.com/users/7/{post.author}"} if post.author else None,
        "score": 1,
        "answer_count": 0,
    }


def packed(body: Any, status: int = 200) -> Reply:
    return Reply(gzip.compress(json.dumps(body).encode()), status, {"Content-Encoding": "gzip"})


def answer(site: Site, request: Request) -> Reply:
    quota = {"quota_max": 300, "quota_remaining": 299 - len(site.log) % 200}
    if found := re.fullmatch(r"/questions/([\d;]+)", request.path):
        held = [post for post in site.posts if str(post.n) in found[1].split(";")]
        return packed({"items": [native(post) for post in held], "has_more": False, **quota})
    if request.query.get("filter") == "total":
        start, end = int(request.query["fromdate"]), int(request.query["todate"])
        return packed({"total": sum(start <= int(post.at.timestamp()) <= end for post in site.posts)})
    page, size = int(request.query["page"]), int(request.query["pagesize"])
    if page > 25 and "key" not in request.query:
        message = "page above 25 requires access token or app key"
        return packed({"error_id": 403, "error_name": "access_denied", "error_message": message}, 400)
    start, end = int(request.query["fromdate"]), int(request.query["todate"])
    hits = [post for post in site.posts if start <= int(post.at.timestamp()) <= end]
    items = [native(post) for post in site.cut(hits, (page - 1) * size, size)]
    backoff = {"backoff": 5} if len(site.log) % 3 == 0 else {}
    return packed({"items": items, "has_more": page * size < len(hits), **quota, **backoff})
