-- All reports kept, strict or not, by platform and month of publication; `month` is null for those not dated to the month.
CREATE OR REPLACE VIEW held_months AS
SELECT
    platform AS source,
    CASE
        WHEN created_precision IN ('second', 'day', 'month')
            THEN CAST(date_trunc('month', created_at AT TIME ZONE 'UTC') AS DATE)
    END AS month,
    count(*) AS reports
FROM reports
GROUP BY ALL;
