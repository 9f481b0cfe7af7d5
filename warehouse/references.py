"""Figures published by others, shipped as CSV: cited beside ours, never added to them."""

import csv
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb

from warehouse.present.wording import STUDY_CITED
from warehouse.rows import fetch, merge
from warehouse.schema.tables import TABLES

# Column of the file -> column of the table, where they differ.
_RENAMED: Final[Mapping[str, Mapping[str, str]]] = {
    "reference_counts": {"unit": "value_unit"},
    "reference_rates": {"behaviour": "tested_behaviour"},
    "events": {},
}
_FILES: Final = {"reference_counts": "field_counts.csv", "reference_rates": "lab_rates.csv", "events": "events.csv"}
STUDY: Final = "cltr_scheming_in_the_wild"
_FIRST: Final = "incidents in the first month"
_LAST: Final = "incidents in the last month"


class StudyCounts(NamedTuple):
    """The two published monthly counts, and how to cite them."""

    first: int
    last: int
    citation: str


def load_references(con: duckdb.DuckDBPyConnection) -> int:
    """Bring the shipped figures into the warehouse and return how many rows changed; the caller owns the transaction.

    Raises:
        ValueError: a shipped file does not have the columns of its table, a figure is not a number, or a key is twice.
    """
    return sum(_load(con, table, _shipped(file)) for table, file in _FILES.items())


def study_first_last(source: duckdb.DuckDBPyConnection | Path | None = None) -> StudyCounts:
    """Return the published study's counts of its first and last month with their citation.

    Args:
        source: a snapshot or the working file, a CSV file laid out like the shipped one, or none for the shipped one.

    Raises:
        LookupError: the source does not hold both counts.
    """
    if isinstance(source, duckdb.DuckDBPyConnection):
        rows = fetch(
            source, "SELECT what, value, confidence, source_url FROM reference_counts WHERE series = ?", [STUDY]
        )
    else:
        file = source or _shipped(_FILES["reference_counts"])
        rows = [row for row in _read(file, "reference_counts") if row["series"] == STUDY]
    found = {row["what"]: row for row in rows if row["value"] is not None}
    missing = [what for what in (_FIRST, _LAST) if what not in found]
    if missing:
        msg = f"no figure of {STUDY} for: {', '.join(missing)}"
        raise LookupError(msg)
    first, last = int(found[_FIRST]["value"]), int(found[_LAST]["value"])
    confidence = " and ".join(sorted({str(found[what]["confidence"]) for what in (_FIRST, _LAST)}))
    citation = (
        f"{STUDY_CITED}, {found[_FIRST]['source_url']}: {first:,} incidents in the first month, {last:,} "
        f"in the last ({confidence} source). The bounds of these months were not published: equal length is assumed. "
        "Its counting rules are not ours; its figures are never added to ours."
    )
    return StudyCounts(first, last, citation)


def study_controls(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return the published study's controls, `what` and `value`: the ratio of last month to first of mere talk."""
    return fetch(
        con,
        "SELECT what, value FROM reference_counts WHERE series = ? AND what LIKE 'control:%' ORDER BY value DESC",
        [STUDY],
    )


LAB_NOTE: Final = (
    "Laboratory rates of one study, by model and behaviour under staged conditions: shares of its runs, not of what "
    "that happened outside. Not comparable as rates with counts of reported incidents, nor with one another across "
    "conditions; an empty rate was not found in print and is not a zero."
)


class LabRow(NamedTuple):
    """One published laboratory rate; null where it was not found."""

    model: str
    behaviour: str
    subject: str
    condition: str
    statistic: str
    rate: float | None
    confidence: str
    source_url: str
    note: str | None


def lab_table(con: duckdb.DuckDBPyConnection, *, found_only: bool = False) -> tuple[LabRow, ...]:
    """Return the laboratory rates by model and behaviour: to be shown with `LAB_NOTE`, never as rates beside ours.

    Args:
        con: a snapshot or the working file.
        found_only: leave out figures that were not found in print.
    """
    rows = con.execute(
        "SELECT model, tested_behaviour, subject, condition, statistic, rate, confidence, source_url, note "
        "FROM reference_rates WHERE rate IS NOT NULL OR NOT ? ORDER BY model, tested_behaviour, condition, statistic",
        [found_only],
    ).fetchall()
    return tuple(LabRow(*row) for row in rows)


def _shipped(name: str) -> Traversable:
    return files("warehouse") / "figures" / name


def _load(con: duckdb.DuckDBPyConnection, name: str, file: Traversable) -> int:
    table = TABLES[name]
    rows = _read(file, name)
    keys = [tuple(row[column] for column in table.key) for row in rows]
    twice = {key for key in keys if keys.count(key) > 1}
    if twice:
        msg = f"{file.name}: key stands twice: {sorted(twice, key=str)[0]}"
        raise ValueError(msg)
    changed = merge(con, table, rows, update=[column for column in table.columns if column not in table.key])
    kept = set(keys)
    held = con.execute(f"SELECT {', '.join(table.key)} FROM {name}").fetchall()  # noqa: S608
    gone = [key for key in held if key not in kept]
    same = " AND ".join(f"{column} IS NOT DISTINCT FROM ?" for column in table.key)
    for key in gone:
        con.execute(f"DELETE FROM {name} WHERE {same}", list(key))  # noqa: S608
    return changed.inserted + changed.updated + len(gone)


def _read(file: Traversable | Path, name: str) -> list[dict[str, Any]]:
    """Return the rows of a file under the names of their table; an empty cell is null."""
    table = TABLES[name]
    renamed = _RENAMED[name]
    with file.open("r", encoding="utf-8") as opened:
        reader = csv.DictReader(opened)
        columns = [renamed.get(column, column) for column in reader.fieldnames or ()]
        if sorted(columns) != sorted(table.columns):
            msg = f"{file.name}: columns {', '.join(columns)}; expected {', '.join(table.columns)}"
            raise ValueError(msg)
        types = {field.name: field.type for field in table.fields}
        return [
            {
                column: _cell(types[column], cell, f"{file.name}:{reader.line_num}")
                for column, cell in zip(columns, row.values(), strict=True)
            }
            for row in reader
        ]


def _cell(type_: str, cell: str | None, place: str) -> str | float | date | None:
    if cell is None or not cell.strip():
        return None
    if type_ == "VARCHAR":
        return cell.strip()
    read, kind = (date.fromisoformat, "day") if type_ == "DATE" else (float, "number")
    try:
        return read(cell)
    except ValueError as error:
        msg = f"{place}: {cell!r} is not a {kind}"
        raise ValueError(msg) from error
