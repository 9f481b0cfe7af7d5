"""Strangers' SQL: whatever it tries, it reads the snapshot, within its limits, and harms nobody beside it."""

import threading
from contextlib import suppress
from pathlib import Path

import pytest

from tests.app.snapshots import publish
from warehouse.connect import WarehouseError, open_snapshot
from warehouse.query import query


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(tmp_path_factory.mktemp("warehouse"))


@pytest.mark.parametrize(
    "sql",
    (
        "FROM read_json_auto('file:///etc/passwd')",
        "FROM read_blob('/etc/passwd')",
        "FROM read_csv('http://127.0.0.1/x')",
        "FROM read_parquet('s3://bucket/x')",
        "FROM sniff_csv('/etc/passwd')",
        "FROM duckdb_secrets()",
        "LOAD httpfs",
        "CALL enable_logging()",
        "EXPORT DATABASE '/tmp/out'",
        "PRAGMA enable_profiling",
        "CREATE TEMP TABLE t AS SELECT 1",
        "EXPLAIN ANALYZE DELETE FROM incidents",
        "WITH x AS (DELETE FROM incidents RETURNING *) SELECT * FROM x",
        "SELECT * FROM query('DELETE FROM incidents')",
    ),
)
def test_known_tricks_do_nothing(db: Path, sql: str) -> None:
    with pytest.raises(WarehouseError):
        query(db, sql, seconds=5)


def test_what_a_query_breaks_ends_with_it(db: Path, tmp_path: Path) -> None:
    with open_snapshot(db) as (con, _):
        # In one process this would make DuckDB look at a file, be refused, and refuse everything from then on.
        with suppress(WarehouseError):
            query(db, f"FROM enable_logging(storage = 'file', storage_path = '{tmp_path / 'log'}')", seconds=5)
        assert con.execute("SELECT count(*) FROM incidents").fetchone() == (6,)
    assert query(db, "SELECT count(*) FROM incidents").rows == [(6,)]
    assert not (tmp_path / "log").exists()


def test_it_finds_no_key_in_its_surroundings(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFSCRIPT_SECRET", "s3cret")
    with pytest.raises(WarehouseError) as refused:
        query(db, "SELECT getenv('OFFSCRIPT_SECRET')")
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("sql", "told", "seconds"),
    (
        ("SELECT sum(length(repeat('x', 2000000 + i::INT))) FROM range(100000) t(i)", "stopped", 3),
        ("SELECT length(string_agg(repeat('x', 10000000), '')) FROM range(300)", "more memory|stopped after", 3),
        ("WITH RECURSIVE t AS (SELECT 1 n UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t", "stopped", 3),
        # Stopped by its size: however slow the machine, time is not what ends it.
        ("SELECT repeat('x', 100000) FROM range(2000)", "larger than", 300),
    ),
)
def test_time_memory_and_size_have_limits(db: Path, sql: str, told: str, seconds: int) -> None:
    with pytest.raises(WarehouseError, match=told):
        query(db, sql, seconds=seconds)


def test_errors_are_friendly(db: Path) -> None:
    with pytest.raises(WarehouseError, match='Did you mean "incidents"'):
        query(db, "SELECT * FROM incidnts")
    with pytest.raises(WarehouseError, match="reads this snapshot only"):
        query(db, "FROM read_text('/etc/passwd')")


def test_values_come_back_as_they_are(db: Path) -> None:
    answer = query(db, "SELECT sum(reports), DATE '2026-01-02', ['a', 'b'], NULL, 1.5::DECIMAL(3,1) FROM incidents")
    assert [str(value) for value in answer.rows[0]] == ["7", "2026-01-02", "['a', 'b']", "None", "1.5"]


def test_two_connections_of_one_process_read_one_snapshot(db: Path) -> None:
    found: list[object] = []

    def read() -> None:
        with open_snapshot(db) as (con, _):
            found.append(con.execute("SELECT current_setting('TimeZone'), count(*) FROM incidents").fetchone())

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [("UTC", 6)] * 8
