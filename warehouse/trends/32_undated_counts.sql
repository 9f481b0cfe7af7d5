-- What a series leaves out because of its date: known to the month (left out of days and weeks), to the year, or not at all.
CREATE OR REPLACE VIEW undated_counts AS
SELECT 'incidents' AS counted, merge, first_reported_precision AS precision, count(*) AS n
FROM group_facts
WHERE is_strict AND first_reported_precision IN ('month', 'year', 'unknown')
GROUP BY ALL
UNION ALL
SELECT 'reports', NULL, r.created_precision, count(*)
FROM current_labels AS l
JOIN reports AS r ON r.report_id = l.report_id
WHERE l.is_strict AND r.created_precision IN ('month', 'year', 'unknown')
GROUP BY ALL
UNION ALL
SELECT 'first_hand', merge, precision, count(*)
FROM (
    -- The most exact date among the first-hand reports of the group decides.
    SELECT
        g.merge,
        g.group_key,
        arg_min(
            r.created_precision,
            CASE r.created_precision WHEN 'second' THEN 0 WHEN 'day' THEN 0 WHEN 'month' THEN 2 WHEN 'year' THEN 3 ELSE 4 END
        ) AS precision
    FROM groupings AS g
    JOIN current_labels AS l ON l.report_id = g.report_id AND l.is_strict AND l.kind = 'first_hand'
    JOIN reports AS r ON r.report_id = g.report_id
    GROUP BY g.merge, g.group_key
)
WHERE precision IN ('month', 'year', 'unknown')
GROUP BY ALL;
