"""What was read of each platform, when it was last heard of, and how many posts there were in all."""

from typing import Any

from app.keep import kept, reading
from warehouse.connect import Snapshot
from warehouse.rows import fetch

Rows = tuple[dict[str, Any], ...]


@kept(4)
def platforms(snapshot: Snapshot) -> Rows:
    """Return each platform with its terms, what it cannot show, what was read and kept, and its newest post."""
    with reading(snapshot) as con:
        return tuple(
            fetch(
                con,
                """
                WITH stated AS (
                    SELECT platform, list_sort(list(DISTINCT coverage)) AS states, sum(posts)::BIGINT AS posts,
                           min(from_at) AS from_at, max(to_at) AS to_at,
                           count(*) FILTER (WHERE coverage = 'missed') AS missed,
                           count(*) FILTER (WHERE coverage = 'capped') AS capped
                    FROM coverage GROUP BY platform
                ),
                kept AS (
                    SELECT platform, count(*) AS reports,
                           max(created_at) FILTER (WHERE created_precision IN ('second', 'day')) AS newest
                    FROM reports GROUP BY platform
                ),
                told AS (
                    SELECT platform, sum(n)::BIGINT AS strict_reports
                    FROM funnel WHERE step = 'strict reports' GROUP BY platform
                )
                SELECT platform, coalesce(p.platform_name, platform) AS name, p.publish_text, p.licence, p.cannot_see,
                       coalesce(s.posts, 0) AS posts, coalesce(k.reports, 0) AS reports,
                       coalesce(t.strict_reports, 0) AS strict_reports, coalesce(s.states, ['unknown']) AS states,
                       s.from_at, s.to_at, coalesce(s.missed, 0) AS missed, coalesce(s.capped, 0) AS capped, k.newest,
                       date_diff('day', k.newest, (SELECT published_at FROM snapshot_info)) AS silent_days,
                       (s.platform IS NOT NULL OR k.platform IS NOT NULL) AS used
                FROM platforms p FULL JOIN stated s USING (platform) FULL JOIN kept k USING (platform)
                LEFT JOIN told t USING (platform)
                ORDER BY lower(coalesce(p.platform_name, platform))
                """,
            )
        )


@kept(4)
def volumes(snapshot: Snapshot) -> Rows:
    """Return the denominators: control posts counted, by platform and control."""
    with reading(snapshot) as con:
        return tuple(
            fetch(
                con,
                """
                SELECT platform, control, count_method, count(*) AS spans, sum(posts)::BIGINT AS posts,
                       strftime(min(from_at), '%Y-%m-%d') AS from_day, strftime(max(to_at), '%Y-%m-%d') AS to_day
                FROM volumes GROUP BY ALL ORDER BY ALL
                """,
            )
        )


@kept(4)
def runs(snapshot: Snapshot) -> Rows:
    """Return the last runs and how they ended."""
    with reading(snapshot) as con:
        return tuple(
            fetch(
                con,
                "SELECT command, started_at, run_state FROM runs ORDER BY started_at DESC LIMIT 10",
            )
        )
