"""What the proofs share: the real servers, a client for loopback, and the page of what was proven."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from flows.http import Client
from tests.flows.sources.standin import Time
from tests.proof import parts, peers

# What was proven, by peer: a line each, in the order of the proofs.
PROVEN: dict[str, list[tuple[str, str]]] = {}
HEAD = """# Collectors against real servers

Written by `OFFSCRIPT_PROOF_TABLE=docs/proof.md make proof`. The servers run on this machine, on loopback only: those of
`@atproto/dev-env` would listen on every interface, and are kept from it. Posts are our own words. Everything is read
through the command line's own path (`run_sources`) into a working file, or into a lake whose files are objects.
"""


def proven(peer: str, what: str, figure: object) -> None:
    """Note a line for the page."""
    PROVEN.setdefault(peer, []).append((what, f"{figure:,}" if isinstance(figure, int) else str(figure)))


@pytest.fixture(scope="session", autouse=True)
def proof_table() -> Iterator[None]:
    """Write what was proven to the file that OFFSCRIPT_PROOF_TABLE names."""
    yield
    target = os.environ.get("OFFSCRIPT_PROOF_TABLE")
    if not target or not PROVEN:
        return
    versions = " · ".join(f"{part.name} {part.here()}" for part in parts.PARTS)
    text = f"{HEAD}\nVersions: {versions}.\n"
    for peer, lines in PROVEN.items():
        text += f"\n## {peer}\n\n| what | figure |\n| --- | --- |\n"
        text += "".join(f"| {what} | {figure} |\n" for what, figure in lines)
    Path(target).write_text(text, "utf-8")


@pytest.fixture(scope="session")
def bluesky() -> Iterator[peers.Bluesky]:
    """Bluesky's own servers."""
    if missing := parts.lacking(parts.BLUESKY):
        pytest.skip(missing)
    with peers.bluesky() as servers:
        yield servers


@pytest.fixture(scope="session")
def objects() -> Iterator[str]:
    """A storage that speaks S3, with one empty bucket named `lake`."""
    if missing := parts.lacking(parts.OBJECTS):
        pytest.skip(missing)
    pytest.importorskip("duckdb_extension_httpfs", reason="pip install duckdb-extension-httpfs==1.5.5")
    with peers.objects("lake") as address:
        yield address


@pytest.fixture(scope="session")
def mastodon() -> Iterator[str]:
    """A Mastodon that believes to stand at social.test."""
    if missing := parts.lacking(parts.MASTODON):
        pytest.skip(missing)
    with peers.mastodon("social.test") as address:
        yield address


class _Quick(Time):
    """A clock that moves by sleeping; a server that was just reset gets a moment all the same."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        time.sleep(min(seconds, 0.02))


def asking(transport: httpx.BaseTransport | None = None) -> Client:
    """Return a client that may talk to loopback and does not wait for its pace."""
    quick = _Quick()
    return Client("offscript-proof", transport=transport, allow_private=True, clock=quick.clock, sleep=quick.sleep)


@pytest.fixture
def patient() -> Iterator[Client]:
    """A client for servers on loopback."""
    client = asking()
    yield client
    client.close()


def utc() -> datetime:
    """Return the time of day: real servers stamp what they are given with it."""
    return datetime.now(UTC)
