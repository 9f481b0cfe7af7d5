-- Strict incidents by the month of their first report, under each merge setting; `reports` are all reports of those
-- incidents, whatever their own month. Months without a row are not zeros: see coverage_months.
CREATE OR REPLACE VIEW monthly_incidents AS
SELECT
    merge,
    CAST(date_trunc('month', day) AS DATE) AS month,
    CAST(sum(n) AS BIGINT) AS incidents,
    CAST(sum(reports) AS BIGINT) AS reports
FROM daily_counts
WHERE counted = 'incidents' AND split_by = 'all'
GROUP BY merge, date_trunc('month', day);
