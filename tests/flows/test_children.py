import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flows import children
from flows.children import Child

SLEEPS = [sys.executable, "-c", "import time; time.sleep(600)"]
PARENT = """
import sys, time
from pathlib import Path
from flows.children import Child
child = Child("c", [sys.executable, "-c", "import time; time.sleep(600)"], {}, Path(sys.argv[1]))
child.start()
print(child.process.pid, flush=True)
time.sleep(600)
"""


def soon(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.02)
    return False


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process that ended and was not waited for still has a number.
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_a_child_dies_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert alive(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert soon(lambda: not alive(pid))


def test_a_child_that_ends_is_started_again_after_a_growing_pause(tmp_path: Path) -> None:
    child = Child("c", [sys.executable, "-c", "import sys; print('bye'); sys.exit(7)"], {}, tmp_path / "log")
    child.start()
    assert soon(lambda: child.keep() == 7)
    first = child.pause
    assert child.keep() is None
    assert child.starts == 1
    child.next_start = 0.0
    child.keep()
    assert child.starts == 2
    assert soon(lambda: child.keep() == 7)
    assert child.pause > first
    assert (tmp_path / "log").read_text() == "bye\nbye\n"


def test_a_child_is_asked_to_end_and_its_group_is_killed(tmp_path: Path) -> None:
    grandchild = "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); print(p.pid, flush=True); p.wait()"
    child = Child("c", [sys.executable, "-c", grandchild], {}, tmp_path / "log")
    child.start()
    assert soon(lambda: (tmp_path / "log").read_text().strip() != "")
    pid = int((tmp_path / "log").read_text())
    child.stop(5.0)
    assert not child.running
    assert soon(lambda: not Path(f"/proc/{pid}").exists() or not alive(pid))


def test_a_log_that_grew_long_is_moved_aside_and_written_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "LOG_BYTES", 1000)
    go = tmp_path / "go"
    waits = f"import pathlib, time\nprint('x' * 2000, flush=True)\nwhile not pathlib.Path({str(go)!r}).exists(): time.sleep(0.02)"
    child = Child("c", [sys.executable, "-c", f"{waits}\nprint('later', flush=True)"], {}, tmp_path / "c.log")
    child.start()
    try:
        assert soon(lambda: child.log.stat().st_size > 1000)
        assert child.keep() is None
        assert (tmp_path / "c.log.1").read_text() == "x" * 2000 + "\n"
        go.touch()
        assert soon(lambda: child.log.read_text() == "later\n")
    finally:
        child.stop(5)
