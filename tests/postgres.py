"""A PostgreSQL of a test's own: Debian's programs, a new folder, a Unix socket and nothing else."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

USER: Final = "offscript"
# Debian keeps each version's programs apart; on other systems they are on the path.
_DEBIAN: Final = Path("/usr/lib/postgresql")


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, None if it is not installed."""
    found = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def postgres(*databases: str) -> Iterator[Path]:
    """Run a server with these empty databases; yield the folder of its socket, which is the `host` of a connection."""
    bin_ = programs()
    if bin_ is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="offscript-pg-"))
    # It refuses to be root.
    other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    if other:
        shutil.chown(folder, "postgres", "postgres")
        folder.chmod(0o755)
    data = folder / "data"
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    _quiet([*other, str(bin_ / "initdb"), "-D", str(data), "-A", "trust", "-U", USER, "-E", "UTF8"])
    control = [*other, str(bin_ / "pg_ctl"), "-D", str(data), "-w"]
    _quiet([*control, "-o", options, "-l", str(folder / "log"), "start"])
    try:
        for name in databases:
            _quiet([str(bin_ / "createdb"), "-h", str(folder), "-U", USER, name])
        yield folder
    finally:
        _quiet([*control, "-m", "immediate", "stop"])
        shutil.rmtree(folder, ignore_errors=True)


def _quiet(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
