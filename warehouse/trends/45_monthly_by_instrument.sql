-- What each instrument that has been current says of the same texts, month by month: where a series would break at a
-- change of instruments, and by how much. People's decisions are not in it.
CREATE OR REPLACE VIEW monthly_by_instrument AS
SELECT
    CAST(date_trunc('month', r.created_at AT TIME ZONE 'UTC') AS DATE) AS month,
    l.instrument,
    i.ordinal,
    count(*) AS judged,
    count(*) FILTER (WHERE l.is_strict) AS strict
FROM labels AS l
JOIN reports AS r ON r.report_id = l.report_id AND r.text_hash = l.text_hash
JOIN instruments AS i ON i.instrument = l.instrument
WHERE i.ordinal IS NOT NULL
  AND l.label_status <> 'rejected'
  AND r.created_precision IN ('second', 'day', 'month')
GROUP BY ALL;
