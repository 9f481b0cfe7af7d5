-- How many a day, under each merge setting and split: the one table every series is summed from.
-- counted: incidents (by the day of their first report), reports (strict ones, by their own day) or first_hand (incidents
-- that somebody tells first hand, by the day of the first such report: what only passes on is left out).
-- Reports do not depend on merging: there `merge` is null. `to_day` is false where the date is known to the month only;
-- such a row stands on the first of its month and belongs in no daily or weekly series.
-- split_by resting_on: the platforms that tell of the incident in that month, whose coverage the count rests on.
CREATE OR REPLACE VIEW daily_counts AS
WITH group_lines AS (
    SELECT
        merge,
        CAST(first_reported_at AT TIME ZONE 'UTC' AS DATE) AS day,
        first_reported_precision <> 'month' AS to_day,
        reports,
        unnest(flatten([
            [{'by': 'all', 'line': 'all'}],
            [{'by': 'behaviour', 'line': x} FOR x IN CASE WHEN len(behaviours) = 0 THEN ['none_marked'] ELSE behaviours END],
            [{'by': 'action', 'line': x} FOR x IN CASE WHEN len(actions) = 0 THEN ['none_marked'] ELSE actions END],
            [{'by': 'agent', 'line': x} FOR x IN CASE WHEN len(agents) = 0 THEN ['none_named'] ELSE agents END],
            [{'by': 'vendor', 'line': x} FOR x IN CASE WHEN len(vendors) = 0 THEN ['none_named'] ELSE vendors END],
            [{'by': 'evidence', 'line': coalesce(CAST(evidence AS VARCHAR), 'none_given')}],
            [{'by': 'gravity', 'line': coalesce(CAST(gravity AS VARCHAR), 'none_given')}]
        ])) AS split
    FROM group_facts
    WHERE is_strict AND month IS NOT NULL
),
strict_reports AS (
    SELECT
        r.report_id,
        r.platform,
        CAST(r.created_at AT TIME ZONE 'UTC' AS DATE) AS day,
        r.created_precision <> 'month' AS to_day,
        l.kind,
        coalesce(l.behaviours_present, []) AS behaviours,
        coalesce(l.actions, []) AS actions,
        coalesce(from_json(l.agents, '[{"name": "VARCHAR", "vendor": "VARCHAR"}]'), []) AS agents,
        l.evidence,
        l.gravity
    FROM current_labels AS l
    JOIN reports AS r ON r.report_id = l.report_id
    WHERE l.is_strict AND r.created_precision IN ('second', 'day', 'month')
),
named AS (
    SELECT
        *,
        list_distinct([x.name FOR x IN agents IF x.name IS NOT NULL]) AS names,
        list_distinct([x.vendor FOR x IN agents IF x.vendor IS NOT NULL]) AS vendors
    FROM strict_reports
),
report_lines AS (
    SELECT
        day,
        to_day,
        unnest(flatten([
            [{'by': 'all', 'line': 'all'}, {'by': 'source', 'line': platform}, {'by': 'resting_on', 'line': platform}],
            [{'by': 'behaviour', 'line': x} FOR x IN CASE WHEN len(behaviours) = 0 THEN ['none_marked'] ELSE behaviours END],
            [{'by': 'action', 'line': x} FOR x IN CASE WHEN len(actions) = 0 THEN ['none_marked'] ELSE actions END],
            [{'by': 'agent', 'line': x} FOR x IN CASE WHEN len(names) = 0 THEN ['none_named'] ELSE names END],
            [{'by': 'vendor', 'line': x} FOR x IN CASE WHEN len(vendors) = 0 THEN ['none_named'] ELSE vendors END],
            [{'by': 'evidence', 'line': coalesce(CAST(evidence AS VARCHAR), 'none_given')}],
            [{'by': 'gravity', 'line': coalesce(CAST(gravity AS VARCHAR), 'none_given')}]
        ])) AS split
    FROM named
),
first_hand AS (
    SELECT
        g.merge,
        g.group_key,
        arg_min({'day': r.day, 'to_day': r.to_day, 'platform': r.platform}, {'day': r.day, 'to_month': NOT r.to_day}) AS first
    FROM groupings AS g
    JOIN strict_reports AS r ON r.report_id = g.report_id
    WHERE r.kind = 'first_hand'
    GROUP BY g.merge, g.group_key
),
lines AS (
    SELECT 'incidents' AS counted, merge, split.by AS split_by, split.line AS line_name, day, to_day, reports
    FROM group_lines
    UNION ALL
    -- By the day on which the platform itself first tells of it: the day its own coverage speaks of.
    SELECT
        'incidents',
        merge,
        'source',
        source,
        CAST(first_reported_at AT TIME ZONE 'UTC' AS DATE),
        first_reported_precision <> 'month',
        reports
    FROM group_sources
    WHERE is_strict AND month IS NOT NULL
    UNION ALL
    SELECT
        'incidents',
        f.merge,
        'resting_on',
        s.source,
        CAST(f.first_reported_at AT TIME ZONE 'UTC' AS DATE),
        f.first_reported_precision <> 'month',
        s.reports
    FROM group_facts AS f
    JOIN group_sources AS s ON s.merge = f.merge AND s.group_key = f.group_key AND s.month = f.month
    WHERE f.is_strict
    UNION ALL
    SELECT 'reports', NULL, split.by, split.line, day, to_day, 1
    FROM report_lines
    UNION ALL
    SELECT 'first_hand', merge, kind, CASE kind WHEN 'all' THEN 'all' ELSE first.platform END, first.day, first.to_day, 1
    FROM first_hand
    CROSS JOIN (VALUES ('all'), ('source'), ('resting_on')) AS splits (kind)
)
SELECT
    counted,
    merge,
    split_by,
    line_name,
    day,
    to_day,
    count(*) AS n,
    CAST(sum(reports) AS BIGINT) AS reports
FROM lines
GROUP BY counted, merge, split_by, line_name, day, to_day;
