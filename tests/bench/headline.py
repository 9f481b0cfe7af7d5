"""Every figure of the overview from a snapshot of ten million posts, against pandas over the same rows.

The snapshot is made in SQL, not collected: 10,000,000 reports kept, 300,000 of them strict, in 100,000 incidents over
three years on four platforms, with coverage and control volumes by the hour.
"""

import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final, get_args

import duckdb

from app.queries import overview
from tests.bench.frame import Row, Spent, clocked, held_against, peak
from warehouse import ddl
from warehouse.connect import Snapshot, connect_snapshot
from warehouse.present.cases import strongest
from warehouse.publish import derive
from warehouse.schema.tables import PUBLISHED, TABLES
from warehouse.trends.series import By, counted

TITLE: Final = "Figures of the overview"
ABOUT: Final = (
    "Each figure that the overview shows, read from a snapshot of ten million posts (made in SQL: 300,000 strict reports in "
    "100,000 incidents over three years on four platforms) on two threads; the median of five readings, on the wall, and "
    "processor seconds of all five. What is published beside the snapshot is rolled up, so most figures never touch the "
    "posts. The notebook holds the same columns in memory, loaded from Parquet once, and counts incidents by month with a "
    "merge and a group-by."
)
REPEATS: Final = 5
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


def fill(
    con: duckdb.DuckDBPyConnection, tables: Iterable[str], posts: int, incidents: int, *, days: int = _DAYS
) -> None:
    """Put made rows into those of the tables that have any."""
    sizes = {"posts": posts, "incidents": incidents, "each": _STRICT_PER_INCIDENT, "days": days}
    con.execute(_MADE, sizes)
    for name in tables:
        select = _FILLED.get(name)
        if select is not None:
            order = ", ".join(key for key in TABLES[name].key if key in TABLES[name].public_columns)
            given = {"days": days} if "$days" in select else {}
            con.execute(f"INSERT INTO {name} BY NAME SELECT * FROM ({select}) ORDER BY {order}", given)
    con.execute("DROP TABLE made")


def make(path: Path, posts: int, incidents: int, *, days: int = _DAYS) -> None:
    """Write a snapshot of that size, roll-ups included, as `publish` would."""
    con = duckdb.connect(str(path), config={"threads": 2})
    con.execute("SET TimeZone = 'UTC'")
    for table in PUBLISHED:
        con.execute(ddl.create_table(table, [field for field in table.fields if field.sensitivity == "public"]))
    fill(con, [table.name for table in PUBLISHED], posts, incidents, days=days)
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


def _middle(name: str, read: Callable[[], Any], repeats: int) -> Row:
    spent = [clocked(read)[0] for _ in range(repeats)]
    middle = sorted(item.wall for item in spent)[repeats // 2]
    whole = Spent(sum(item.wall for item in spent), sum(item.cpu for item in spent))
    return Row(name, 1000 * middle, "ms", repeats, whole.wall, whole.cpu)


def _notebook(path: Path, folder: Path, repeats: int) -> tuple[Row, Row]:
    import pandas as pd

    con = duckdb.connect(str(path), read_only=True)
    columns = {"reports": "report_id, created_at", "labels": "report_id, is_strict", "incident_reports": "*"}
    for name, wanted in columns.items():
        con.execute(f"COPY (SELECT {wanted} FROM {name}) TO '{folder / name}.parquet'")
    con.close()
    loading, held = clocked(lambda: {name: pd.read_parquet(folder / f"{name}.parquet") for name in columns})

    def by_month() -> Any:
        strict = held["labels"][held["labels"]["is_strict"]][["report_id"]]
        told = strict.merge(held["reports"], on="report_id").merge(held["incident_reports"], on="report_id")
        first = told.groupby("incident")["created_at"].min()
        return first.groupby([first.dt.year, first.dt.month]).size()

    counting = _middle("notebook: incidents per month", by_month, repeats)
    load = Row("notebook: loading its columns", 1000 * loading.wall, "ms", 1, loading.wall, loading.cpu)
    return load, counting


def rows(*, small: bool) -> list[Row]:
    """Make the snapshot and read each figure."""
    posts, incidents, repeats = (30_000, 1000, 3) if small else (10_000_000, 100_000, REPEATS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.duckdb"
        making, _ = clocked(lambda: make(path, posts, incidents))
        size = path.stat().st_size
        con = connect_snapshot(Snapshot("bench", path), threads=2)
        read = [_middle(name, partial(figure, con), repeats) for name, figure in figures().items()]
        con.close()
        load, counting = _notebook(path, Path(folder), repeats)
    return [
        *(held_against(row, counting) if row.name == "incidents per month by nothing" else row for row in read),
        load,
        counting,
        Row("making the snapshot", making.wall, "s", posts, making.wall, making.cpu),
        Row("size of the snapshot", size / posts, "bytes/post", posts),
        peak(),
    ]
