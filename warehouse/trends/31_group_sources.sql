-- One row a group, merge setting and platform that reports it: when it was first reported there.
-- `month` is null where no report there is dated to the month; `is_strict`: at least one report there is strict.
CREATE OR REPLACE VIEW group_sources AS
WITH told AS (
    SELECT
        g.merge,
        g.group_key,
        r.platform AS source,
        arg_min(
            {'at': r.created_at, 'precision': r.created_precision},
            {'at': r.created_at, 'to_month': r.created_precision = 'month'}
        ) FILTER (WHERE r.created_precision IN ('second', 'day', 'month')) AS first_reported,
        bool_or(coalesce(l.is_strict, false)) AS is_strict,
        count(*) AS reports
    FROM groupings AS g
    JOIN reports AS r ON r.report_id = g.report_id
    LEFT JOIN current_labels AS l ON l.report_id = g.report_id
    GROUP BY g.merge, g.group_key, r.platform
)
SELECT
    merge,
    group_key,
    source,
    first_reported.at AS first_reported_at,
    first_reported.precision AS first_reported_precision,
    CAST(date_trunc('month', first_reported.at AT TIME ZONE 'UTC') AS DATE) AS month,
    is_strict,
    reports
FROM told;
