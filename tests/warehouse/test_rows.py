import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import duckdb

from warehouse.migrate import migrate
from warehouse.rows import Changed, Within, batches, merge
from warehouse.schema.tables import TABLES

HOUR = timedelta(hours=1)


def open_memory() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    migrate(con)
    return con


def test_storing_twice_changes_nothing() -> None:
    con = open_memory()
    rows = [{"merge": "normal", "report_id": str(n), "group_key": "a"} for n in range(5)]
    assert merge(con, TABLES["groupings"], rows, update=("group_key",)) == Changed(5, 0)
    assert merge(con, TABLES["groupings"], rows, update=("group_key",)) == Changed(0, 0)


def test_only_what_differs_is_updated_and_only_where_asked() -> None:
    con = open_memory()
    table = TABLES["groupings"]
    merge(
        con,
        table,
        [
            {"merge": "normal", "report_id": "1", "group_key": "a"},
            {"merge": "normal", "report_id": "2", "group_key": "a"},
        ],
    )
    changed = [
        {"merge": "normal", "report_id": "1", "group_key": "b"},
        {"merge": "normal", "report_id": "2", "group_key": "a"},
    ]
    assert merge(con, table, changed) == Changed(0, 0)
    assert merge(con, table, changed, update=("group_key",)) == Changed(0, 1)
    assert con.execute("SELECT group_key FROM groupings ORDER BY report_id").fetchall() == [("b",), ("a",)]


def test_a_null_in_the_key_is_a_value() -> None:
    con = open_memory()
    row = {"source_id": "import", "stream": "s", "platform": "github", "from_at": None, "coverage": "unknown"}
    assert merge(con, TABLES["coverage"], [row]) == Changed(1, 0)
    assert merge(con, TABLES["coverage"], [row]) == Changed(0, 0)


def test_of_equal_keys_in_one_call_the_last_counts() -> None:
    con = open_memory()
    rows = [{"merge": "normal", "report_id": "1", "group_key": key} for key in ("a", "b")]
    assert merge(con, TABLES["groupings"], rows) == Changed(1, 0)
    assert con.execute("SELECT group_key FROM groupings").fetchall() == [("b",)]


def test_batches_are_read_while_the_same_file_is_written() -> None:
    con = open_memory()
    merge(con, TABLES["groupings"], [{"merge": "normal", "report_id": str(n), "group_key": "a"} for n in range(10)])
    seen = 0
    for batch in batches(con, "SELECT * FROM groupings", size=3):
        merge(con, TABLES["groupings"], [{**row, "group_key": "b"} for row in batch], update=("group_key",))
        seen += len(batch)
    assert seen == 10
    assert con.execute("SELECT DISTINCT group_key FROM groupings").fetchall() == [("b",)]


def test_within_a_span_what_is_held_there_or_has_no_time_is_found() -> None:
    con = open_memory()
    at = datetime(2026, 3, 1, tzinfo=UTC)
    items = [
        {"source_id": "s", "given_id": str(n), "content_hash": "h", "created_at": None if n == 3 else at + n * HOUR}
        for n in range(5)
    ]
    table = TABLES["raw_items"]
    assert merge(con, table, items, within=Within.of("created_at", items)) == Changed(5, 0)
    assert merge(con, table, items[1:4], within=Within.of("created_at", items[1:4])) == Changed(0, 0)
    # An item stored before its time was kept is recognised too.
    con.execute("UPDATE raw_items SET created_at = NULL WHERE given_id = '1'")
    assert merge(con, table, items, within=Within.of("created_at", items)) == Changed(0, 0)
    assert merge(con, table, items[3:4], within=Within.of("created_at", items[3:4])) == Changed(0, 0)


class Scanned:
    """A connection that notes how many rows the last statement before an `unregister` read."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con, self.rows = con, -1
        con.execute("SET enable_profiling = 'no_output'")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.con, name)

    def unregister(self, name: str) -> None:
        self.rows = json.loads(self.con.get_profiling_information())["cumulative_rows_scanned"]
        self.con.unregister(name)


def test_rows_far_in_time_are_not_read() -> None:
    con = Scanned(open_memory())
    con.execute(
        "INSERT INTO raw_items (source_id, given_id, content_hash, created_at) "
        "SELECT 's', n::VARCHAR, 'h', TIMESTAMPTZ '2020-01-01 00:00:00+00' + to_hours(n) FROM range(400000) t(n)"
    )
    fresh = [{"source_id": "s", "given_id": "2x", "content_hash": "h", "created_at": datetime(2019, 1, 1, tzinfo=UTC)}]
    merge(cast("duckdb.DuckDBPyConnection", con), TABLES["raw_items"], fresh, within=Within.of("created_at", fresh))
    assert 0 <= con.rows < 1000
    merge(cast("duckdb.DuckDBPyConnection", con), TABLES["raw_items"], fresh)
    assert con.rows > 200_000
