"""What holds for the tree as a whole: no foreign paths, no foreign words, no file too long to read in one sitting."""

import subprocess

import pytest

from tests.conftest import ROOT

LONGEST = 420


def tracked() -> list[str]:
    try:
        found = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [name for name in found.stdout.splitlines() if (ROOT / name).is_file()]


def test_no_module_is_too_long_to_read() -> None:
    long = {
        name: n
        for name in tracked()
        if name.endswith(".py") and (n := len((ROOT / name).read_text().splitlines())) > LONGEST
    }
    assert long == {}


def test_the_lock_names_no_address() -> None:
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    assert all("--hash=sha256:" in block for block in text.split("\n\n") if "==" in block)


def test_every_command_of_the_readme_exists() -> None:
    import re

    from flows.cli import main

    told = set(re.findall(r"^\| `offscript ([a-z-]+)", (ROOT / "README.md").read_text(), flags=re.MULTILINE))
    assert told == set(main.commands)
