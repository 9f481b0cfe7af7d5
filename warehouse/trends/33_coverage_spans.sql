-- Coverage as stated, made plain (times in UTC): spans that were read, joined where they touch or overlap, over all
-- streams of a platform; and spans that were capped, missed, of unknown coverage or curated, unless read whole later.
-- A platform with reports and no statement at all is unknown. A span without bounds speaks of all time.
CREATE OR REPLACE VIEW coverage_spans AS
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
)
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
WHERE r.platform NOT IN (SELECT platform FROM coverage);
