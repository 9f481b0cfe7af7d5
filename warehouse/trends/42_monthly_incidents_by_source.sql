-- Strict incidents by platform and the month in which they were first reported on that platform, which is the month its
-- coverage speaks of. An incident told on two platforms counts in both, and may count in two months.
CREATE OR REPLACE VIEW monthly_incidents_by_source AS
SELECT
    merge,
    CAST(date_trunc('month', day) AS DATE) AS month,
    line_name AS source,
    CAST(sum(n) AS BIGINT) AS incidents,
    CAST(sum(reports) AS BIGINT) AS reports
FROM daily_counts
WHERE counted = 'incidents' AND split_by = 'source'
GROUP BY merge, date_trunc('month', day), line_name;
