import re
import subprocess
import sys

from tests.conftest import ROOT


def test_a_run_killed_anywhere_is_resumed_to_the_same_rows() -> None:
    """Twelve of the points of `make crash`, in a process of its own: it forks with the models loaded."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash", "--points", "12", "--seed", "7"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^12 killed .* 0 differ", done.stdout, re.MULTILINE), done.stdout
