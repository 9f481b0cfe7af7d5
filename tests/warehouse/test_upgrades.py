"""A file of every released schema opens, migrates and keeps its rows; a migration that fails changes nothing."""

from pathlib import Path

import duckdb
import pytest

from warehouse import migrate as module
from warehouse.backup import count_tables
from warehouse.checks import run_checks
from warehouse.connect import open_working
from warehouse.migrate import Migration, MigrationError, migrations
from warehouse.publish import publish

RELEASED = [migration.number for migration in migrations()]
# One row of each kind as the first release stored it; later columns did not exist.
ROWS = """
INSERT INTO raw_items (source_id, given_id, content_hash, report_id, text_hash, mapper, payload, found_at, fetched_at, run_id)
SELECT 'import', 'g' || n, 'c' || n, 'github:o/r#' || n, 'h' || n, 'map-1', '{"id": "x"}', 'f:' || n, TIMESTAMPTZ '2026-03-01', 'r' FROM range(40) t(n);
INSERT INTO reports (report_id, source_id, stated_source, platform, channel, native_id, url, created_at, created_precision, zone_assumed, title, text, text_hash, publish_text, run_id)
SELECT 'github:o/r#' || n, 'import', 'github_issue:o/r', 'github', 'o/r', n, 'https://github.com/o/r/issues/' || n, TIMESTAMPTZ '2026-03-01' + INTERVAL (n) DAY, 'second', false, 'told ' || n, 'words ' || n, 'h' || n, 'span', 'r' FROM range(40) t(n);
INSERT INTO screenings (report_id, text_hash, screen, platform, kept, reasons, screened_at, run_id)
SELECT 'github:o/r#' || n, 'h' || n, 's', 'github', true, [], TIMESTAMPTZ '2026-03-01', 'r' FROM range(40) t(n);
INSERT INTO instruments (instrument, ordinal, registered_at, screen, card) VALUES ('i1', 1, TIMESTAMPTZ '2026-03-01', 's', '{}');
INSERT INTO labels (report_id, text_hash, instrument, label_status, kind, p_strict, is_strict, behaviours_present, actions, evidence, gravity, score, agents, spans, judged_at, run_id)
SELECT 'github:o/r#' || n, 'h' || n, 'i1', 'judged', 'first_hand', 0.9, n < 30, [], ['data_deletion'], 2, 2, 6, '[]', '[]', TIMESTAMPTZ '2026-03-01', 'r' FROM range(40) t(n);
INSERT INTO incidents (incident, incident_title, first_reported_at, first_reported_precision, incident_status, best_report_id, is_strict, reports, opened_at, run_id)
SELECT n + 1, 'told', TIMESTAMPTZ '2026-03-01' + INTERVAL (n) DAY, 'second', 'reported', 'github:o/r#' || n, true, 1, TIMESTAMPTZ '2026-03-01', 'r' FROM range(30) t(n);
INSERT INTO incident_reports (incident, report_id, link_method, link_score, link_reason, linked_at, run_id)
SELECT n + 1, 'github:o/r#' || n, 'origin', 1, 'first', TIMESTAMPTZ '2026-03-01', 'r' FROM range(30) t(n);
INSERT INTO groupings (merge, report_id, group_key)
SELECT m, 'github:o/r#' || n, 'github:o/r#' || n FROM range(30) t(n), (VALUES ('tight'), ('normal'), ('loose')) v(m);
INSERT INTO counters (name, next_value) VALUES ('incident', 31);
INSERT INTO platforms (platform, platform_name, publish_text, train, licence, cannot_see) VALUES ('github', 'GitHub', 'span', 'unknown', '', '');
INSERT INTO runs (run_id, command, started_at, run_state, version) VALUES ('r', 'run', TIMESTAMPTZ '2026-03-01', 'done', '0.1.0');
"""


def released(path: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a file as the release with that many migrations made it."""
    steps = migrations()[:number]
    with monkeypatch.context() as then, duckdb.connect(str(path)) as con:
        # The views and comments of today were not there.
        then.setattr(module, "migrations", lambda: steps)
        then.setattr(module, "WORKING", ())
        then.setattr("warehouse.migrate.ddl.create_views", lambda _con: None)
        con.execute("SET TimeZone = 'UTC'")
        assert module.migrate(con) == number
        con.execute(ROWS)


@pytest.mark.parametrize("number", RELEASED)
def test_a_file_of_each_release_keeps_its_rows_and_its_figures(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = tmp_path / "x.duckdb"
    released(db, number, monkeypatch)
    with duckdb.connect(str(db)) as con:
        before = count_tables(con)
    with open_working(db) as con:
        after = count_tables(con)
        # A migration adds its own line, and may add a counter and the history that follows from the rows.
        grown = {"migrations", "counters", "incident_changes"}
        assert {name: after[name] for name in before if name not in grown} == {
            name: rows for name, rows in before.items() if name not in grown
        }
        assert all(after[name] >= before[name] for name in grown & set(before))
        assert con.execute("SELECT sum(incidents) FROM monthly_incidents WHERE merge = 'normal'").fetchone() == (30,)
        assert run_checks(con) == []
        assert publish(con, db, version="t").new


@pytest.mark.parametrize("number", RELEASED)
def test_a_migration_that_fails_leaves_the_file_as_it_was(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = tmp_path / "x.duckdb"
    released(db, number, monkeypatch)
    with duckdb.connect(str(db)) as con:
        before = con.execute("SELECT sql FROM duckdb_tables() ORDER BY 1").fetchall(), count_tables(con)
    broken = Migration(
        number + 1, "broken", "DROP TABLE labels; UPDATE reports SET text = ''; SELECT nonsense FROM nowhere;"
    )
    monkeypatch.setattr(module, "migrations", lambda: [*migrations()[:number], broken])
    with pytest.raises(MigrationError, match="rolled back"), open_working(db):
        pass
    monkeypatch.undo()
    with duckdb.connect(str(db)) as con:
        after = con.execute("SELECT sql FROM duckdb_tables() ORDER BY 1").fetchall(), count_tables(con)
        assert con.execute("SELECT count(*) FROM reports WHERE text <> ''").fetchone() == (40,)
    assert after == before
    with open_working(db) as con:
        assert con.execute("SELECT max(migration) FROM migrations").fetchone() == (len(RELEASED),)
