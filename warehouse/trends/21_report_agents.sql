-- One row a report and agent named in it as the actor, from its current label.
CREATE OR REPLACE VIEW report_agents AS
WITH named AS (
    SELECT
        report_id,
        is_strict,
        unnest(from_json(agents, '[{"name": "VARCHAR", "family": "VARCHAR", "vendor": "VARCHAR"}]')) AS agent
    FROM current_labels
    WHERE label_status = 'judged'
)
SELECT DISTINCT report_id, agent.name AS agent, agent.family AS family, agent.vendor AS vendor, is_strict
FROM named
WHERE agent.name IS NOT NULL;
