"""A Discourse forum's list of latest posts: cut by number, so that hidden ones leave pages short or empty."""

import re
from typing import Any

from tests.flows.sources.standin import Post, Reply, Request, Site


def config(base: str) -> dict[str, Any]:
    return {"forums": (base,)}


ASKED: dict[str, Any] = {}
GIVEN = "discourse:{host}/{n}/{n}"


# What else a post shows to somebody who is not logged in.
_REST: dict[str, Any] = {
    **dict.fromkeys(("quote_count", "incoming_link_count", "reads", "readers_count", "trust_level"), 0),
    **dict.fromkeys(("reviewable_score_count", "reviewable_score_pending_count"), 0),
    **dict.fromkeys(("yours", "can_edit", "can_delete", "can_recover", "can_wiki", "bookmarked", "moderator"), False),
    **dict.fromkeys(("admin", "staff", "hidden", "user_deleted", "wiki"), False),
    **dict.fromkeys(("reply_to_post_number", "primary_group_name", "flair_name", "flair_url", "flair_bg_color"), None),
    **dict.fromkeys(("flair_color", "user_title", "deleted_at", "edit_reason", "reviewable_id"), None),
    "avatar_template": "/letter_avatar_proxy/v4/letter/w/{size}.png",
    "actions_summary": [],
    "can_view_edit_history": True,
    "post_type": 1,
    "posts_count": 1,
    "score": 0.2,
    "user_id": 5,
    "version": 1,
}


def native(post: Post) -> dict[str, Any]:
    return {
        **_REST,
        "id": post.n,
        "name": post.author,
        "username": post.author,
        "created_at": post.at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "cooked": f"<p>{post.text}</p>",
        "raw": post.text,
        "post_number": 1,
        "topic_id": post.n,
        "topic_slug": "a-topic",
        "topic_title": post.title,
        "reply_count": 0,
        "updated_at": post.at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "post_url": f"/t/a-topic/{post.n}/1",
    }


def answer(site: Site, request: Request) -> Reply:
    if found := re.fullmatch(r"/posts/(\d+)\.json", request.path):
        held = [post for post in site.posts if str(post.n) == found[1]]
        return Reply(native(held[0])) if held else Reply({"errors": ["gone"], "error_type": "not_found"}, 404)
    if request.path != "/posts.json":
        return Reply({"errors": ["gone"], "error_type": "not_found"}, 404)
    newest = sorted(site.posts, key=lambda post: -post.n)
    before = int(request.query.get("before", newest[0].n if newest else 0))
    first = next((n for n, post in enumerate(newest) if post.n <= before), len(newest))
    inside = [post for post in newest[first:] if post.n > before - 50]
    page = site.cut(newest, first, len(inside)) if inside else []
    return Reply({"latest_posts": [native(post) for post in page]})
