"""What stands between a collector and a real server: faults, and the parts of a service that the server leaves out."""

import json
import socket
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from tests.flows.sources.standin import Reply, Request, Site

SEARCH = "/xrpc/app.bsky.feed.searchPosts"
# Headers that belong to one connection, and those that describe a body we have unpacked.
_OWN = {"host", "connection", "content-length", "content-encoding", "transfer-encoding", "accept-encoding", "date"}


class Routes(httpx.HTTPTransport):
    """Sends requests for hosts with public names to servers on loopback."""

    def __init__(self, routes: Mapping[str, str]) -> None:
        super().__init__()
        self._routes = {host: httpx.URL(target) for host, target in routes.items()}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        target = self._routes[request.url.host]
        request.url = request.url.copy_with(scheme=target.scheme, host=target.host, port=target.port)
        return super().handle_request(request)


class Forward:
    """The answer of a `Site` that asks a real server; its faults fall on the real answers."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self._http = httpx.Client(base_url=upstream, timeout=60)

    def __call__(self, site: Site, request: Request) -> Reply:
        return self.ask(request, request.target)

    def ask(self, request: Request, target: str) -> Reply:
        """Return the real server's answer to a request, sent to another target of it."""
        headers = {name: value for name, value in request.headers.items() if name not in _OWN}
        answer = self._http.request(request.method, target, headers=headers, content=request.body)
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _OWN}
        return Reply(answer.content, answer.status_code, kept)


class Search(Forward):
    """Bluesky's search with what dev-env's leaves out: quoted phrases, since and until; cursors only with a login.

    Its index knows substrings only and ignores every span. Posts outside the span are taken out of its pages here, as
    the service takes out posts that may not be shown: pages become short, and some empty with a cursor.
    """

    def __init__(self, upstream: str, *, logged_in: bool) -> None:
        super().__init__(upstream)
        self.logged_in = logged_in

    def __call__(self, site: Site, request: Request) -> Reply:
        if request.path != SEARCH:
            return super().__call__(site, request)
        query = {name: values[-1] for name, values in parse_qs(urlsplit(request.target).query).items()}
        if "cursor" in query and not self.logged_in:
            return Reply({"error": "Forbidden", "message": "log in"}, 403)
        query["q"] = query["q"].strip('"')
        reply = self._page(request, query)
        if self.logged_in or not isinstance(reply.body, dict):
            return reply
        # Whether there is more in the span decides whether the service would give a cursor.
        found, cursor = list(reply.body["posts"]), reply.body.get("cursor")
        while cursor and len(found) <= int(query["limit"]):
            more = self._page(request, {**query, "cursor": cursor}).body
            found, cursor = [*found, *more["posts"]], more.get("cursor")
        size = int(query["limit"])
        return Reply({"posts": found[:size], **({"cursor": "more"} if len(found) > size else {})})

    def _page(self, request: Request, query: Mapping[str, str]) -> Reply:
        reply = self.ask(request, f"{request.path}?{urlencode(query)}")
        if reply.status != 200:
            return reply
        answer: dict[str, Any] = json.loads(reply.body)
        start, end = (datetime.fromisoformat(query[name]) for name in ("since", "until"))
        answer["posts"] = [post for post in answer["posts"] if start <= _sort_at(post) < end]
        return Reply(answer, 200, reply.headers)


def _sort_at(view: Mapping[str, Any]) -> datetime:
    """Return the time by which Bluesky sorts a post."""
    return min(datetime.fromisoformat(text) for text in (view["record"]["createdAt"], view["indexedAt"]))


class Line:
    """A TCP line to a real server that is reset after so many bytes, once for each number, and then holds.

    Attributes:
        resets: how often it was.
        connections: how often it was opened.
    """

    def __init__(self, upstream: str, plan: Sequence[int]) -> None:
        parts = urlsplit(upstream)
        assert parts.hostname
        assert parts.port
        self._target = (parts.hostname, parts.port)
        self.plan = list(plan)
        self.resets = 0
        self.connections = 0

    def join(self, near: socket.socket) -> None:
        """Carry one connection to its end."""
        self.connections += 1
        limit = self.plan.pop(0) if self.plan else None
        with near, socket.create_connection(self._target) as far:
            up = threading.Thread(target=_carry, args=(near, far, None), daemon=True)
            up.start()
            if _carry(far, near, limit):
                self.resets += 1
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # A socket that somebody still reads from is not closed: the other thread has to end first.
            with suppress(OSError):
                near.shutdown(socket.SHUT_RD)
            up.join()


def _carry(source: socket.socket, target: socket.socket, limit: int | None) -> bool:
    """Carry bytes one way until one side ends, or `limit` of them; return whether the limit was reached."""
    carried = 0
    try:
        while data := source.recv(65_536):
            if limit is not None and carried + len(data) >= limit:
                target.sendall(data[: limit - carried])
                return True
            target.sendall(data)
            carried += len(data)
    except OSError:
        pass
    return False


@contextmanager
def opened(line: Line) -> Iterator[str]:
    """Serve a line on loopback and yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    near, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=line.join, args=(near,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
