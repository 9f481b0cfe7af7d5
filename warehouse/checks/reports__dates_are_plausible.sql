SELECT report_id, created_at, created_precision FROM reports
WHERE (created_at IS NULL) <> (created_precision = 'unknown') OR created_at > now() + INTERVAL 3 DAY
