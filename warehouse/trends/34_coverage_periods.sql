-- What is known of each platform's coverage in each day, week (from Monday) and month (UTC), from the first to the last
-- one of any report or span:
-- measured: spans of state `read` cover the whole of it, and nothing asked for in it stayed capped or unanswered
-- partial:  something was read, but not the whole · none: nothing was read
-- unknown:  some of what is held was gathered in an unknown way · curated: … was chosen by hand
-- A span without bounds speaks of every period. A platform with reports and no statement at all is unknown.
CREATE OR REPLACE VIEW coverage_periods AS
WITH bounds AS (
    SELECT min(moment) AS first_moment, max(moment) AS last_moment
    FROM (
        SELECT unnest([min(created_at), max(created_at)]) AT TIME ZONE 'UTC' AS moment
        FROM reports
        WHERE created_precision IN ('second', 'day', 'month')
        UNION ALL
        SELECT unnest([min(from_at), max(to_at) - INTERVAL 1 MICROSECOND]) AT TIME ZONE 'UTC'
        FROM coverage
    )
),
periods AS (
    SELECT
        per,
        unnest(generate_series(date_trunc(per, first_moment), date_trunc(per, last_moment), step)) AS starts,
        step
    FROM bounds
    CROSS JOIN (VALUES ('day', INTERVAL 1 DAY), ('week', INTERVAL 7 DAY), ('month', INTERVAL 1 MONTH)) AS lengths (per, step)
)
SELECT
    d.per,
    p.platform AS source,
    CAST(d.starts AS DATE) AS period,
    CASE
        WHEN bool_or(f.state = 'unknown') THEN 'unknown'
        WHEN bool_or(f.state = 'curated') THEN 'curated'
        WHEN bool_or(f.state = 'read' AND f.from_at <= d.starts AND f.to_at >= d.starts + d.step)
            AND NOT bool_or(f.state IN ('capped', 'missed')) THEN 'measured'
        WHEN bool_or(f.state IN ('read', 'capped')) THEN 'partial'
        ELSE 'none'
    END AS state
FROM periods AS d
CROSS JOIN (SELECT DISTINCT platform FROM coverage_spans) AS p
LEFT JOIN coverage_spans AS f
    ON f.platform = p.platform AND f.from_at < d.starts + d.step AND f.to_at > d.starts
GROUP BY d.per, p.platform, d.starts;
