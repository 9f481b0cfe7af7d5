-- As monthly_incidents, by vendor. An incident that names two vendors counts in both; one that names none counts under
-- none_named. Counts of reports in public, with no exposure behind them: they do not rank vendors.
CREATE OR REPLACE VIEW monthly_incidents_by_vendor AS
SELECT merge, month, vendor, count(*) AS incidents, CAST(sum(reports) AS BIGINT) AS reports
FROM (
    SELECT merge, month, reports, unnest(CASE WHEN len(vendors) = 0 THEN ['none_named'] ELSE vendors END) AS vendor
    FROM group_facts
    WHERE is_strict AND month IS NOT NULL
)
GROUP BY merge, month, vendor;
