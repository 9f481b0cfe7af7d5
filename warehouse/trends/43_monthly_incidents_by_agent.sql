-- As monthly_incidents, by agent. An incident that names two agents counts in both; one that names none counts under
-- none_named. Counts of reports in public, with no exposure behind them: they do not rank agents.
CREATE OR REPLACE VIEW monthly_incidents_by_agent AS
SELECT merge, month, agent, count(*) AS incidents, CAST(sum(reports) AS BIGINT) AS reports
FROM (
    SELECT merge, month, reports, unnest(CASE WHEN len(agents) = 0 THEN ['none_named'] ELSE agents END) AS agent
    FROM group_facts
    WHERE is_strict AND month IS NOT NULL
)
GROUP BY merge, month, agent;
