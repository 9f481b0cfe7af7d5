"""What people take away: complete, without texts, inert in a spreadsheet, with all that is needed to read and cite it."""

import csv
import io
import json
from pathlib import Path

import duckdb
import pytest
from pyarrow import parquet

from tests.app.snapshots import publish
from warehouse.connect import connect_snapshot, find_snapshot
from warehouse.export import export_snapshot, select, table_file
from warehouse.present.inert import FORMULA, csv_cell
from warehouse.schema.fields import FIELDS
from warehouse.schema.tables import PUBLISHED, TABLES


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    db = publish(tmp_path_factory.mktemp("warehouse"))
    folder = tmp_path_factory.mktemp("export")
    export_snapshot(find_snapshot(db), folder)
    return folder


def test_each_table_is_there_three_times(folder: Path) -> None:
    for table in PUBLISHED:
        with (folder / f"{table.name}.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        lines = (folder / f"{table.name}.jsonl").read_text("utf-8").splitlines()
        assert len(rows) == len(lines) == parquet.read_metadata(folder / f"{table.name}.parquet").num_rows
        if lines:
            assert tuple(json.loads(lines[0])) == table.public_columns
    incidents = [json.loads(line) for line in (folder / "incidents.jsonl").read_text("utf-8").splitlines()]
    assert [row["incident"] for row in incidents] == [1, 2, 3, 4, 5, 6]
    assert incidents[0]["behaviours_present"] == ["shutdown_tampering"]


def test_nothing_private_leaves(folder: Path) -> None:
    private = {name for name, field in FIELDS.items() if field.sensitivity == "private"}
    metadata = json.loads((folder / "metadata.json").read_text("utf-8"))
    for table in metadata["databases"]["offscript"]["tables"].values():
        assert not private & set(table["columns"])


def test_it_can_be_cited_and_read(folder: Path) -> None:
    lines = (folder / "CITATION.cff").read_text("utf-8").splitlines()
    citation = {name: value.strip().strip('"') for name, _, value in (line.partition(":") for line in lines)}
    assert citation["version"] == "20260401T000000Z-aaaaaaaa"
    assert citation["date-released"] == "2026-04-01"
    assert {"cff-version", "message", "title", "authors", "license"} <= set(citation)
    readme = (folder / "README.md").read_text("utf-8")
    assert all(f"| `{table.name}` |" in readme for table in PUBLISHED)
    code = readme.split("```python\n")[1].split("```")[0]
    assert "is_strict" in code
    # The snippet gives the figure that the snapshot gives.
    sql = code.split('duckdb.sql("')[1].split('")')[0].replace("./", f"{folder}/")
    assert duckdb.sql(sql).fetchone() == (6,)


@pytest.mark.parametrize("start", FORMULA)
def test_no_cell_starts_a_formula(tmp_path: Path, start: str) -> None:
    db = publish(tmp_path)
    hostile = f"{start}cmd|' /C calc'!A0"
    con = duckdb.connect(str(find_snapshot(db).path))
    con.execute("UPDATE incidents SET incident_title = ? WHERE incident = 1", [hostile])
    con.close()
    con = connect_snapshot(find_snapshot(db))
    made = table_file(con, TABLES["incidents"], "csv").decode()
    assert next(csv.DictReader(io.StringIO(made)))["incident_title"] == csv_cell(hostile) == "'" + hostile
    # Where no spreadsheet reads it, it stays as it is.
    assert json.loads(table_file(con, TABLES["incidents"], "jsonl").splitlines()[0])["incident_title"] == hostile
    con.close()


def test_a_table_in_memory_equals_the_exported_file(folder: Path, tmp_path: Path) -> None:
    con = connect_snapshot(find_snapshot(publish(tmp_path)))
    for name in ("incidents", "reports", "labels"):
        made = parquet.read_table(io.BytesIO(table_file(con, TABLES[name], "parquet")))
        assert con.execute(f"SELECT count(*) FROM ({select(TABLES[name])})").fetchone() == (made.num_rows,)
        rows = list(csv.reader(io.StringIO(table_file(con, TABLES[name], "csv").decode())))
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            assert rows == list(csv.reader(file))
    con.close()
