"""Data checks: every one is a SELECT of the rows that should not be there."""

from dataclasses import dataclass
from importlib.resources import files

import duckdb

from warehouse.lake import is_lake
from warehouse.schema import codes
from warehouse.schema.tables import WORKING


@dataclass(frozen=True)
class Failure:
    """A check that found bad rows, with the first of them."""

    check: str
    rows: int
    example: str


# Of these a lake has a row for every post ever read; two of one key come of one moment, and were new once.
_LATE = {"raw_items": "fetched_at", "screenings": "screened_at"}
_LATELY = "now() - INTERVAL 62 DAY"


def checks(*, lately: bool = False) -> list[tuple[str, str]]:
    """Return (name, SELECT of bad rows): natural keys and vocabularies from the schema, the rest from files.

    Args:
        lately: of tables with a row for every post, look for two of one key in the last two months only.
    """
    found = []
    for table in WORKING:
        keys = ", ".join(table.key)
        late = f"WHERE {_LATE[table.name]} >= {_LATELY}" if lately and table.name in _LATE else ""
        found.append(
            (
                f"{table.name}__key_is_unique",
                f"SELECT {keys}, count(*) FROM {table.name} {late} GROUP BY {keys} HAVING count(*) > 1",  # noqa: S608
            )
        )
        for field in table.fields:
            if field.vocabulary is None:
                continue
            allowed = ", ".join(f"'{code}'" for code in codes.VOCABULARIES[field.vocabulary])
            values = (
                f"SELECT unnest({field.name}) AS code FROM {table.name}"  # noqa: S608
                if field.type.endswith("[]")
                else f"SELECT CAST({field.name} AS VARCHAR) AS code FROM {table.name}"  # noqa: S608
            )
            found.append(
                (
                    f"{table.name}__{field.name}_is_a_code",
                    f"SELECT code FROM ({values}) WHERE code IS NOT NULL AND code NOT IN ({allowed})",  # noqa: S608
                )
            )
    folder = files("warehouse") / "checks"
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.name.endswith(".sql"):
            found.append((item.name.removesuffix(".sql"), item.read_text("utf-8")))
    return found


def run_checks(con: duckdb.DuckDBPyConnection) -> list[Failure]:
    """Run all checks on a working file; an empty list means that all is well."""
    failures = []
    for name, sql in checks(lately=is_lake(con)):
        rows = con.execute(sql).fetchall()
        if rows:
            failures.append(Failure(name, len(rows), str(rows[0])[:200]))
    return failures
