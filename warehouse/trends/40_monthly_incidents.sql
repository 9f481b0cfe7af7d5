-- Strict incidents by the month of their first report, under each merge setting; `reports` are all reports of those
-- incidents, whatever their own month. Months without a row are not zeros: see coverage_months.
CREATE OR REPLACE VIEW monthly_incidents AS
SELECT merge, month, count(*) AS incidents, CAST(sum(reports) AS BIGINT) AS reports
FROM group_facts
WHERE is_strict AND month IS NOT NULL
GROUP BY merge, month;
