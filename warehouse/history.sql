-- History of numbers and members: every change is a row of incident_changes, so any moment can be asked for again.
-- members_as_of(moment): one row a report that stood under a number then.
CREATE OR REPLACE MACRO members_as_of(moment) AS TABLE
SELECT
    report_id,
    arg_max(incident, change_number) AS incident,
    max(changed_at) AS since
FROM incident_changes
WHERE change IN ('joined', 'left') AND changed_at <= moment
GROUP BY report_id
HAVING arg_max(change, change_number) = 'joined';

-- incidents_as_of(moment): one row a number given by then, what it redirected to (null: it stood for itself), and its
-- reports.
CREATE OR REPLACE MACRO incidents_as_of(moment) AS TABLE
WITH given AS (
    SELECT incident, min(changed_at) AS opened_at
    FROM incident_changes
    WHERE change = 'opened' AND changed_at <= moment
    GROUP BY incident
),
redirects AS (
    SELECT
        incident,
        CASE WHEN arg_max(change, change_number) = 'merged' THEN arg_max(other_incident, change_number) END AS redirects_to
    FROM incident_changes
    WHERE change IN ('merged', 'reopened') AND changed_at <= moment
    GROUP BY incident
),
members AS (
    SELECT incident, count(*) AS reports FROM members_as_of(moment) GROUP BY incident
)
SELECT g.incident, g.opened_at, r.redirects_to, coalesce(m.reports, 0) AS reports
FROM given AS g
LEFT JOIN redirects AS r ON r.incident = g.incident
LEFT JOIN members AS m ON m.incident = g.incident;
