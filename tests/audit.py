"""`make audit`: known faults of what the lock names, bandit's rules, and under which licence each package comes.

Exit codes: 0 everything was checked and is well; 1 something was found; 3 nothing was found, but a part could not be
checked (it says NOT CHECKED, and why). Without the network the faults can be read from a copy of the OSV database:
`python -m tests.audit --osv all.zip` (https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip).
"""

import argparse
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, requires, version
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from tests.conftest import ROOT

LOCK = ROOT / "requirements.lock"
OUT = ROOT / "docs" / "licences.md"
# What may be combined with Apache-2.0 in a program that is passed on.
_FREE = ("MIT", "BSD", "Apache", "ISC", "PSF", "Python Software", "MPL", "Mozilla", "Unlicense", "Zlib", "HPND", "CC0", "LGPL", "Public Domain", "0BSD", "CNRI")  # fmt: skip
# Read by a person, with what was found.
_READ = {"text-unidecode": "the Artistic License lets it be installed unchanged beside ours"}
AUDITOR = "pip-audit>=2.10,<3"


@dataclass(frozen=True)
class Part:
    """What one part of the audit came to: `state` is ok, found or unchecked."""

    name: str
    state: str
    told: str


def locked(lock: Path = LOCK) -> dict[str, str]:
    """Return name and version of every package the lock installs on this platform, and of PyTorch beside it."""
    found: dict[str, str] = {}
    for line in lock.read_text("utf-8").splitlines():
        if line[:1].isalnum():
            wanted = Requirement(line.rstrip(" \\"))
            if wanted.marker is None or wanted.marker.evaluate():
                found[canonicalize_name(wanted.name)] = next(iter(wanted.specifier)).version
    # It stands outside the lock, see the Makefile.
    found["torch"] = version("torch").partition("+")[0]
    return found


def drift(wanted: Mapping[str, str]) -> list[str]:
    """Return in what the installed packages differ from the lock."""
    out = []
    for name, pinned in wanted.items():
        try:
            held = version(name).partition("+")[0]
        except PackageNotFoundError:
            held = "not installed"
        if held != pinned:
            out.append(f"{name} {pinned}: {held}")
    return out


def licence(name: str) -> str:
    """Return the licence a package states of itself."""
    told = distribution(name).metadata
    fields = {field: (told.get_all(field) or [""])[0] for field in ("License-Expression", "License")}
    stated = fields["License-Expression"] or next(
        (line.rpartition(" :: ")[2] for line in told.get_all("Classifier") or () if line.startswith("License ::")),
        (fields["License"] or "not stated").strip().splitlines()[0],
    )
    return stated[:60]


def licences(wanted: Mapping[str, str]) -> tuple[Part, str]:
    """Look at the licence of each package, and return the page that lists them."""
    rows = []
    for name, pinned in sorted(wanted.items()):
        try:
            rows.append((name, pinned, licence(name)))
        except PackageNotFoundError:
            rows.append((name, pinned, "not installed here"))
    odd = [row for row in rows if not any(sign in row[2] for sign in _FREE)]
    lines = ["# Licences of the dependencies", "", "Written by `make audit` from the metadata of what the lock names."]
    if odd:
        lines += ["", "Not one of the usual free ones:", ""]
        lines += [f"- {name} {held}: {stated}; {_READ.get(name, 'to be looked at')}" for name, held, stated in odd]
    lines += ["", "| package | version | licence |", "| --- | --- | --- |", *(f"| {' | '.join(row)} |" for row in rows)]
    unread = [name for name, _, _ in odd if name not in _READ]
    told = f"{len(rows)} packages, docs/licences.md" + (f"; to be looked at: {', '.join(unread)}" if unread else "")
    return Part("licences", "found" if unread else "ok", told), "\n".join(lines) + "\n"


