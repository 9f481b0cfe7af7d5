-- One row a group, merge setting and platform that reports it: the month in which it was first reported there.
-- `month` is null where no report there is dated to the month; `is_strict`: at least one report there is strict.
CREATE OR REPLACE VIEW group_sources AS
SELECT
    g.merge,
    g.group_key,
    r.platform AS source,
    CAST(
        date_trunc(
            'month',
            min(r.created_at) FILTER (WHERE r.created_precision IN ('second', 'day', 'month')) AT TIME ZONE 'UTC'
        ) AS DATE
    ) AS month,
    bool_or(coalesce(l.is_strict, false)) AS is_strict,
    count(*) AS reports
FROM groupings AS g
JOIN reports AS r ON r.report_id = g.report_id
LEFT JOIN current_labels AS l ON l.report_id = g.report_id
GROUP BY g.merge, g.group_key, r.platform;
