"""Child processes that never outlive their parent: each in its own group, ended in order, killed if they must be."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_PR_SET_PDEATHSIG = 1
STEADY = 60.0
LONGEST_PAUSE = 300.0
# A log is moved to `X.log.1` when it grows past this, so that months of them fit on the disk.
LOG_BYTES = 10_000_000


def die_with_parent() -> None:
    """Have the kernel end this process when its parent dies, even by SIGKILL (Linux; elsewhere nothing happens)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """A process that is kept running: started again after it ended, later each time it ends soon."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    starts: int = 0
    next_start: float = 0.0
    pause: float = field(default=1.0)

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start the process; what it prints goes to its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                list(self.command),
                env=dict(self.env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        self.started = time.monotonic()
        self.starts += 1

    def keep(self) -> int | None:
        """Start the process again if it ended and its pause is over; return the exit code of one just found dead."""
        self.turn_log()
        if self.running:
            return None
        now = time.monotonic()
        if self.process is not None:
            code = self.process.returncode
            self.pause = 1.0 if now - self.started > STEADY else min(self.pause * 2, LONGEST_PAUSE)
            self.next_start = now + self.pause
            _signal_group(self.process.pid, signal.SIGKILL)
            self.process = None
            return code
        if now >= self.next_start:
            self.start()
        return None

    def turn_log(self) -> None:
        """Move a log that has grown too long aside; the process, which appends, goes on in the emptied file."""
        with suppress(OSError):
            if self.log.stat().st_size > LOG_BYTES:
                shutil.copyfile(self.log, self.log.with_name(f"{self.log.name}.1"))
                os.truncate(self.log, 0)

    def stop(self, patience: float) -> None:
        """Ask the process to end, and kill whatever is left of its group after `patience` seconds."""
        if self.process is None:
            return
        # The leader alone is asked: a scheduler tells its own runs, in its own order.
        self.process.terminate()
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        _signal_group(self.process.pid, signal.SIGKILL)
        self.process = None


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
