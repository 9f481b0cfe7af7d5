"""An import in a process of its own that is killed right after it has handed over a page."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

_SCRIPT = """
import os, signal, sys
from pathlib import Path
from flows import collect
from flows.sources import dumps, jsonl
from warehouse import raw
from warehouse.connect import open_working
exec(sys.argv[4])
whole, pages = raw.store_page, 0
def store(*args, **named):
    global pages
    pages += 1
    done = whole(*args, **named)
    if pages == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    return done
raw.store_page = store
with open_working(Path(sys.argv[1])) as con:
    collect.import_file(con, Path(sys.argv[2]), coverage=None, key=b"k", run_id="r")
"""


def import_killed(db: Path, path: Path, page: int, setting: str) -> int:
    """Import a file, killed inside the transaction of its page of that number; return the exit status.

    `setting` makes the pages small, as `jsonl.PAGE_LINES = 100`.
    """
    command = [sys.executable, "-c", _SCRIPT, str(db), str(path), str(page), setting]
    return subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode
