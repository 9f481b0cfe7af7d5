-- Denominators: posts of each control kind by platform and day, only from hours that were read whole and counted, and the
-- strict incidents (first reported there) and strict reports of the same hours. `hours` says how many hours of the day.
-- A count over a longer span is used only if all of it was read; it is spread evenly over its hours. A sampled count is
-- divided by the share sampled. Of several collectors that count one platform, the one with the most hours of the day is
-- used: their counts are never added. What is dated to the day counts where all 24 hours do; to the month, never.
CREATE OR REPLACE VIEW daily_volumes AS
WITH counted AS (
    SELECT
        v.platform,
        v.control,
        v.source_id,
        v.from_at AT TIME ZONE 'UTC' AS from_at,
        v.to_at AT TIME ZONE 'UTC' AS to_at,
        v.posts / coalesce(v.inclusion_p, 1) AS posts
    FROM volumes AS v
    WHERE v.from_at < v.to_at AND date_trunc('hour', v.from_at) = v.from_at AND date_trunc('hour', v.to_at) = v.to_at
),
usable AS (
    SELECT c.*, date_diff('hour', c.from_at, c.to_at) AS length
    FROM counted AS c
    SEMI JOIN (SELECT * FROM coverage_spans WHERE state = 'read') AS s
        ON s.platform = c.platform AND s.from_at <= c.from_at AND s.to_at >= c.to_at
    ANTI JOIN (SELECT * FROM coverage_spans WHERE state <> 'read') AS o
        ON o.platform = c.platform AND o.from_at < c.to_at AND o.to_at > c.from_at
),
hourly AS (
    SELECT platform, control, source_id, hour, arg_min(posts, length) AS posts
    FROM (
        SELECT
            platform,
            control,
            source_id,
            unnest(generate_series(from_at, to_at - INTERVAL 1 HOUR, INTERVAL 1 HOUR)) AS hour,
            posts / length AS posts,
            length
        FROM usable
    )
    GROUP BY platform, control, source_id, hour
),
daily AS (
    SELECT platform, control, source_id, CAST(hour AS DATE) AS day, count(*) AS hours, sum(posts) AS posts
    FROM hourly
    GROUP BY platform, control, source_id, CAST(hour AS DATE)
    QUALIFY row_number() OVER (PARTITION BY platform, control, CAST(hour AS DATE) ORDER BY hours DESC, source_id) = 1
),
exposed AS (
    SELECT h.platform, h.control, h.hour, d.day, d.hours
    FROM hourly AS h
    JOIN daily AS d
        ON d.platform = h.platform AND d.control = h.control AND d.source_id = h.source_id AND d.day = CAST(h.hour AS DATE)
),
merges AS (
    SELECT unnest(['tight', 'normal', 'loose']) AS merge
),
told AS (
    SELECT
        merge,
        source AS platform,
        first_reported_at AT TIME ZONE 'UTC' AS at,
        first_reported_precision = 'second' AS to_hour,
        'incident' AS what
    FROM group_sources
    WHERE is_strict AND first_reported_precision IN ('second', 'day')
    UNION ALL
    SELECT m.merge, r.platform, r.created_at AT TIME ZONE 'UTC', r.created_precision = 'second', 'report'
    FROM current_labels AS l
    JOIN reports AS r ON r.report_id = l.report_id
    CROSS JOIN merges AS m
    WHERE l.is_strict AND r.created_precision IN ('second', 'day')
),
-- A date to the day stands at its midnight: that hour is joined, and the day must have all 24.
met AS (
    SELECT t.merge, e.platform, e.control, e.day, t.what, count(*) AS n
    FROM told AS t
    JOIN exposed AS e ON e.platform = t.platform AND e.hour = date_trunc('hour', t.at)
    WHERE t.to_hour OR e.hours = 24
    GROUP BY ALL
)
SELECT
    m.merge,
    d.platform AS source,
    d.control,
    d.day,
    d.hours,
    d.posts AS volume,
    coalesce(i.n, 0) AS incidents,
    coalesce(r.n, 0) AS reports
FROM daily AS d
CROSS JOIN merges AS m
LEFT JOIN met AS i
    ON i.merge = m.merge AND i.platform = d.platform AND i.control = d.control AND i.day = d.day AND i.what = 'incident'
LEFT JOIN met AS r
    ON r.merge = m.merge AND r.platform = d.platform AND r.control = d.control AND r.day = d.day AND r.what = 'report';
