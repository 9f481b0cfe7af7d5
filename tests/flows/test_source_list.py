from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.collectors import statuses
from flows.source_list import WIDTH, sources_list
from flows.sources.registry import PLATFORMS, SOURCES
from tests.flows.sources import stand_hackernews
from tests.flows.sources.conftest import queries, read
from tests.flows.sources.standin import NOW, Post, Site, posts, running
from warehouse import connect, raw
from warehouse.connect import open_working
from warehouse.publish import publish


def words(text: str, start: str) -> list[str]:
    return next(line.split() for line in text.splitlines() if line.startswith(start))


def test_each_source_says_how_it_stands_in_eighty_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = tmp_path / "x.duckdb"
    assert words(sources_list(db, NOW), "hackernews")[:3] == ["hackernews", "ready", "never"]
    held = [Post(p.n, p.at - timedelta(days=2), p.title, p.text) for p in posts(300)]
    with open_working(db) as con, running(Site(stand_hackernews.answer, held)) as site:
        con.execute(
            "INSERT INTO runs (run_id, command, started_at, run_state) VALUES ('r', 'collect', ?, 'done')", [NOW]
        )
        read(con, "hackernews", {"base": site.base}, asked=queries(controls={}), since=timedelta(days=10))
        publish(con, db, version="1")
    opened: list[Path] = []
    whole: Any = connect.open_snapshot

    def counting(path: Path) -> Any:
        opened.append(path)
        return whole(path)

    monkeypatch.setattr("flows.source_list.open_snapshot", counting)
    told = sources_list(db, NOW)
    assert opened == [db], "the snapshot is opened once"
    assert max(map(len, told.splitlines())) <= WIDTH
    found = words(told, "hackernews")
    assert found[:6] == ["hackernews", "ready", "11-20", "12:30", "11-20", "11:30"]
    assert found[6:] == ["30", "11-19", "00:00"], "posts a day, and silent since"
    assert "reddit needs OFFSCRIPT_REDDIT_CLIENT_ID, OFFSCRIPT_REDDIT_CLIENT_SECRET" in told
    assert set(SOURCES) <= {line.split()[0] for line in told.splitlines() if line.split()}
    for platform in PLATFORMS.values():
        assert platform.cannot_see in " ".join(told.split())


def test_a_source_whose_spans_were_missed_says_how_many_hours(con: duckdb.DuckDBPyConnection) -> None:
    span = (NOW - timedelta(hours=12), NOW)
    row = raw.coverage_row("github", "o/r", "github", "missed", 0, span, "r")
    cursor = {"source_id": "github", "stream": "o/r", "position": "", "updated_at": NOW, "run_id": "r"}
    raw.store_page(con, items=(), rejects=(), cursor=cursor, coverage=[row])
    (found,) = [item for item in statuses(con, NOW) if item.source == "github"]
    assert (found.missed_hours, found.last_read) == (12.0, None)
