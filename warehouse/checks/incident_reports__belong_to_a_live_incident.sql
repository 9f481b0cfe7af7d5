SELECT i.report_id, i.incident FROM incident_reports i
WHERE i.incident NOT IN (SELECT incident FROM incidents)
   OR i.incident IN (SELECT from_incident FROM merges)
