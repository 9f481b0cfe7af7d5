"""docs/bench.md, written from bench/results.json: no figure on the page that is not in the file."""

from pathlib import Path
from typing import Any, Final

from tests.bench import PARTS, frame
from tests.conftest import ROOT

PAGE: Final = ROOT / "docs" / "bench.md"
_INTRO: Final = """# What it costs

Written by `make bench` (`python -m tests.bench [PART…]`) from [bench/results.json](../bench/results.json). Each part runs in
a process of its own and is held against what a user would otherwise do, in the same run, on the same posts. Rates are per
**processor second**, which changes far less than the clock when others use the machine; durations are on the wall. *Seconds* and
*processor* are what the figure took in all; *n* says of how many. *Ratio* is the figure divided by the one named beside it:
above 1 a rate is better, a duration worse. Nothing here is asserted in a test: compare ratios, not seconds.
"""


def amount(value: float | int | None) -> str:
    """Return a figure with as many digits as it carries."""
    if value is None:
        return ""
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:,.4g}" if abs(value) < 100 else f"{value:,.0f}"


def cells(row: dict[str, Any]) -> list[str]:
    """Return one row of the file as text, in the order of the table's columns."""
    return [
        row["name"],
        f"{amount(row['value'])} {row['unit']}",
        f"{row['n']:,}",
        amount(row.get("wall")),
        amount(row.get("cpu")),
        "" if row.get("ratio") is None else f"{row['ratio']:.3g}",
        row.get("baseline") or "",
    ]


def text(found: dict[str, Any]) -> str:
    """Return the page for what the file holds."""
    parts = [_INTRO, *(_part(name, found[name]) for name in PARTS if name in found)]
    missing = [name for name in PARTS if name not in found]
    if missing:
        parts.append(f"Not measured: {', '.join(missing)}.\n")
    return "\n".join(parts)


def _part(name: str, part: dict[str, Any]) -> str:
    machine = part["machine"]
    lines = [
        f"## {part['title']}",
        "",
        part["about"],
        "",
        "| figure | value | n | seconds | processor | ratio | to |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(f"| {' | '.join(cells(row))} |" for row in part["rows"]),
        "",
        f"`python -m tests.bench {name}`, {part['date']}, commit {part['commit']}, {part['seconds']:.0f} s, {part['posts']}; "
        f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gib']:g} GiB, Python {machine['python']}, "
        f"{', '.join(f'{key} {value}' for key, value in machine['versions'].items())}.",
        "",
    ]
    return "\n".join(lines)


def write(results: Path = frame.RESULTS, page: Path = PAGE) -> None:
    """Write the page."""
    page.write_text(text(frame.read(results)), "utf-8")