def bandit() -> Part:
    """Run bandit's rules (ruff's S) over what is shipped."""
    command = [str(Path(sys.executable).with_name("ruff")), "check", "--quiet", "--select", "S"]
    done = subprocess.run(
        [*command, "flows", "warehouse", "classifiers", "app"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return Part("bandit's rules", "found" if done.returncode else "ok", done.stdout.strip() or "no finding")


def audited(report: str, failed: str) -> Part:
    """Judge pip-audit's report: a package it could not look up was not checked, whatever the exit code says."""
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError):
        return Part("known faults", "unchecked", failed)
    faults = [
        f"{package['name']} {package['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'none'}"
        for package in packages
        for fault in package.get("vulns", ())
    ]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    told = f"{len(packages) - len(skipped)} of {len(packages)} packages looked up"
    if faults:
        return Part("known faults", "found", "\n".join([told, *faults]))
    if skipped:
        return Part("known faults", "unchecked", f"{told}; the index knows nothing of the others ({skipped[0]}, …)")
    return Part("known faults", "ok", told)


def ask(wanted: Mapping[str, str]) -> Part:
    """Ask the public database of faults, through pip-audit in an environment of its own."""
    tool = shutil.which("pip-audit")
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if tool is None and uv is None:
        return Part("known faults", "unchecked", "neither pip-audit nor uv, which could fetch it, is installed")
    command = [tool] if tool else [str(uv), "tool", "run", "--quiet", "--from", AUDITOR, "pip-audit"]
    pins = "".join(f"{name}=={pinned}\n" for name, pinned in wanted.items())
    options = ["--requirement", "/dev/stdin", "--disable-pip", "--no-deps", "--progress-spinner", "off", "--format", "json"]  # fmt: skip
    done = subprocess.run([*command, *options], cwd=ROOT, input=pins, capture_output=True, text=True, check=False)
    failed = (done.stderr.strip().splitlines() or ["no answer"])[-1]
    return audited(done.stdout, failed[:300])


def faults_of(entry: Mapping[str, Any], wanted: Mapping[str, str]) -> Iterator[str]:
    """Yield which of the packages an entry of the OSV database concerns."""
    if entry.get("withdrawn"):
        return
    for affected in entry.get("affected", ()):
        package = affected.get("package", {})
        name = canonicalize_name(package.get("name", ""))
        if package.get("ecosystem") != "PyPI" or name not in wanted:
            continue
        held = wanted[name]
        spans = [span["events"] for span in affected.get("ranges", ()) if span.get("type") == "ECOSYSTEM"]
        if held in affected.get("versions", ()) or any(_within(Version(held), events) for events in spans):
            yield f"{name} {held}: {entry['id']} {entry.get('summary', '')}".strip()


def _within(held: Version, events: Sequence[Mapping[str, str]]) -> bool:
    """Whether a version lies in a range of OSV: after an `introduced`, before the next `fixed` (or `last_affected`)."""
    inside = False
    for event in events:
        for kind, bound in event.items():
            try:
                at = Version(bound)
            except InvalidVersion:
                continue
            if kind == "introduced" and held >= at:
                inside = True
            elif (kind == "fixed" and held >= at) or (kind == "last_affected" and held > at):
                inside = False
    return inside


def look_up(database: Path, wanted: Mapping[str, str]) -> Part:
    """Look the packages up in a copy of the OSV database."""
    found = []
    with zipfile.ZipFile(database) as archive:
        names = [name for name in archive.namelist() if name.endswith(".json")]
        newest = max((info.date_time for info in archive.infolist()), default=(0, 0, 0))
        for name in names:
            found += list(faults_of(json.loads(archive.read(name)), wanted))
    day = "-".join(f"{part:02d}" for part in newest[:3])
    told = f"{len(wanted)} packages, {len(names):,} entries of {database} (newest of {day})"
    return Part("known faults", "found" if found else "ok", "\n".join([told, *sorted(set(found))]))


def main(database: Path | None) -> int:
    """Run the audit and return the exit code."""
    wanted = locked()
    differs = drift(wanted)
    direct = {canonicalize_name(Requirement(text).name) for text in requires("offscript") or () if "extra" not in text}
    unlocked = sorted(direct - set(wanted))
    told = "; ".join([*differs, *(f"{name} is required and not locked" for name in unlocked)])
    parts = [Part("lock", "found" if told else "ok", told or f"{len(wanted)} packages, installed as locked")]
    parts.append(look_up(database, wanted) if database else ask(wanted))
    parts.append(bandit())
    part, page = licences(wanted)
    OUT.write_text(page, "utf-8")
    parts.append(part)
    for part in parts:
        print(f"{'NOT CHECKED' if part.state == 'unchecked' else part.state:11}  {part.name}: {part.told}")
    states = {part.state for part in parts}
    return 1 if "found" in states else 3 if "unchecked" in states else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--osv", type=Path, help="a copy of the OSV database of PyPI, all.zip")
    sys.exit(main(parser.parse_args().osv))
