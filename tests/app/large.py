"""A synthetic snapshot of any size, made in SQL: seeded, shaped like a real one, with the published tables only."""

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from tests.app.snapshots import CARD, INSTRUMENT
from warehouse import ddl
from warehouse.connect import CURRENT, snapshot_folder
from warehouse.schema.tables import PUBLISHED

ID = "20260401T000000Z-1a46e000"
PLATFORMS = ("bluesky", "github", "hackernews", "reddit", "stackexchange", "x")
_RANDOM = "(hash({} || '{}') % 1000003) / 1000003.0"


def publish_large(folder: Path, *, posts: int = 10_000_000, incidents: int = 100_000) -> Path:
    """Write a snapshot of `posts` read, a tenth of them kept, and `incidents`; return the path of the working file.

    Three years of months, six platforms, 300 agents of 40 vendors, 1.3 reports an incident, some of them told for months.
    Tables are in the order of their keys, as `publish` writes them.
    """
    db = folder / "offscript.duckdb"
    target = snapshot_folder(db) / f"{ID}.duckdb"
    target.parent.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(str(target))
    con.execute("SET TimeZone = 'UTC'")
    for table in PUBLISHED:
        public = tuple(item for item in table.fields if item.sensitivity == "public")
        con.execute(ddl.create_table(table, public))
    _fill(con, posts=posts, reports=posts // 10, incidents=incidents)
    ddl.create_views(con)
    ddl.fill_rollups(con)
    con.close()
    (target.parent / CURRENT).symlink_to(target.name)
    return db


def _r(column: str, what: str) -> str:
    return _RANDOM.format(column, what)


def _fill(con: duckdb.DuckDBPyConnection, *, posts: int, reports: int, incidents: int) -> None:
    platforms = f"{list(PLATFORMS)}"
    con.execute(
        f"""
        CREATE TEMP TABLE told AS
        SELECT n, n % {incidents} AS incident0, n < {incidents} * 13 // 10 AS strict,
               {platforms}[1 + ({_r("n", "p")} * {len(PLATFORMS)})::INT % {len(PLATFORMS)}] AS platform,
               -- A retelling comes later, most of them soon.
               TIMESTAMPTZ '2023-04-01' + INTERVAL 1 HOUR * (26000 * sqrt({_r(f"n % {incidents}", "t")})
                   + CASE WHEN n >= {incidents} THEN 24 * 60 * {_r("n", "l")} ^ 4 ELSE 0 END)::INT AS seen
        FROM range({reports}) t(n);
        """
    )
    con.execute(
        """
        INSERT INTO reports (report_id, source_id, stated_source, platform, channel, native_id, url, created_at,
                             created_precision, zone_assumed, lang, engagement, text_hash, publish_text, run_id)
        SELECT platform || ':c:' || n, platform, platform, platform, 'c', n::VARCHAR, 'https://example.org/' || n, seen,
               'second', false, 'en', n % 50, md5(n::VARCHAR), 'span', 'run'
        FROM told ORDER BY ALL
        """
    )
    con.execute(
        f"""
        CREATE TEMP TABLE event AS
        SELECT i AS incident0, i + 1 AS incident,
               ['agent ' || (300 * {_r("i", "a")} ^ 2)::INT] AS agents, ['vendor ' || (40 * {_r("i", "a")} ^ 2)::INT] AS vendors,
               list_filter(['alignment_faking', 'model_exfiltration', 'shutdown_tampering', 'strategic_misrepresentation'],
                           lambda b: (hash(i || b) % 100) < 22) AS behaviours,
               1 + (hash(i || 'e') % 4)::INT AS evidence, (hash(i || 'g') % 5)::INT AS gravity
        FROM range({incidents}) t(i)
        """
    )
    con.execute(
        """
        INSERT INTO labels (report_id, text_hash, instrument, label_status, kind, p_strict, is_strict, behaviours,
                            behaviours_present, behaviours_unsure, actions, evidence, gravity, score, subject, agents,
                            spans, judged_at, run_id)
        SELECT platform || ':c:' || n, md5(n::VARCHAR), ?, 'judged', CASE WHEN strict THEN 'first_hand' ELSE 'discussion' END,
               CASE WHEN strict THEN 0.9 ELSE 0.1 END, strict, '{}', CASE WHEN strict THEN e.behaviours ELSE [] END, [],
               CASE WHEN strict THEN ['data_deletion'] ELSE [] END, CASE WHEN strict THEN e.evidence ELSE 0 END,
               CASE WHEN strict THEN e.gravity ELSE 0 END, CASE WHEN strict THEN 6 ELSE 1 END, 'unknown',
               to_json([{'name': e.agents[1], 'family': e.agents[1], 'vendor': e.vendors[1]}]), '[]',
               TIMESTAMPTZ '2026-04-01', 'run'
        FROM told JOIN event e USING (incident0) ORDER BY ALL
        """,
        [INSTRUMENT],
    )
    con.execute(
        """
        INSERT INTO incident_reports (incident, report_id, link_method, link_score, link_reason, linked_at, run_id)
        SELECT incident0 + 1, platform || ':c:' || n, 'origin', 1.0, 'opened it', TIMESTAMPTZ '2026-04-01', 'run'
        FROM told WHERE strict ORDER BY ALL;
        INSERT INTO groupings (merge, report_id, group_key)
        SELECT merge, report_id, CASE merge WHEN 'tight' THEN report_id ELSE incident::VARCHAR END
        FROM incident_reports, (VALUES ('tight'), ('normal'), ('loose')) m(merge) ORDER BY ALL;
        INSERT INTO evidence_spans
        SELECT platform || ':c:' || n, 'act.deleted', 'text', 3, 10, 'it deleted the folder number ' || n || ' all the same'
        FROM told WHERE strict ORDER BY ALL;
        INSERT INTO incidents (incident, incident_title, first_reported_at, first_reported_precision, last_reported_at,
                               incident_status, best_report_id, agent_names, vendors, behaviours_present, actions,
                               evidence, gravity, score, p_strict, is_strict, reports, opened_at, run_id)
        SELECT e.incident, e.agents[1] || ': data deletion', min(seen), 'second', max(seen), 'reported',
               arg_min(platform || ':c:' || n, n), any_value(e.agents), any_value(e.vendors), any_value(e.behaviours),
               ['data_deletion'], any_value(e.evidence), any_value(e.gravity), 6, 0.9, true, count(*),
               TIMESTAMPTZ '2026-04-01', 'run'
        FROM told JOIN event e USING (incident0) WHERE strict GROUP BY e.incident, e.agents ORDER BY e.incident
        """
    )
    now = datetime(2026, 4, 1, tzinfo=UTC)
    con.execute(
        "INSERT INTO instruments (instrument, ordinal, registered_at, screen, card) VALUES (?, 1, ?, 's', ?)",
        [INSTRUMENT, now, json.dumps(CARD)],
    )
    con.execute("INSERT INTO snapshot_info VALUES (?, ?, ?, '0.1.0', ?, NULL)", [ID, now, ID[-8:] * 8, INSTRUMENT])
    for platform in PLATFORMS:
        con.execute(
            "INSERT INTO coverage (source_id, stream, platform, from_at, to_at, coverage, posts, run_id) "
            "VALUES (?, 's', ?, '2023-04-01', '2026-04-01', 'read', ?, 'run')",
            [platform, platform, posts // len(PLATFORMS)],
        )
        con.execute("INSERT INTO funnel VALUES (?, 'posts', 2, ?)", [platform, posts // len(PLATFORMS)])
