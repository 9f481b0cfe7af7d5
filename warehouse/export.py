"""The published tables as files: CSV, Parquet, JSON Lines, with what is needed to read, check and cite them."""

import hashlib
import io
import json
import re
from pathlib import Path
from typing import Final

import duckdb
from pyarrow import csv, parquet

from warehouse.connect import Snapshot
from warehouse.ddl import describe, quote
from warehouse.export_texts import beside
from warehouse.present.inert import FORMULA
from warehouse.schema.fields import Field
from warehouse.schema.tables import PUBLISHED, Table

_FRICTIONLESS = {
    "BIGINT": "integer",
    "INTEGER": "integer",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
    "TIMESTAMPTZ": "datetime",
    "DATE": "date",
}
_FORMATS: Final = {"csv": "HEADER", "parquet": "FORMAT parquet, COMPRESSION zstd", "jsonl": "FORMAT json"}
_BATCH: Final = 10_000
_FORMULA: Final = f"^[{re.escape(FORMULA)}]"


def export_snapshot(snapshot: Snapshot, folder: Path) -> list[Path]:
    """Write every published table of a snapshot to a folder; return the files written."""
    # Not `connect_snapshot`: that one forbids writing files, and here the SQL is ours.
    with duckdb.connect(str(snapshot.path), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        return _write(con, snapshot.id, folder)


def _write(con: duckdb.DuckDBPyConnection, snapshot_id: str, folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    info = con.execute("SELECT published_at, version FROM snapshot_info").fetchone() or (None, "")
    resources = []
    for table in PUBLISHED:
        fields = [field for field in table.fields if field.sensitivity == "public"]
        for suffix, options in _FORMATS.items():
            target = quote(str(folder / f"{table.name}.{suffix}"))
            con.execute(f"COPY ({select(table, inert=suffix == 'csv')}) TO {target} ({options})")
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
    for name, text in beside(snapshot_id, *info).items():
        (folder / name).write_text(text, "utf-8")
    written = sorted(path for path in folder.iterdir() if path.is_file() and path.name != "SHA256SUMS")
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in written)
    (folder / "SHA256SUMS").write_text(sums, "utf-8")
    return [*written, folder / "SHA256SUMS"]


def select(table: Table, *, inert: bool = False) -> str:
    """Return the SQL of a table's public columns in the order of its key; `inert` for a spreadsheet."""
    fields = [field for field in table.fields if field.sensitivity == "public"]
    columns = ", ".join(_inert_in_a_spreadsheet(field) if inert else field.name for field in fields)
    order = ", ".join(name for name in table.key if name in table.public_columns) or "ALL"
    return f"SELECT {columns} FROM {table.name} ORDER BY {order}"  # noqa: S608


def table_file(con: duckdb.DuckDBPyConnection, table: Table, suffix: str) -> bytes:
    """Return one table as a csv, parquet or jsonl file, made in memory: a locked snapshot writes no file."""
    out = io.BytesIO()
    if suffix == "jsonl":
        cursor = con.execute(f"SELECT to_json(t)::VARCHAR FROM ({select(table)}) t")  # noqa: S608
        while rows := cursor.fetchmany(_BATCH):
            out.write("".join(f"{row[0]}\n" for row in rows).encode())
        return out.getvalue()
    found = con.execute(select(table, inert=suffix == "csv")).to_arrow_table()
    if suffix == "parquet":
        parquet.write_table(found, out, compression="zstd")
    else:
        csv.write_csv(found, out)
    return out.getvalue()


def _inert_in_a_spreadsheet(field: Field) -> str:
    """Return the column as text that a spreadsheet cannot take for a formula: a leading = + - @ gets an apostrophe."""
    name = field.name
    if field.type.endswith("[]") or field.type == "TIMESTAMPTZ":
        return f"CAST({name} AS VARCHAR) AS {name}"
    if field.type not in ("VARCHAR", "JSON"):
        return name
    text = f"CAST({name} AS VARCHAR)"
    return f"CASE WHEN regexp_matches({text}, '{_FORMULA}') THEN '''' || {text} ELSE {text} END AS {name}"
