from pathlib import Path

import duckdb
import pytest

from tests.conftest import ROOT
from warehouse import ddl
from warehouse.connect import WarehouseError, open_working
from warehouse.dictionary import dictionary
from warehouse.migrate import MigrationError, migrate, migrations
from warehouse.schema.fields import FIELDS
from warehouse.schema.tables import TABLES, WORKING

COLUMNS = "SELECT table_name, column_name, data_type FROM information_schema.columns ORDER BY ALL"


def columns(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    names = {table.name for table in WORKING}
    return [row for row in con.execute(COLUMNS).fetchall() if row[0] in names]


def test_a_migrated_schema_equals_a_fresh_one() -> None:
    migrated, fresh = duckdb.connect(), duckdb.connect()
    migrate(migrated)
    ddl.create_all(fresh, WORKING)
    assert columns(migrated) == columns(fresh)
    assert len(columns(fresh)) == sum(len(table.columns) for table in WORKING)


def test_every_column_carries_its_comment() -> None:
    con = duckdb.connect()
    migrate(con)
    names = tuple(table.name for table in WORKING)
    bare = con.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE comment IS NULL AND table_name IN ?", [names]
    ).fetchall()
    assert bare == []


def test_every_declared_field_is_used_and_every_key_is_a_column() -> None:
    used = {column for table in TABLES.values() for column in table.columns}
    assert used == set(FIELDS)
    assert all(set(table.key) <= set(table.columns) for table in TABLES.values())


def test_migrating_twice_does_nothing() -> None:
    con = duckdb.connect()
    assert migrate(con) == len(migrations())
    assert migrate(con) == 0


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    with open_working(tmp_path / "x.duckdb") as con:
        con.execute("INSERT INTO migrations VALUES (999, 'future', now())")
    with pytest.raises(MigrationError, match="install a newer"), open_working(tmp_path / "x.duckdb"):
        pass


def test_a_failing_migration_leaves_the_file_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    from warehouse import migrate as module

    con = duckdb.connect()
    migrate(con)
    con.execute("INSERT INTO counters VALUES ('incident', 7)")
    broken = module.Migration(
        len(migrations()) + 1, "broken", "CREATE TABLE half (a INT); SELECT nonsense FROM nowhere;"
    )
    monkeypatch.setattr(module, "migrations", lambda: [*migrations(), broken])
    with pytest.raises(MigrationError, match="rolled back"):
        migrate(con)
    assert con.execute("SELECT next_value FROM counters").fetchall() == [(7,)]
    assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'half'").fetchall() == [(0,)]


def test_the_schema_builds_on_a_ducklake_catalogue(tmp_path: Path) -> None:
    import duckdb_extension_ducklake

    folder = Path(duckdb_extension_ducklake.__path__[0])
    extension = next(folder.rglob("ducklake.duckdb_extension"))
    con = duckdb.connect()
    con.execute(f"LOAD '{extension}'")
    con.execute(f"ATTACH 'ducklake:{tmp_path / 'lake.ducklake'}' AS lake (DATA_PATH '{tmp_path / 'data'}')")
    con.execute("USE lake")
    con.execute("BEGIN")
    ddl.create_all(con, WORKING)
    con.execute("COMMIT")
    assert len(columns(con)) == sum(len(table.columns) for table in WORKING)


def test_the_shipped_dictionary_is_the_generated_one() -> None:
    assert (ROOT / "docs" / "dictionary.md").read_text("utf-8") == dictionary()


def test_no_private_column_is_in_the_dictionary() -> None:
    text = dictionary()
    assert "`author_key`" not in text
    assert "`payload`" not in text


def test_a_second_writer_is_told_who_writes(tmp_path: Path) -> None:
    with (
        open_working(tmp_path / "x.duckdb"),
        pytest.raises(WarehouseError, match=r"being written by process \d+ since"),
        open_working(tmp_path / "x.duckdb"),
    ):
        pass


def test_a_file_that_is_no_warehouse_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    path.write_bytes(b"hello" * 5000)
    with pytest.raises(WarehouseError, match=r"x\.duckdb"), open_working(path):
        pass
