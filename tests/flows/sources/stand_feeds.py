"""A web server with one Atom feed: an ETag, a conditional answer."""

import hashlib
from html import escape
from typing import Any

from tests.flows.sources.standin import Post, Reply, Request, Site


def config(base: str) -> dict[str, Any]:
    return {"urls": f"blog={base}/feed.xml"}


ASKED: dict[str, Any] = {}
GIVEN = ""
XML = {"Content-Type": "application/atom+xml; charset=utf-8"}


def entry(post: Post) -> str:
    return (
        f"<entry><id>tag:blog.example,{post.n}</id><title>{escape(post.title)}</title>"
        f'<link href="https://blog.example/{post.n}"/><updated>{post.at:%Y-%m-%dT%H:%M:%SZ}</updated>'
        f"<author><name>{post.author}</name></author>"
        f'<content type="html">{escape(f"<p>{post.text}</p>")}</content></entry>'
    )


def native(post: Post) -> dict[str, Any]:
    return {
        "id": f"tag:blog.example,{post.n}",
        "link": f"https://blog.example/{post.n}",
        "title": post.title,
        "author": str(post.author),
        "time": int(post.at.timestamp()),
        "content": f"<p>{post.text}</p>",
        "feed": "blog",
    }


def answer(site: Site, request: Request) -> Reply:
    listed = site.cut(list(reversed(site.posts)), 0, 1000)
    body = (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Blog</title>'
        + "".join(entry(post) for post in listed)
        + "</feed>"
    ).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    if request.headers.get("if-none-match") == etag:
        return Reply(b"", 304, {"ETag": etag})
    return Reply(body, headers={**XML, "ETag": etag})
