-- The links of each strict incident's reports, oldest first: a reader of one incident need not search all reports.
CREATE OR REPLACE VIEW incident_links AS
SELECT ir.incident, r.created_at, r.report_id, r.url
FROM incident_reports AS ir
JOIN incidents AS i ON i.incident = ir.incident
JOIN reports AS r ON r.report_id = ir.report_id
WHERE i.is_strict AND r.url IS NOT NULL;
