"""What the tests of the flows share: an empty warehouse."""

from collections.abc import Iterator

import duckdb
import pytest

from warehouse.migrate import migrate


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory: its transactions are those of a file, without the disk."""
    with duckdb.connect(":memory:") as opened:
        opened.execute("SET TimeZone = 'UTC'")
        migrate(opened)
        yield opened
