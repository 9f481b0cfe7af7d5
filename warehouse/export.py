"""The published tables as files: CSV, Parquet, a Frictionless data package, the dictionary and checksums."""

import hashlib
import json
from pathlib import Path

import duckdb

from warehouse.connect import Snapshot
from warehouse.ddl import describe, quote
from warehouse.dictionary import dictionary
from warehouse.schema.fields import Field
from warehouse.schema.tables import PUBLISHED

_FRICTIONLESS = {
    "BIGINT": "integer",
    "INTEGER": "integer",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
    "TIMESTAMPTZ": "datetime",
    "DATE": "date",
}


def export_snapshot(snapshot: Snapshot, folder: Path) -> list[Path]:
    """Write every published table of a snapshot to a folder; return the files written."""
    # Not `connect_snapshot`: that one forbids writing files, and here the SQL is ours.
    with duckdb.connect(str(snapshot.path), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        return _write(con, snapshot.id, folder)


def _write(con: duckdb.DuckDBPyConnection, snapshot_id: str, folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    resources = []
    for table in PUBLISHED:
        fields = [field for field in table.fields if field.sensitivity == "public"]
        order = ", ".join(name for name in table.key if name in table.public_columns) or "ALL"
        plain = ", ".join(field.name for field in fields)
        safe = ", ".join(_inert_in_a_spreadsheet(field) for field in fields)
        for suffix, columns, options in (
            ("csv", safe, "HEADER"),
            ("parquet", plain, "FORMAT parquet, COMPRESSION zstd"),
        ):
            target = quote(str(folder / f"{table.name}.{suffix}"))
            con.execute(f"COPY (SELECT {columns} FROM {table.name} ORDER BY {order}) TO {target} ({options})")  # noqa: S608
        resources.append(
            {
                "name": table.name.replace("_", "-"),
                "path": f"{table.name}.csv",
                "description": table.description,
                "format": "csv",
                "schema": {
                    "fields": [
                        {
                            "name": field.name,
                            "type": _FRICTIONLESS.get(field.type, "string"),
                            "description": describe(field),
                            "example": field.example,
                        }
                        for field in fields
                    ],
                    "primaryKey": list(table.key),
                },
            }
        )
    package = {
        "name": "offscript",
        "title": "Offscript: reports of AI agents acting outside their instructions",
        "version": snapshot_id,
        "licenses": [{"name": "CC-BY-4.0", "title": "labels, links and figures; excerpts remain their authors'"}],
        "resources": resources,
    }
    (folder / "datapackage.json").write_text(json.dumps(package, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (folder / "dictionary.md").write_text(dictionary(), "utf-8")
    written = sorted(path for path in folder.iterdir() if path.is_file() and path.name != "SHA256SUMS")
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in written)
    (folder / "SHA256SUMS").write_text(sums, "utf-8")
    return [*written, folder / "SHA256SUMS"]


def _inert_in_a_spreadsheet(field: Field) -> str:
    """Return the column as a spreadsheet cannot take for a formula: a leading = + - @ gets an apostrophe."""
    if field.type != "VARCHAR":
        return field.name
    name = field.name
    return f"CASE WHEN regexp_matches({name}, '^[=+@\\t\\r-]') THEN '''' || {name} ELSE {name} END AS {name}"
