-- The whole record of an incident, its history, what derives from what, and the index of linking.
ALTER TABLE incidents ADD COLUMN summary VARCHAR;
ALTER TABLE incidents ADD COLUMN summary_basis VARCHAR;
ALTER TABLE incidents ADD COLUMN occurred_at TIMESTAMPTZ;
ALTER TABLE incidents ADD COLUMN occurred_precision VARCHAR;
ALTER TABLE incidents ADD COLUMN disclosed_at TIMESTAMPTZ;
ALTER TABLE incidents ADD COLUMN disclosed_precision VARCHAR;
ALTER TABLE incidents ADD COLUMN behaviours JSON;
ALTER TABLE incidents ADD COLUMN evidence_tier VARCHAR;
ALTER TABLE incidents ADD COLUMN echo BIGINT;
ALTER TABLE incidents ADD COLUMN sources BIGINT;
ALTER TABLE incidents ADD COLUMN independent_sources BIGINT;
ALTER TABLE incidents ADD COLUMN status_reason VARCHAR;
ALTER TABLE incidents ADD COLUMN alternative VARCHAR;
ALTER TABLE incidents ADD COLUMN subject VARCHAR;
ALTER TABLE incidents ADD COLUMN principal VARCHAR;
ALTER TABLE incidents ADD COLUMN actor VARCHAR;
ALTER TABLE incidents ADD COLUMN several_agents VARCHAR;
ALTER TABLE incidents ADD COLUMN verification VARCHAR;
ALTER TABLE incidents ADD COLUMN verification_method VARCHAR;
ALTER TABLE incidents ADD COLUMN verified_at TIMESTAMPTZ;
ALTER TABLE incidents ADD COLUMN vendor_answer VARCHAR;
ALTER TABLE incidents ADD COLUMN archived_url VARCHAR;
ALTER TABLE incidents ADD COLUMN archived_checked BOOLEAN;
ALTER TABLE incidents ADD COLUMN inputs_hash VARCHAR;
ALTER TABLE incident_reports ADD COLUMN derived_from VARCHAR;
ALTER TABLE incident_reports ADD COLUMN derived_method VARCHAR;
ALTER TABLE incident_reports ADD COLUMN derived_reason VARCHAR;
CREATE TABLE incident_changes (
    change_number BIGINT,
    changed_at TIMESTAMPTZ,
    change VARCHAR,
    incident BIGINT,
    report_id VARCHAR,
    other_incident BIGINT,
    reason VARCHAR,
    run_id VARCHAR
);
CREATE TABLE report_facts (
    report_id VARCHAR,
    text_hash VARCHAR,
    linker VARCHAR,
    filed BIGINT,
    occurred_at TIMESTAMPTZ,
    occurred_precision VARCHAR,
    disclosed_at TIMESTAMPTZ,
    disclosed_precision VARCHAR,
    several_agents VARCHAR,
    vector BLOB
);
CREATE TABLE blocking_keys (
    block_key BIGINT,
    report_id VARCHAR,
    filed BIGINT
);
CREATE TABLE applied_decisions (
    review_id VARCHAR
);
-- History as far as it is known: when numbers were given, reports joined (under the number they have now) and merges done.
INSERT INTO incident_changes
SELECT
    row_number() OVER (ORDER BY changed_at, step, incident, report_id NULLS FIRST),
    changed_at,
    change,
    incident,
    report_id,
    other_incident,
    reason,
    run_id
FROM (
    SELECT opened_at AS changed_at, 1 AS step, 'opened' AS change, incident, NULL AS report_id,
           NULL AS other_incident, 'the first report of it' AS reason, run_id
    FROM incidents
    UNION ALL
    SELECT linked_at, 2, 'joined', incident, report_id, NULL, link_reason, run_id
    FROM incident_reports
    UNION ALL
    SELECT merged_at, 3, 'merged', from_incident, NULL, into_incident, reason, run_id
    FROM merges
);
INSERT INTO counters SELECT 'incident_change', count(*) + 1 FROM incident_changes HAVING count(*) > 0;
