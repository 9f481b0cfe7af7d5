"""What the parts of the bench share: a row, how work is clocked, and the file the rows are kept in."""

import json
import os
import platform
import resource
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeVar

from tests.conftest import ROOT

RESULTS: Final = ROOT / "bench" / "results.json"
LIBRARIES: Final = ("duckdb", "numpy", "pandas", "pyarrow", "scikit-learn", "sentence-transformers", "torch")
T = TypeVar("T")


@dataclass(frozen=True)
class Spent:
    """Seconds on the wall and seconds of all processors, of this process and of the children it has waited for."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        name: what was measured.
        value: the figure, in `unit`. Rates are per processor second, durations on the wall, unless the name says else.
        n: of how many posts, reports or repetitions.
        wall: seconds on the wall in all, where it was clocked.
        cpu: processor seconds in all: they do not grow when others use the machine.
        baseline: the row of the same part that this one is held against.
        ratio: value divided by the baseline's value.
    """

    name: str
    value: float
    unit: str
    n: int
    wall: float | None = None
    cpu: float | None = None
    baseline: str | None = None
    ratio: float | None = None


def _processor_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def clocked(work: Callable[[], T]) -> tuple[Spent, T]:
    """Return what some work took and what it gave."""
    wall, cpu = time.perf_counter(), _processor_seconds()
    found = work()
    return Spent(time.perf_counter() - wall, _processor_seconds() - cpu), found


def rate(name: str, n: int, spent: Spent, unit: str = "posts/s", against: Row | None = None) -> Row:
    """Return a row of so many things a processor second."""
    return held_against(Row(name, n / max(spent.cpu, 1e-9), unit, n, spent.wall, spent.cpu), against)


def held_against(row: Row, baseline: Row | None) -> Row:
    """Return the row with its ratio to a baseline of the same unit."""
    if baseline is None:
        return row
    ratio = row.value / baseline.value if baseline.value else None
    return Row(row.name, row.value, row.unit, row.n, row.wall, row.cpu, baseline.name, ratio)


def peak(name: str = "peak memory") -> Row:
    """Return the most memory this process has held."""
    # Where Linux tells it: a child's `ru_maxrss` begins with what its parent held.
    told = [int(line.split()[1]) for line in _lines(Path("/proc/self/status")) if line.startswith("VmHWM:")]
    most = told[0] if told else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Row(name, most / 1024, "MiB", 1)


def machine() -> dict[str, Any]:
    """Return what a figure depends on besides the code."""
    cpu = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in _lines(cpu) if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "cpu": names[0] if names else platform.processor() or platform.machine(),
        "memory_gib": round(memory / 2**30, 1),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in LIBRARIES},
    }


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.is_file() else []


def commit() -> str:
    """Return the commit measured, with a mark when files differ from it; unknown outside a checkout."""
    try:
        told = [
            subprocess.run(["git", *args], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
            for args in (("rev-parse", "--short=12", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
        ]
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return told[0] + ("+" if told[1] else "")


def entry(title: str, about: str, rows: Sequence[Row], *, posts: str, spent: Spent) -> dict[str, Any]:
    """Return one part as the file holds it."""
    return {
        "title": title,
        "about": about,
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "commit": commit(),
        "machine": machine(),
        "posts": posts,
        "seconds": round(spent.wall, 1),
        "rows": [
            {key: _short(value) for key, value in asdict(row).items() if value is not None or key == "value"}
            for row in rows
        ],
    }


def _short(value: Any) -> Any:
    """Four digits say all that a clock knows; a file with more would change in every line at each run."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def read(path: Path = RESULTS) -> dict[str, Any]:
    """Return the parts kept so far, by name."""
    held: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return held


def keep(found: dict[str, Any], path: Path = RESULTS) -> None:
    """Merge parts into the file; the others stay as they were measured."""
    path.parent.mkdir(parents=True, exist_ok=True)
    merged = {**read(path), **found}
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(merged, indent=1, ensure_ascii=False) + "\n", "utf-8")
    part.replace(path)
