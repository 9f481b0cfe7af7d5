"""The cases of `make fuzz`, led by coverage: `make fuzz-guided`, or `python -m tests.guided --runs 20000 [NAME]`.

libFuzzer (through atheris) makes up the bytes from which hypothesis draws a case, and keeps those that reach new lines
of a parser. Each parser runs in a process of its own, as libFuzzer ends the one it runs in. Its corpus is kept between
runs in .fuzz/, so that a later run begins where an earlier one got to.
"""

import argparse
import random
import re
import subprocess
import sys
import time
from importlib import import_module
from importlib.util import find_spec

from tests.conftest import ROOT

CORPUS = ROOT / ".fuzz"
_COVERED = re.compile(r"cov: (\d+) ft: \d+ corp: (\d+)")


def one(name: str, options: list[str]) -> None:
    """Lead one parser; does not return."""
    atheris = import_module("atheris")

    # Before they are imported: their branches are counted from now on.
    with atheris.instrument_imports(include=["flows", "classifiers", "warehouse"]):
        from tests.fuzz import case

    atheris.Setup([sys.argv[0], *options], case(name, cases=1, start=1).hypothesis.fuzz_one_input)  # type: ignore[attr-defined]
    atheris.Fuzz()


def main(names: list[str], runs: int) -> int:
    """Lead the parsers named, or all; return how many had a finding, or -1 where atheris is missing."""
    if find_spec("atheris") is None:
        print("NOT RUN: atheris is not installed (make fuzz-guided installs it where it has a wheel: Linux)")
        return -1
    from tests.fuzz import PARSERS

    bad = 0
    for name in names or PARSERS:
        corpus = CORPUS / re.sub(r"\W+", "-", name)
        if not corpus.exists():
            corpus.mkdir(parents=True)
            # Of a few bytes no case can be drawn: libFuzzer, left alone, would begin with those.
            for number in range(32):
                (corpus / f"seed-{number}").write_bytes(random.Random(number).randbytes(64 << number % 5))
        began = time.monotonic()
        options = [
            f"-runs={runs}",
            "-max_len=2048",
            "-len_control=0",
            f"-artifact_prefix={corpus.parent}/found-{corpus.name}-",
            str(corpus),
        ]
        done = subprocess.run(
            [sys.executable, "-m", "tests.guided", "--one", name, *options],
            cwd=ROOT, capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        if done.returncode:
            bad += 1
            print(f"FOUND  {name}\n{done.stdout[-2000:]}{done.stderr[-4000:]}", flush=True)
            continue
        reached = _COVERED.findall(done.stderr)
        first, last = (reached[0], reached[-1]) if reached else (("?", "?"), ("?", "?"))
        print(
            f"ok     {name}: {runs:,} cases, {time.monotonic() - began:.1f} s; "
            f"branches reached {first[0]} to {last[0]}, {last[1]} cases kept",
            flush=True,
        )
    print(f"{len(names or PARSERS)} parsers, {runs:,} cases each: {bad} with findings")
    return bad


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    found = main(given.names, given.runs)
    sys.exit(3 if found < 0 else min(found, 1))
