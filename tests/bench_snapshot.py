"""Every figure of the overview from a snapshot of ten million posts: `make bench` prints how long each takes.

The snapshot is made in SQL, not collected: 10,000,000 reports kept, 300,000 of them strict, in 100,000 incidents over
three years on four platforms, with coverage and control volumes by the hour. Sizes may be given:
`python -m tests.bench_snapshot POSTS INCIDENTS`.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, get_args

import duckdb

from app.queries import overview
from flows.files import aligned
from warehouse import ddl
from warehouse.connect import Snapshot, connect_snapshot
from warehouse.present.cases import strongest
from warehouse.publish import derive
from warehouse.schema.tables import PUBLISHED
from warehouse.trends.series import By, counted

REPEATS: Final = 5
BAR: Final = 200.0
_STRICT_PER_INCIDENT: Final = 3
_DAYS: Final = 1096

# One row a report: n counts them; the first are strict. A strict report of incident k stands near the incident's day.
_MADE: Final = """
CREATE TEMP TABLE made AS
SELECT
    n,
    format('{}:forum:{:08d}', platform, n) AS report_id,
    platform,
    n < $incidents * $each AS is_strict,
    n % $incidents AS incident,
    TIMESTAMPTZ '2023-11-01 00:00:00+00' + to_seconds(CAST(
        CASE WHEN n < $incidents * $each
            THEN ($days - 1) * 86400.0 * sqrt((hash(n % $incidents) % 1000003) / 1000003.0) + (n // $incidents) * 4000
            ELSE hash(n) % ($days * 86400) END AS BIGINT)) AS created_at
FROM (
    SELECT n, ['bluesky', 'github', 'hackernews', 'reddit'][CAST(1 + hash(n * 7 + 1) % 4 AS BIGINT)] AS platform
    FROM range($posts) AS numbers (n)
)
"""
_FILLED: Final = {
    "reports": """
        SELECT report_id, 'import' AS source_id, platform AS stated_source, platform, 'forum' AS channel,
               CAST(n AS VARCHAR) AS native_id, 'https://example.org/' || n AS url, created_at,
               'second' AS created_precision, false AS zone_assumed, 'en' AS lang, hash(n) % 50 AS engagement,
               md5(CAST(n AS VARCHAR)) AS text_hash, 'span' AS publish_text, 'run' AS run_id
        FROM made""",
    "labels": """
        SELECT report_id, md5(CAST(n AS VARCHAR)) AS text_hash, 'bench-1' AS instrument, 'judged' AS label_status,
               CASE WHEN NOT is_strict THEN 'discussion' WHEN hash(n) % 4 = 0 THEN 'second_hand' ELSE 'first_hand' END
                   AS kind,
               CASE WHEN is_strict THEN 0.9 ELSE 0.01 END AS p_strict, is_strict,
               CASE WHEN is_strict THEN '{"shutdown_tampering": 0.8}' END AS behaviours,
               CASE WHEN is_strict THEN [['shutdown_tampering', 'strategic_misrepresentation', 'alignment_faking',
                   'model_exfiltration'][CAST(1 + hash(incident) % 4 AS BIGINT)]] ELSE [] END AS behaviours_present,
               CASE WHEN is_strict THEN ['data_deletion'] ELSE [] END AS actions,
               CASE WHEN is_strict THEN CAST(1 + hash(n) % 4 AS INTEGER) ELSE 0 END AS evidence,
               CASE WHEN is_strict THEN CAST(1 + hash(incident) % 4 AS INTEGER) ELSE 0 END AS gravity,
               CASE WHEN is_strict THEN 6 ELSE 1 END AS score,
               CASE WHEN is_strict
                   THEN format('[{{"name": "agent-{}", "vendor": "Vendor {}"}}]', hash(incident) % 40, hash(incident) % 12)
                   END AS agents,
               now() AS judged_at, 'run' AS run_id
        FROM made""",
    "groupings": """
        SELECT merge, report_id, first AS group_key
        FROM (SELECT *, min(report_id) OVER (PARTITION BY incident) AS first FROM made WHERE is_strict)
        CROSS JOIN (SELECT unnest(['tight', 'normal', 'loose']) AS merge)""",
    "incident_reports": """
        SELECT incident + 1 AS incident, report_id, 'same_event' AS link_method, 0.9 AS link_score, now() AS linked_at
        FROM made WHERE is_strict""",
    "incidents": """
        SELECT incident + 1 AS incident, 'agent: data deletion' AS incident_title, min(created_at) AS first_reported_at,
               'second' AS first_reported_precision, max(created_at) AS last_reported_at,
               'reported' AS incident_status, min(report_id) AS best_report_id, ['agent'] AS agent_names,
               ['shutdown_tampering'] AS behaviours_present, ['data_deletion'] AS actions,
               CAST(1 + incident % 4 AS INTEGER) AS evidence, 2 AS gravity, 6 AS score, true AS is_strict,
               count(*) AS reports, now() AS opened_at
        FROM made WHERE is_strict GROUP BY incident""",
    "evidence_spans": """
        SELECT report_id, 'act.deleted' AS span_rule, 'text' AS span_field, 3 AS span_start, 10 AS span_end,
               'it deleted the folder of the project' AS excerpt
        FROM made WHERE is_strict""",
    "coverage": """
        SELECT 'import' AS source_id, 's' AS stream, platform, TIMESTAMPTZ '2023-11-01 00:00:00+00' AS from_at,
               TIMESTAMPTZ '2023-11-01 00:00:00+00' + to_days($days) AS to_at, 'read' AS coverage,
               count(*) AS posts, 'run' AS run_id
        FROM made GROUP BY platform""",
    "volumes": """
        SELECT 'import' AS source_id, platform, control, hour AS from_at, hour + INTERVAL 1 HOUR AS to_at,
               1000 + hash(hour) % 500 AS posts, 'made' AS count_method, 1.0 AS inclusion_p, 'run' AS run_id
        FROM (SELECT DISTINCT platform FROM made)
        CROSS JOIN (SELECT unnest(['names_an_agent', 'discusses_scheming', 'negative_ai_talk']) AS control)
        CROSS JOIN (SELECT unnest(generate_series(TIMESTAMPTZ '2023-11-01 00:00:00+00', TIMESTAMPTZ
            '2023-11-01 00:00:00+00' + to_days($days) - INTERVAL 1 HOUR, INTERVAL 1 HOUR)) AS hour)""",
    "funnel": "SELECT platform, 'posts' AS step, 2 AS step_order, count(*) AS n FROM made GROUP BY platform",
    "instruments": "SELECT 'bench-1' AS instrument, 1 AS ordinal, now() AS registered_at, 's' AS screen, '{}' AS card",
    "snapshot_info": """
        SELECT 'bench' AS snapshot, now() AS published_at, 'bench' AS fingerprint, 'bench' AS version,
               'bench-1' AS instrument""",
}


def make(path: Path, posts: int, incidents: int, *, days: int = _DAYS) -> None:
    """Write a snapshot of that size, roll-ups included, as `publish` would."""
    con = duckdb.connect(str(path), config={"threads": 2})
    con.execute("SET TimeZone = 'UTC'")
    sizes = {"posts": posts, "incidents": incidents, "each": _STRICT_PER_INCIDENT, "days": days}
    con.execute(_MADE, sizes)
    for table in PUBLISHED:
        con.execute(ddl.create_table(table, [field for field in table.fields if field.sensitivity == "public"]))
        select = _FILLED.get(table.name)
        if select is not None:
            order = ", ".join(name for name in table.key if name in table.public_columns)
            given = {"days": days} if "$days" in select else {}
            con.execute(f"INSERT INTO {table.name} BY NAME SELECT * FROM ({select}) ORDER BY {order}", given)
    con.execute("DROP TABLE made")
    derive(con)
    con.execute("CHECKPOINT")
    con.close()


def figures() -> dict[str, Callable[[duckdb.DuckDBPyConnection], Any]]:
    """Return everything the overview reads, by name."""
    found: dict[str, Callable[[duckdb.DuckDBPyConnection], Any]] = {
        f"incidents per month by {by or 'nothing'}": partial(counted, by=by) for by in (None, *get_args(By))
    }
    found["incidents per day"] = lambda con: counted(con, per="day")
    found["reports per week by source"] = lambda con: counted(con, "reports", per="week", by="source")
    found["incidents told first hand per month"] = lambda con: counted(con, "first_hand")
    found["sources and their coverage"] = overview._sources
    found["months with reports"] = overview._strip
    found["funnel"] = lambda con: list(overview._funnel(con))
    found["best-evidenced cases"] = strongest
    found["counts of the headline"] = lambda con: con.execute(
        "SELECT (SELECT count(*) FROM reports), (SELECT count(*) FROM incidents WHERE is_strict), "
        "(SELECT count(*) FROM incident_reports JOIN incidents USING (incident) WHERE is_strict)"
    ).fetchall()
    return found


def main() -> None:
    """Make the snapshot and print the median time of each figure on two threads."""
    posts, incidents = (int(text) for text in sys.argv[1:3]) if sys.argv[2:] else (10_000_000, 100_000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.duckdb"
        start = time.perf_counter()
        make(path, posts, incidents)
        sys.stdout.write(
            f"snapshot of {posts:,} posts and {incidents:,} incidents made in {time.perf_counter() - start:,.0f} s, "
            f"{path.stat().st_size / 2**20:,.0f} MiB\n"
        )
        con = connect_snapshot(Snapshot("bench", path), threads=2)
        table = [["figure", "median ms", "slowest ms", f"within {BAR:g} ms"]]
        for name, figure in figures().items():
            taken = []
            for _ in range(REPEATS):
                start = time.perf_counter()
                figure(con)
                taken.append(1000 * (time.perf_counter() - start))
            taken.sort()
            middle = taken[len(taken) // 2]
            table.append([name, f"{middle:.0f}", f"{taken[-1]:.0f}", "yes" if middle <= BAR else "no"])
        con.close()
        sys.stdout.write(aligned(table))


if __name__ == "__main__":
    main()
