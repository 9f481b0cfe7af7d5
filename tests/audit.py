"""`make audit`: known faults of the dependencies, bandit's rules, and under which licence each package comes."""

import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

from tests.conftest import ROOT

# What may be combined with Apache-2.0 in a program that is passed on.
_FREE = ("MIT", "BSD", "Apache", "ISC", "PSF", "Python Software", "MPL", "Mozilla", "Unlicense", "Zlib", "HPND", "CC0", "LGPL", "Public Domain", "0BSD", "CNRI")  # fmt: skip
OUT = ROOT / "docs" / "licences.md"


def licences() -> list[tuple[str, str, str]]:
    """Return name, version and licence of every installed package."""
    rows = {}
    for found in distributions():
        told = found.metadata
        fields = {name: (told.get_all(name) or [""])[0] for name in ("License-Expression", "License")}
        stated = fields["License-Expression"] or next(
            (line.rpartition(" :: ")[2] for line in told.get_all("Classifier") or () if line.startswith("License ::")),
            (fields["License"] or "not stated").strip().splitlines()[0],
        )
        rows[told["Name"].lower()] = (told["Name"], found.version, stated[:60])
    return [rows[name] for name in sorted(rows) if name != "offscript"]


def table(rows: list[tuple[str, str, str]]) -> str:
    """Return the licences as a page; the packages that need a look stand first."""
    odd = [row for row in rows if not any(sign in row[2] for sign in _FREE)]
    lines = ["# Licences of the dependencies", "", "Written by `make audit` from the packages' own metadata.", ""]
    if odd:
        lines += ["To be looked at (not stated, or not one of the usual free ones):", ""]
        lines += [f"- {name} {version}: {licence}" for name, version, licence in odd] + [""]
    lines += ["| package | version | licence |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def main() -> int:
    """Return how many of the three found something wrong."""
    wrong = 0
    ruff = [
        str(Path(sys.executable).with_name("ruff")),
        "check",
        "--select",
        "S",
        "flows",
        "warehouse",
        "classifiers",
        "app",
    ]
    wrong += subprocess.run(ruff, cwd=ROOT, check=False).returncode != 0
    OUT.write_text(table(licences()), "utf-8")
    print(f"licences of {len(licences())} packages: {OUT.relative_to(ROOT)}")
    tool = shutil.which("pip-audit")
    if tool is None:
        print("pip-audit is not installed (it asks a public service): pip install pip-audit, and run make audit again")
        return wrong
    done = subprocess.run(
        [tool, "--requirement", "requirements.lock", "--disable-pip", "--progress-spinner", "off"],
        cwd=ROOT,
        check=False,
    )
    return wrong + (done.returncode != 0)


if __name__ == "__main__":
    sys.exit(main())
