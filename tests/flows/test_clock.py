"""A clock that jumps loses nothing and stores nothing twice."""

from datetime import timedelta

import duckdb

from tests.flows.sources import stand_hackernews
from tests.flows.sources.conftest import queries, read, stored
from tests.flows.sources.standin import NOW, Site, posts, running
from warehouse import runs


def test_reading_goes_on_after_the_clock_went_ahead_and_back(con: duckdb.DuckDBPyConnection) -> None:
    asked = queries(**stand_hackernews.ASKED).model_copy(update={"controls": {}})
    with running(Site(stand_hackernews.answer, posts(60, gap=timedelta(minutes=40)))) as site:
        config = stand_hackernews.config(site.base)
        for jump in (timedelta(0), timedelta(days=2), timedelta(days=-1), timedelta(hours=3)):
            read(con, "hackernews", config, asked=asked, now=NOW + jump)
    assert len(stored(con)) == 60
    assert con.execute("SELECT count(DISTINCT report_id) FROM raw_items").fetchone() == (60,)


def test_a_run_of_the_future_does_not_stop_the_next(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "INSERT INTO runs (run_id, started_at, run_state) VALUES ('29991231T000000Z-ffff', now() + INTERVAL 900 YEAR, 'running')"
    )
    run_id = runs.start(con, "collect", "0")
    runs.finish(con, run_id, counts={}, instrument=None)
    assert con.execute("SELECT run_state FROM runs ORDER BY run_id").fetchall() == [("done",), ("failed",)]
