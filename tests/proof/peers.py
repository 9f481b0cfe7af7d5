"""The real servers, started on loopback and stopped again."""

import json
import os
import select
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from tests.proof import parts

HERE = Path(__file__).parent
START = 180.0


@dataclass(frozen=True)
class Bluesky:
    """Where Bluesky's servers answer."""

    pds: str
    appview: str
    jetstream: str


def until(met: Callable[[], bool], what: str, *, every: float = 0.05, seconds: float = START) -> None:
    """Wait until a condition is met.

    Raises:
        TimeoutError: it is not met in time.
    """
    end = time.monotonic() + seconds
    while not met():
        if time.monotonic() > end:
            msg = f"waited {seconds:.0f} s for {what}"
            raise TimeoutError(msg)
        time.sleep(every)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def listening(port: int) -> bool:
    """Whether somebody listens on a port of loopback."""
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def process(*command: str | Path, log: IO[bytes], **options: object) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program for a while; it is asked to stop, and killed if it does not."""
    # Without us it stops too, also where we are killed.
    words = ["setpriv", "--pdeathsig", "TERM", *(str(word) for word in command)]
    running = subprocess.Popen(words, stderr=log, **options)  # type: ignore[call-overload]
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


@contextmanager
def postgres(folder: Path, log: IO[bytes]) -> Iterator[str]:
    """Run an empty PostgreSQL and yield the address of its one database."""
    programs = parts.postgres()
    assert programs is not None
    data = folder / "postgres"
    data.mkdir()
    # It refuses to run as root.
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(data, "postgres")
        folder.chmod(0o755)
        as_user = ["--reuid", "postgres", "--regid", "postgres", "--init-groups"]
    made = [
        "setpriv",
        *as_user,
        str(programs / "initdb"),
        "-D",
        str(data),
        "-A",
        "trust",
        "-U",
        "proof",
        "-E",
        "UTF8",
        "-N",
    ]
    subprocess.run(made, check=True, stdout=log, stderr=log, cwd="/")
    port = free_port()
    settings = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": str(data),
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
    }
    flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with process(*as_user, programs / "postgres", "-D", data, *flags, log=log, stdout=log, cwd="/"):
        until(lambda: listening(port), "PostgreSQL")
        client = [str(programs / "psql"), "-h", "127.0.0.1", "-p", str(port), "-U", "proof", "-d", "postgres", "-qc"]
        until(
            lambda: subprocess.run([*client, "CREATE DATABASE bsky"], check=False, stderr=log, cwd="/").returncode == 0,
            "PostgreSQL's first database",
        )
        yield f"postgresql://proof@127.0.0.1:{port}/bsky"


@contextmanager
def redis(log: IO[bytes]) -> Iterator[str]:
    """Run an empty Redis and yield its address."""
    port = free_port()
    options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with process("redis-server", "--port", str(port), *options, log=log, stdout=log):
        until(lambda: listening(port), "Redis")
        yield f"127.0.0.1:{port}"


@contextmanager
def bluesky() -> Iterator[Bluesky]:
    """Run Bluesky's own servers and a Jetstream host."""
    home = parts.network()
    with tempfile.TemporaryDirectory() as name, Path(parts.FOLDER, "bluesky.log").open("wb") as log:
        folder = Path(name)
        # Modules are looked for from where a script lies.
        for script in ("network.mjs", "jetstream.mjs"):
            shutil.copy(HERE / script, home / script)
        with postgres(folder, log) as database, redis(log) as cache:
            env = {
                **os.environ,
                "DB_POSTGRES_URL": database,
                "REDIS_HOST": cache,
                "LOG_ENABLED": "false",
                "TMPDIR": name,
                "NODE_ENV": "test",
            }
            servers = process(parts.node(), home / "network.mjs", log=log, stdout=subprocess.PIPE, cwd=home, env=env)
            with servers as running:
                yield Bluesky(**json.loads(_line(running)))


def _line(running: "subprocess.Popen[bytes]") -> str:
    """Return the line of JSON with which a program says that it is ready."""
    assert running.stdout is not None
    end = time.monotonic() + START
    while time.monotonic() < end and running.poll() is None:
        if select.select([running.stdout], [], [], 1)[0]:
            line = running.stdout.readline().decode()
            if line.startswith("{"):
                return line
    msg = f"Bluesky's servers did not start: see {parts.FOLDER / 'bluesky.log'}"
    raise TimeoutError(msg)


@contextmanager
def mastodon(domain: str) -> Iterator[str]:
    """Run an empty Mastodon that believes to stand at a domain, and yield its address."""
    port = free_port()
    options = ["--in-memory", "--host", "127.0.0.1", "--port", str(port), "--domain", domain, "--log-level", "error"]
    with (
        Path(parts.FOLDER, "mastodon.log").open("wb") as log,
        process(parts.mastodon(), "serve", *options, log=log, stdout=log),
    ):
        until(lambda: listening(port), "Mastodon")
        yield f"http://127.0.0.1:{port}"


@contextmanager
def objects(bucket: str) -> Iterator[str]:
    """Run a storage that speaks S3 and has one empty bucket, and yield its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with (
        Path(parts.FOLDER, "moto.log").open("wb") as log,
        process(parts.moto(), "-H", "127.0.0.1", "-p", str(port), log=log, stdout=log),
    ):
        until(lambda: listening(port), "S3")
        httpx.put(f"{address}/{bucket}").raise_for_status()
        yield address
