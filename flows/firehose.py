"""The one module that opens a websocket: a bounded stream of JSON messages from a public host."""

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpcore
from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from flows.exchange import BadAnswer, Refused, Unavailable, place
from flows.guard import public_addresses

MAX_MESSAGE = 1024 * 1024


def messages(
    url: str, *, user_agent: str, subprotocol: str | None = None, patience: float = 30.0, allow_private: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield the messages of a stream until the caller stops asking.

    Args:
        url: a ws or wss address.
        user_agent: who we are.
        subprotocol: the one to speak, if the host asks for one.
        patience: seconds without a message after which the stream counts as broken.
        allow_private: also connect to loopback and private addresses.

    Raises:
        Unavailable: the stream broke off, or did not begin.
        BadAnswer: a message is not a JSON object.
        Refused: a private address, or not a stream.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"ws", "wss"} or not parts.hostname:
        msg = f"{place(url)}: not the address of a stream"
        raise Refused(msg)
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    try:
        found = [parts.hostname] if allow_private else public_addresses(parts.hostname, port)
        # The address that was checked is the one connected to.
        opened = socket.create_connection((found[0], port), timeout=10)
        with connect(
            url,
            sock=opened,
            subprotocols=[Subprotocol(subprotocol)] if subprotocol else None,
            user_agent_header=user_agent,
            max_size=MAX_MESSAGE,
            open_timeout=10,
            close_timeout=0.2,
            compression=None,
        ) as stream:
            while True:
                yield _object(stream.recv(timeout=patience), url)
    except InvalidHandshake as error:
        msg = f"{place(url)}: {error}"
        raise Unavailable(msg) from error
    except (WebSocketException, OSError, httpcore.ConnectError) as error:
        msg = f"{place(url)}: {type(error).__name__} {error}".rstrip()
        raise Unavailable(msg) from error


def _object(text: str | bytes, url: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        msg = f"{place(url)}: a message is not JSON"
        raise BadAnswer(msg) from error
    if not isinstance(found, dict):
        msg = f"{place(url)}: a message is not an object"
        raise BadAnswer(msg)
    return found
