"""`python -m tests.bench [PART…]`: run all or some parts, print their rows, merge them into bench/results.json.

Each part runs in a process of its own, so that its memory is its own, one that fails costs no other, and one that
hangs is ended. docs/bench.md is written from the file; `--page` writes it without measuring anything.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from flows.files import aligned
from tests.bench import PARTS, frame, page, posts

LONGEST: Final = 3600.0
"""Seconds a part may take: one that hangs is ended. All of them together take some forty minutes on two cores, half of
them for the lake of fifty million posts."""


def measure(part: str, *, small: bool) -> dict[str, Any]:
    """Run one part here and return it as the file holds it."""
    module = import_module(PARTS[part])
    spent, rows = frame.clocked(lambda: module.rows(small=small))
    return frame.entry(module.TITLE, module.ABOUT, rows, posts=posts.kind(), spent=spent)


def apart(part: str, *, small: bool, longest: float = LONGEST) -> dict[str, Any] | None:
    """Run one part in a process of its own; None if it fails or takes too long, with the reason on stderr."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "part.json"
        command = [sys.executable, "-m", "tests.bench", part, "--here", "--out", str(out), *["--small"] * small]
        child = subprocess.Popen(command, start_new_session=True)
        try:
            code = child.wait(longest)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            # What it started goes with it.
            _end(child)
        if code == 0:
            found: dict[str, Any] = frame.read(out)[part]
            return found
    why = f"took longer than {longest:.0f} s" if code is None else f"ended with {code}"
    sys.stderr.write(f"{part}: {why}; what the file held of it before stays\n")
    return None


def _end(child: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def told(part: str, found: dict[str, Any]) -> str:
    """Return a part as aligned text."""
    table = [["figure", "value", "n", "seconds", "processor", "ratio", "to"]]
    table += [page.cells(row) for row in found["rows"]]
    return f"\n{part}: {found['title']} ({found['seconds']:.0f} s)\n{aligned(table)}"


def main() -> int:
    """Measure, print, keep; 1 if a part failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all without any")
    parser.add_argument("--small", action="store_true", help="seconds instead of minutes; for a look, not for figures")
    parser.add_argument(
        "--out", type=Path, default=None, help="another file than bench/results.json; no page is written"
    )
    parser.add_argument("--page", action="store_true", help="only write docs/bench.md from the file")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    unknown = sorted(set(given.parts) - set(PARTS))
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if given.small and not given.out and not given.page:
        parser.error("--small measures nothing worth keeping: name another file with --out")
    if given.page:
        page.write()
        return 0
    failed = 0
    for part in given.parts or PARTS:
        found = measure(part, small=given.small) if given.here else apart(part, small=given.small)
        if found is None:
            failed += 1
            continue
        frame.keep({part: found}, given.out or frame.RESULTS)
        if not given.here:
            sys.stdout.write(told(part, found))
            sys.stdout.flush()
            if not given.out:
                page.write()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
