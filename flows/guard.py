"""What keeps a collector from being led to machines that are not public."""

import socket
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

import httpcore

from flows.exchange import Refused


def _is_public(address: str) -> bool:
    ip = ip_address(address.split("%")[0])
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return ip.is_global and not ip.is_multicast


def public_addresses(host: str, port: int) -> list[str]:
    """Return the addresses of a host.

    Raises:
        Refused: one of them is private.
        httpcore.ConnectError: there are none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        msg = f"{host}: no such host"
        raise httpcore.ConnectError(msg) from error
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    if not addresses or not all(_is_public(address) for address in addresses):
        msg = f"{host}: a private address"
        raise Refused(msg)
    return addresses


def is_private(url: str) -> bool:
    """Whether an address leads to this machine or its own network, and to nowhere else that is known."""
    parts = urlsplit(url)
    try:
        public_addresses(parts.hostname or "", parts.port or 443)
    except Refused:
        return True
    except httpcore.ConnectError:
        return False
    return False


class PublicOnly(httpcore.SyncBackend):
    """Connects to public addresses only.

    The address checked is the one connected to, so no later answer of a name server can change it.
    """

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of a host that answers; refuse the host if one of them is private."""
        addresses = public_addresses(host, port)
        for address in addresses[:-1]:
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError:
                continue
        return super().connect_tcp(addresses[-1], port, timeout, local_address, socket_options)
