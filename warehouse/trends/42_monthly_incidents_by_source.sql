-- Strict incidents by platform and the month in which they were first reported on that platform, which is the month its
-- coverage speaks of. An incident told on two platforms counts in both, and may count in two months.
CREATE OR REPLACE VIEW monthly_incidents_by_source AS
SELECT merge, month, source, count(*) AS incidents, CAST(sum(reports) AS BIGINT) AS reports
FROM group_sources
WHERE is_strict AND month IS NOT NULL
GROUP BY merge, month, source;
