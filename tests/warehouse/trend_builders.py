"""Groups of reports and coverage for the tests of trends."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.warehouse.builders import RUN, add_report, warehouse
from warehouse.raw import coverage_row
from warehouse.rows import merge
from warehouse.schema.tables import TABLES


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse(tmp_path / "x.duckdb") as opened:
        yield opened


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def add(con: duckdb.DuckDBPyConnection, report: str, when: str | None, precision: str = "day", **label: Any) -> None:
    """Add a report that is a group of its own under every merge setting."""
    add_report(con, report, at=at(when) if when else None, precision=precision, **label)
    rows = [{"merge": setting, "report_id": report, "group_key": report} for setting in ("tight", "normal", "loose")]
    merge(con, TABLES["groupings"], rows)


def join(con: duckdb.DuckDBPyConnection, setting: str, key: str, *reports: str) -> None:
    con.execute("UPDATE groupings SET group_key = ? WHERE merge = ? AND report_id IN ?", [key, setting, reports])


def cover(
    con: duckdb.DuckDBPyConnection,
    platform: str,
    first: str | None,
    last: str | None,
    state: str = "read",
    stream: str = "s",
) -> None:
    span = (at(first) if first else None, at(last) if last else None)
    merge(con, TABLES["coverage"], [coverage_row("import", stream, platform, state, 1, span, RUN)])


def volume(
    con: duckdb.DuckDBPyConnection,
    platform: str,
    first: str,
    last: str,
    posts: int | None,
    control: str = "names_an_agent",
    **more: Any,
) -> None:
    """Store how many posts of a control kind there were in a span."""
    row: dict[str, Any] = {"source_id": "import", "platform": platform, "control": control, "count_method": "test"}
    row |= {"from_at": at(first), "to_at": at(last), "posts": posts, "inclusion_p": 1.0, "run_id": RUN, **more}
    merge(con, TABLES["volumes"], [row])


def decide(con: duckdb.DuckDBPyConnection, number: int, of: str, decision: str, value: str, **more: Any) -> None:
    """Store one human decision; `number` is its id and its second."""
    row: dict[str, Any] = {"review_id": f"r{number}", "review_of": of, "decision": decision, "decided_value": value}
    row |= {"reviewer": "ab", "reviewed_at": at(f"2026-04-01T00:00:{number:02d}"), **more}
    merge(con, TABLES["reviews"], [row])


def measured(con: duckdb.DuckDBPyConnection) -> None:
    """Three incidents in January, none in February, six in March, all read."""
    for number in range(9):
        add(con, f"github:{number}", "2026-01-10" if number < 3 else "2026-03-10")
    cover(con, "github", "2026-01-01", "2026-04-01")
    volume(con, "github", "2026-01-10", "2026-01-11", 240)
    merge(con, TABLES["incidents"], [{"incident": 1, "incident_status": "reported", "is_strict": True}])
    merge(con, TABLES["incident_reports"], [{"incident": 1, "report_id": "github:0", "link_method": "origin"}])
    merge(con, TABLES["counters"], [{"name": "incident", "next_value": 2}])
    decide(con, 1, "github:0", "not_same", "github:1")
    decide(con, 2, "github:0", "gravity", "2", expected_text_hash="h")
