-- One row a group of reports under each merge setting: when it was first reported, and what its reports say together.
-- When, where and how many: from all its reports. What was judged: from its strict reports only.
-- First reported: the earliest date known to the month or better; a date known to the year only if there is no other.
-- `month` is null where that date is coarser than a month or unknown: such a group is left out of every monthly series.
-- `incident` is the permanent number given under normal merging; a loose group that spans several has the oldest.
CREATE OR REPLACE VIEW group_facts AS
WITH members AS (
    SELECT
        g.merge,
        g.group_key,
        g.report_id,
        r.platform,
        r.source_id,
        r.created_at,
        r.created_precision,
        r.created_precision IN ('second', 'day', 'month') AS to_the_month,
        -- Of equal dates the most exact one is kept.
        CASE r.created_precision WHEN 'second' THEN 0 WHEN 'day' THEN 1 WHEN 'month' THEN 2 WHEN 'year' THEN 3 ELSE 4 END AS coarseness,
        coalesce(l.is_strict, false) AS is_strict,
        l.behaviours_present,
        l.actions,
        l.evidence,
        l.gravity,
        l.score,
        i.incident
    FROM groupings AS g
    JOIN reports AS r ON r.report_id = g.report_id
    LEFT JOIN current_labels AS l ON l.report_id = g.report_id
    LEFT JOIN incident_reports AS i ON i.report_id = g.report_id
),
agents AS (
    SELECT
        g.merge,
        g.group_key,
        list_sort(list(DISTINCT a.agent)) AS agents,
        list_sort(list(DISTINCT a.vendor) FILTER (WHERE a.vendor IS NOT NULL)) AS vendors
    FROM groupings AS g
    JOIN report_agents AS a ON a.report_id = g.report_id AND a.is_strict
    GROUP BY ALL
),
grouped AS (
    SELECT
        merge,
        group_key,
        min(incident) AS incident,
        bool_or(is_strict) AS is_strict,
        arg_min(
            {'at': created_at, 'precision': created_precision},
            {'coarse': NOT to_the_month, 'at': created_at, 'coarseness': coarseness}
        ) FILTER (WHERE created_at IS NOT NULL) AS first_reported,
        list_sort(list(DISTINCT platform)) AS platforms,
        list_sort(list(DISTINCT source_id)) AS sources,
        list_sort(list_distinct(flatten(list(behaviours_present) FILTER (WHERE is_strict)))) AS behaviours,
        list_sort(list_distinct(flatten(list(actions) FILTER (WHERE is_strict)))) AS actions,
        max(evidence) FILTER (WHERE is_strict) AS evidence,
        max(gravity) FILTER (WHERE is_strict) AS gravity,
        max(score) FILTER (WHERE is_strict) AS score,
        count(*) AS reports
    FROM members
    GROUP BY merge, group_key
)
SELECT
    g.merge,
    g.group_key,
    g.incident,
    g.is_strict,
    g.first_reported.at AS first_reported_at,
    coalesce(g.first_reported.precision, 'unknown') AS first_reported_precision,
    CASE
        WHEN g.first_reported.precision IN ('second', 'day', 'month')
            THEN CAST(date_trunc('month', g.first_reported.at AT TIME ZONE 'UTC') AS DATE)
    END AS month,
    g.platforms,
    g.sources,
    coalesce(a.agents, []) AS agents,
    coalesce(a.vendors, []) AS vendors,
    coalesce(g.behaviours, []) AS behaviours,
    coalesce(g.actions, []) AS actions,
    g.evidence,
    g.gravity,
    g.score,
    g.reports
FROM grouped AS g
LEFT JOIN agents AS a ON a.merge = g.merge AND a.group_key = g.group_key;
