"""A lake of made posts: so many a month, month after month, as a stream leaves them behind. Made in SQL, not collected.

A post has 64 characters of text (two hex digests: zstd makes them half as long, as it does with English) and a payload
of 75; of the posts one in fifty is kept as a report, of these one in ten is strict, and four strict ones tell one incident.
Ids are in no order, as where they are hashes: no file can be passed over for its ids. The last month ends on `UNTIL`, so a
lake of more posts is one with a longer past, at the same rate.
"""

from datetime import UTC, datetime
from typing import Final

import duckdb

from flows import collect
from warehouse.rows import transaction

KEPT: Final = 50
STRICT: Final = 500
TOLD_BY: Final = 4
UNTIL: Final = datetime(2026, 11, 1, tzinfo=UTC)
SCREEN: Final = "s"
MAPPER: Final = "map-1"

_MADE: Final = """
CREATE OR REPLACE TEMP TABLE made AS
SELECT
    n,
    -- An odd factor below 2^32 makes of each number another one.
    format('hackernews:{}', (n * 2654435761) % 4294967296) AS report_id,
    md5(n::VARCHAR) AS text_hash,
    concat(md5((n + 1)::VARCHAR), md5((n + 2)::VARCHAR)) AS words,
    n % $kept = 0 AS kept,
    n % $strict = 0 AS strict,
    n // ($told_by * $strict) + 1 AS incident,
    $first::TIMESTAMPTZ + (($until::TIMESTAMPTZ - $first::TIMESTAMPTZ) / $rows) * (n - $from) AS created_at
FROM range($from, $from + $rows) AS numbers (n)
"""
_FILLED: Final = {
    "raw_items": """
        SELECT 'hackernews' AS source_id, report_id AS given_id, text_hash AS content_hash, report_id, text_hash,
               'map-1' AS mapper, concat('{"text":"', words, '"}') AS payload, 'x' AS found_at,
               created_at AS fetched_at, 'r' AS run_id, created_at
        FROM made""",
    "screenings": """
        SELECT report_id, text_hash, 's' AS screen, 'hackernews' AS platform, kept, []::VARCHAR[] AS reasons,
               created_at AS screened_at, 'r' AS run_id
        FROM made""",
    "reports": """
        SELECT report_id, 'hackernews' AS source_id, 'hackernews' AS stated_source, 'hackernews' AS platform,
               n::VARCHAR AS native_id, 'https://example.org/' || n AS url, created_at, 'second' AS created_precision,
               false AS zone_assumed, left(words, 20) AS title, words[21:] AS text, text_hash,
               'span' AS publish_text, 'r' AS run_id
        FROM made WHERE kept""",
    "labels": """
        SELECT report_id, text_hash, 'bench-1' AS instrument, 'judged' AS label_status,
               CASE WHEN strict THEN 'first_hand' ELSE 'discussion' END AS kind,
               CASE WHEN strict THEN 0.9 ELSE 0.01 END AS p_strict, strict AS is_strict,
               CASE WHEN strict THEN ['shutdown_tampering'] ELSE [] END AS behaviours_present,
               CASE WHEN strict THEN ['data_deletion'] ELSE [] END AS actions, 2 AS evidence, 2 AS gravity, 6 AS score,
               '[]' AS spans, created_at AS judged_at, 'r' AS run_id
        FROM made WHERE kept""",
    "incidents": """
        SELECT incident, 'agent: data deletion' AS incident_title, min(created_at) AS first_reported_at,
               'second' AS first_reported_precision, max(created_at) AS last_reported_at,
               'reported' AS incident_status, min(report_id) AS best_report_id, ['shutdown_tampering'] AS
               behaviours_present, ['data_deletion'] AS actions, 2 AS evidence, 2 AS gravity, 6 AS score,
               true AS is_strict, count(*) AS reports, max(created_at) AS opened_at
        FROM made WHERE strict GROUP BY incident""",
    "incident_reports": """
        SELECT report_id, incident, 'same_event' AS link_method, created_at AS linked_at, 'r' AS run_id
        FROM made WHERE strict""",
    "groupings": """
        SELECT merge, report_id, incident::VARCHAR AS group_key
        FROM made, (SELECT unnest(['tight', 'normal', 'loose']) AS merge) WHERE strict""",
    "coverage": """
        SELECT 'hackernews' AS source_id, 'bench' AS stream, 'hackernews' AS platform, $first::TIMESTAMPTZ AS from_at,
               $until::TIMESTAMPTZ AS to_at, 'read' AS coverage, count(*) AS posts, 'r' AS run_id
        FROM made""",
    "volumes": """
        SELECT 'hackernews' AS source_id, 'hackernews' AS platform, 'names_an_agent' AS control,
               date_trunc('hour', created_at) AS from_at, date_trunc('hour', created_at) + INTERVAL 1 HOUR AS to_at,
               count(*) AS posts, 'made' AS count_method, 1.0 AS inclusion_p, 'r' AS run_id
        FROM made GROUP BY date_trunc('hour', created_at)""",
}


def months_back(number: int) -> datetime:
    """Return the first of the month that lies so many months before the end."""
    years, month = divmod(UNTIL.month - 1 - number, 12)
    return UNTIL.replace(year=UNTIL.year + years, month=month + 1)


def begin(con: duckdb.DuckDBPyConnection) -> None:
    """Make what every post belongs to: platforms, and the one instrument that judged."""
    collect.load_platforms(con)
    with transaction(con):
        con.execute("INSERT INTO instruments (instrument, ordinal, registered_at) VALUES ('bench-1', 1, now())")
        con.execute("INSERT INTO counters VALUES ('incident', 1000000000)")


def fill(con: duckdb.DuckDBPyConnection, months: range, a_month: int) -> None:
    """Add months of posts, counted back from the end, the oldest first; each in one transaction.

    A month is a multiple of 2,000 posts: so many hold one whole incident.
    """
    for number in reversed(months):
        whole = {"from": number * a_month, "rows": a_month, "kept": KEPT, "strict": STRICT, "told_by": TOLD_BY}
        span = {"first": months_back(number + 1), "until": months_back(number)}
        con.execute(_MADE, {**whole, **span})
        with transaction(con):
            for table, select in _FILLED.items():
                given = span if "$first" in select else {}
                con.execute(f"INSERT INTO {table} BY NAME {select}", given)
    con.execute("DROP TABLE IF EXISTS made")
