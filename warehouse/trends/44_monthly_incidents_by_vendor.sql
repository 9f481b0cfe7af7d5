-- As monthly_incidents, by vendor. An incident that names two vendors counts in both; one that names none counts under
-- none_named. Counts of reports in public, with no exposure behind them: they do not rank vendors.
CREATE OR REPLACE VIEW monthly_incidents_by_vendor AS
SELECT
    merge,
    CAST(date_trunc('month', day) AS DATE) AS month,
    line_name AS vendor,
    CAST(sum(n) AS BIGINT) AS incidents,
    CAST(sum(reports) AS BIGINT) AS reports
FROM daily_counts
WHERE counted = 'incidents' AND split_by = 'vendor'
GROUP BY merge, date_trunc('month', day), line_name;
