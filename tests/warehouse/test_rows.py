import duckdb

from warehouse.migrate import migrate
from warehouse.rows import Changed, batches, merge
from warehouse.schema.tables import TABLES


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
