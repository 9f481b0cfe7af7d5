-- As monthly_incidents, by behaviour. An incident with two behaviours counts in both, so the rows add up to more than
-- the incidents; one with none of the four marked counts under none_marked.
CREATE OR REPLACE VIEW monthly_incidents_by_behaviour AS
SELECT
    merge,
    CAST(date_trunc('month', day) AS DATE) AS month,
    line_name AS behaviour,
    CAST(sum(n) AS BIGINT) AS incidents,
    CAST(sum(reports) AS BIGINT) AS reports
FROM daily_counts
WHERE counted = 'incidents' AND split_by = 'behaviour'
GROUP BY merge, date_trunc('month', day), line_name;
