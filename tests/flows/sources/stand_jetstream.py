"""A Jetstream host on loopback, v1 and v2: past events from a cursor on, breaks where a test asks for them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.sync.server import ServerConnection, serve

from tests.flows.sources.standin import Post


def native(post: Post) -> dict[str, Any]:
    return {
        "did": "did:plc:writer",
        "rkey": f"k{post.n}",
        "time_us": int(post.at.timestamp() * 1e6),
        "record": {
            "$type": "app.bsky.feed.post",
            "text": post.text,
            "createdAt": post.at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "langs": ["en"],
        },
    }


@dataclass
class Host:
    """Events in order; `held_from` is the oldest still held; a connection breaks after each number of `breaks`."""

    events: list[dict[str, Any]] = field(default_factory=list)
    held_from: int = 0
    breaks: list[int] = field(default_factory=list)
    junk: bool = False
    base: str = ""
    asked: list[str] = field(default_factory=list)

    def add(self, post: Post, operation: str = "create") -> None:
        item = native(post)
        commit = {"operation": operation, "collection": "app.bsky.feed.post", "rkey": item["rkey"]}
        if operation != "delete":
            commit["record"] = item["record"]
        self.events.append({"did": item["did"], "time_us": item["time_us"], "kind": "commit", "commit": commit})

    def close_account(self, at: datetime, status: str) -> None:
        """An account shows its posts no more; such events come whatever collections are wanted."""
        account = {"active": False, "did": "did:plc:writer", "seq": 7, "status": status, "time": at.isoformat()}
        us = int(at.timestamp() * 1e6)
        self.events.append({"did": "did:plc:writer", "time_us": us, "kind": "account", "account": account})


def _v2(event: dict[str, Any]) -> dict[str, Any]:
    at = datetime.fromtimestamp(event["time_us"] / 1e6, UTC)
    inside = event["commit"] if "commit" in event else {"account": event["account"]}
    payload = {"did": event["did"], "time": at.isoformat().replace("+00:00", "Z"), **inside}
    return {"$type": "message", "payload": payload}


@contextmanager
def running(host: Host) -> Iterator[Host]:
    def handler(stream: ServerConnection) -> None:
        assert stream.request is not None
        parts = urlsplit(stream.request.path)
        host.asked.append(stream.request.path)
        cursor = int(parse_qs(parts.query)["cursor"][0])
        ends = host.breaks.pop(0) if host.breaks else None
        for number, event in enumerate(e for e in host.events if e["time_us"] >= max(cursor, host.held_from)):
            if number == ends:
                stream.close_socket()
                return
            if host.junk and number % 7 == 3:
                stream.send(json.dumps({"did": None, "time_us": event["time_us"], "commit": {"record": []}}))
            stream.send(json.dumps(_v2(event) if "xrpc" in parts.path else event))

    with serve(
        handler,
        "127.0.0.1",
        0,
        subprotocols=["xrpc.v1.json"],  # type: ignore[list-item]
        select_subprotocol=lambda _stream, offered: offered[0] if offered else None,
    ) as server:
        host.base = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield host
        server.shutdown()
        thread.join()
