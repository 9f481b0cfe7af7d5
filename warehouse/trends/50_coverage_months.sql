-- What is known of each platform's coverage in each month (UTC), from the first to the last month of any report or span:
-- measured: spans of state `read` cover the whole month, and nothing asked for in it stayed capped or unanswered
-- partial:  something was read, but not the whole month · none: nothing was read
-- unknown:  some of what is held was gathered in an unknown way · curated: … was chosen by hand
-- A span without bounds speaks of every month. A platform with reports and no statement at all is unknown.
CREATE OR REPLACE VIEW coverage_months AS
WITH spans AS (
    SELECT
        platform,
        source_id,
        stream,
        -- Who read everything knows from when to when; without bounds nobody knows.
        CASE WHEN coverage = 'read' AND (from_at IS NULL OR to_at IS NULL) THEN 'unknown' ELSE coverage END AS state,
        coalesce(from_at AT TIME ZONE 'UTC', TIMESTAMP '0001-01-01') AS from_at,
        coalesce(to_at AT TIME ZONE 'UTC', TIMESTAMP '9999-01-01') AS to_at
    FROM coverage
),
-- Spans that touch or overlap are one: first within a stream, then over the streams of a platform.
stream_marked AS (
    SELECT
        *,
        from_at > max(to_at) OVER (
            PARTITION BY platform, source_id, stream ORDER BY from_at, to_at
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS opens
    FROM spans
    WHERE state = 'read'
),
stream_numbered AS (
    SELECT
        *,
        count(*) FILTER (WHERE opens) OVER (PARTITION BY platform, source_id, stream ORDER BY from_at, to_at) AS island
    FROM stream_marked
),
stream_reads AS (
    SELECT platform, source_id, stream, min(from_at) AS from_at, max(to_at) AS to_at
    FROM stream_numbered
    GROUP BY platform, source_id, stream, island
),
platform_marked AS (
    SELECT
        platform,
        from_at,
        to_at,
        from_at > max(to_at) OVER (
            PARTITION BY platform ORDER BY from_at, to_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS opens
    FROM stream_reads
),
platform_numbered AS (
    SELECT *, count(*) FILTER (WHERE opens) OVER (PARTITION BY platform ORDER BY from_at, to_at) AS island
    FROM platform_marked
),
found AS (
    SELECT platform, 'read' AS state, min(from_at) AS from_at, max(to_at) AS to_at
    FROM platform_numbered
    GROUP BY platform, island
    UNION ALL
    -- A span that was capped or missed counts as read once the same stream has read it whole.
    SELECT s.platform, s.state, s.from_at, s.to_at
    FROM spans AS s
    WHERE s.state <> 'read' AND NOT EXISTS (
        SELECT 1
        FROM stream_reads AS r
        WHERE s.state IN ('capped', 'missed')
            AND r.platform = s.platform AND r.source_id = s.source_id AND r.stream = s.stream
            AND r.from_at <= s.from_at AND r.to_at >= s.to_at
    )
    UNION ALL
    SELECT DISTINCT r.platform, 'unknown', TIMESTAMP '0001-01-01', TIMESTAMP '9999-01-01'
    FROM reports AS r
    WHERE r.platform NOT IN (SELECT platform FROM coverage)
),
bounds AS (
    SELECT date_trunc('month', min(moment)) AS first_month, date_trunc('month', max(moment)) AS last_month
    FROM (
        SELECT unnest([min(created_at), max(created_at)]) AT TIME ZONE 'UTC' AS moment
        FROM reports
        WHERE created_precision IN ('second', 'day', 'month')
        UNION ALL
        SELECT unnest([min(from_at), max(to_at) - INTERVAL 1 MICROSECOND]) AT TIME ZONE 'UTC'
        FROM coverage
    )
),
months AS (
    SELECT unnest(generate_series(first_month, last_month, INTERVAL 1 MONTH)) AS month FROM bounds
)
SELECT
    p.platform AS source,
    CAST(m.month AS DATE) AS month,
    CASE
        WHEN bool_or(f.state = 'unknown') THEN 'unknown'
        WHEN bool_or(f.state = 'curated') THEN 'curated'
        WHEN bool_or(f.state = 'read' AND f.from_at <= m.month AND f.to_at >= m.month + INTERVAL 1 MONTH)
            AND NOT bool_or(f.state IN ('capped', 'missed')) THEN 'measured'
        WHEN bool_or(f.state IN ('read', 'capped')) THEN 'partial'
        ELSE 'none'
    END AS state
FROM months AS m
CROSS JOIN (SELECT DISTINCT platform FROM found) AS p
LEFT JOIN found AS f
    ON f.platform = p.platform AND f.from_at < m.month + INTERVAL 1 MONTH AND f.to_at > m.month
GROUP BY p.platform, m.month;
