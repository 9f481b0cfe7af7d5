SELECT i.incident FROM incidents i
WHERE i.is_strict AND NOT EXISTS (
    SELECT 1 FROM incident_reports r JOIN groupings g USING (report_id)
    WHERE r.incident = i.incident AND g.merge = 'normal'
)
