-- What was read, kept, judged and counted at each step, by platform: computed at publish, from the working file.
WITH steps AS (
    SELECT 1 AS step_order, 'items read' AS step, split_part(report_id, ':', 1) AS platform, count(*) AS n
    FROM raw_items GROUP BY ALL
    UNION ALL
    SELECT 2, 'posts', split_part(report_id, ':', 1) AS platform, count(DISTINCT report_id)
    FROM raw_items GROUP BY ALL
    UNION ALL
    SELECT 3, 'kept by the screen', platform, count(*)
    FROM reports GROUP BY ALL
    UNION ALL
    SELECT 4, 'judged', platform, count(*)
    FROM current_labels JOIN reports USING (report_id) WHERE label_status = 'judged' GROUP BY ALL
    UNION ALL
    SELECT 5, 'strict reports', platform, count(*)
    FROM current_labels JOIN reports USING (report_id) WHERE is_strict GROUP BY ALL
    UNION ALL
    -- An incident told on two platforms counts on both.
    SELECT 6, 'strict incidents', platform, count(DISTINCT incident)
    FROM incident_reports JOIN current_labels USING (report_id) JOIN reports USING (report_id)
    WHERE is_strict GROUP BY ALL
)
SELECT platform, step, step_order, n FROM steps ORDER BY platform, step_order
