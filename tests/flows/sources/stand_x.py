"""X's API v2: counts by hour, search by next_token, dollars that add up, names old and new."""

from datetime import datetime, timedelta
from typing import Any

from tests.flows.sources.standin import NOW, Post, Reply, Request, Site


def config(base: str) -> dict[str, Any]:
    return {"base": base, "bearer_token": "b", "monthly_dollars": 100.0}


ASKED: dict[str, Any] = {"acts": ("deleted",), "reactions": ("gone rogue",), "share_links": ("claude.ai/share",)}
GIVEN = "x:{n}"


def native(post: Post) -> dict[str, Any]:
    return {
        "id": str(post.n),
        "text": f"{post.title}. {post.text}"[:60],
        "note_tweet": {"text": f"{post.title}. {post.text}"},
        "created_at": post.at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "lang": "en",
        "author_id": "42",
        "public_metrics": {"like_count": 1, "retweet_count": 0, "reply_count": 0, "quote_count": 0},
    }


def answer(site: Site, request: Request) -> Reply:
    rate = {"x-rate-limit-limit": "450", "x-rate-limit-remaining": "449", "x-rate-limit-reset": "1795179000"}
    if request.headers.get("authorization") != "Bearer b":
        return Reply({"title": "Unauthorized", "status": 401}, 401, rate)
    if request.path == "/tweets":
        asked = request.query["ids"].split(",")
        held = {str(post.n): native(post) for post in site.posts}
        lost = [{"resource_id": one, "title": "Not Found Error"} for one in asked if one not in held]
        return Reply({"data": [held[one] for one in asked if one in held], "errors": lost}, headers=rate)
    start, end = (datetime.fromisoformat(request.query[name]) for name in ("start_time", "end_time"))
    if start < NOW - timedelta(days=7) or len(request.query["query"]) > 512:
        return Reply({"title": "Invalid Request", "status": 400}, 400, rate)
    mine = "claude code" in request.query["query"]
    hits = [post for post in reversed(site.posts) if mine and start <= post.at < end]
    if request.path == "/tweets/counts/recent":
        hours: list[dict[str, Any]] = []
        at = start
        while at < end:
            following = min((at + timedelta(hours=1)).replace(minute=0, second=0), end)
            number = sum(at <= post.at < following for post in hits)
            # Both names of the count are in use.
            name = "tweet_count" if len(hours) % 2 else "post_count"
            hours.append({"start": at.isoformat(), "end": following.isoformat(), name: number})
            at = following
        site.money += 0.005
        return Reply({"data": hours, "meta": {"total_tweet_count": len(hits)}}, headers=rate)
    size, first = int(request.query["max_results"]), int(request.query.get("next_token", "t0")[1:])
    if not 10 <= size <= 100:
        return Reply({"title": "Invalid Request", "status": 400}, 400, rate)
    page = [native(post) for post in site.cut(hits, first, size)]
    site.money += 0.005 * len(page)
    more = {"next_token": f"t{first + size}"} if first + size < len(hits) else {}
    body: dict[str, Any] = {"meta": {"result_count": len(page), **more}}
    return Reply({"data": page, **body} if page else body, headers=rate)
