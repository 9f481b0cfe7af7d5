"""A loopback HTTP server that stands in for a platform: stateful, with a log and a queue of faults."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flows.exchange import Limits
from flows.http import Client

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Post:
    """What a stand-in holds; every platform shows it in its own shape."""

    n: int
    at: datetime
    title: str
    text: str
    author: str | None = "someone"


def posts(count: int, *, end: datetime = NOW - timedelta(hours=8), gap: timedelta = timedelta(minutes=7)) -> list[Post]:
    """Return posts in our own words, oldest first, the last of them at `end`."""
    return [
        Post(
            1000 + n,
            end - gap * (count - 1 - n),
            f"claude code deleted folder {n}",
            f"I asked for a summary and claude code deleted folder {n} without asking.",
            f"writer{n % 5}",
        )
        for n in range(count)
    ]


@dataclass(frozen=True)
class Request:
    """What a stand-in was asked."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    body: bytes = b""


@dataclass
class Reply:
    """What it says: JSON unless `body` is bytes; `cut` ends the body early, `reset` with a TCP reset."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    reset: bool = False
    delay: float = 0.0

    @property
    def data(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Fault = Callable[[Request, Reply], Reply]


class Site:
    """One platform: `answer` looks at its state; `faults` are used up first, one a request."""

    def __init__(self, answer: Callable[["Site", Request], Reply], held: Sequence[Post] = ()) -> None:
        self.answer = answer
        self.posts = list(held)
        self.faults: list[Fault] = []
        self.log: list[Request] = []
        self.base = ""
        self.overlap = False
        self.shuffled = False
        # Dollars that reading here has cost.
        self.money = 0.0

    def serve(self, request: Request) -> Reply:
        self.log.append(request)
        reply = self.answer(self, request)
        return self.faults.pop(0)(request, reply) if self.faults else reply

    def cut(self, items: Sequence[Any], start: int, size: int) -> list[Any]:
        """Return a page of items as this site pages: overlapping or out of order where a test says so."""
        first = max(start - 1, 0) if self.overlap else start
        page = list(items[first : start + size])
        return page[::2] + page[1::2] if self.shuffled else page


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: ",".join(values) for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            form = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = site.serve(Request(self.command, parts.path, query, headers, form, self.path, body))
            time.sleep(reply.delay)
            data = reply.data
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data if reply.cut is None else data[: reply.cut])
            if reply.reset:
                self.wfile.flush()
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if reply.cut is not None or reply.reset:
                self.close_connection = True

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@contextmanager
def running(site: Site) -> Iterator[Site]:
    """Serve a site on loopback."""
    server = _Quiet(("127.0.0.1", 0), _handler(site))
    site.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.at = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds
        self.slept.append(seconds)


def client(time_: Time | None = None, **limits: Any) -> Client:
    """Return a client that may talk to loopback and never really sleeps."""
    clock = time_ or Time()
    return Client(
        "offscript-test",
        limits=Limits(**{"read": 5.0, **limits}),
        allow_private=True,
        clock=clock.clock,
        sleep=clock.sleep,
        now=lambda: NOW,
    )


def status(code: int, body: Any = None, **headers: str) -> Fault:
    """Return a fault: another status."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request, _reply: Reply({"message": "no"} if body is None else body, code, named)


def html(_request: Request, _reply: Reply) -> Reply:
    """A page for people instead of JSON."""
    return Reply(b"<html><body>Checking your browser</body></html>", headers={"Content-Type": "text/html"})


def reset(_request: Request, reply: Reply) -> Reply:
    """The connection is reset in the middle of the body."""
    reply.cut, reply.reset = len(reply.data) // 2, True
    return reply


def truncated(_request: Request, reply: Reply) -> Reply:
    """Half of the answer, said to be whole."""
    return Reply(reply.data[: len(reply.data) // 2], headers=reply.headers)


def slow(_request: Request, reply: Reply) -> Reply:
    """An answer later than the client waits."""
    reply.delay = 0.5
    return reply
