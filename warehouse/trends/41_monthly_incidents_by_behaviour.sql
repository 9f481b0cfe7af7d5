-- As monthly_incidents, by behaviour. An incident with two behaviours counts in both, so the rows add up to more than
-- the incidents; one with none of the four marked counts under none_marked.
CREATE OR REPLACE VIEW monthly_incidents_by_behaviour AS
SELECT merge, month, behaviour, count(*) AS incidents, CAST(sum(reports) AS BIGINT) AS reports
FROM (
    SELECT merge, month, reports, unnest(CASE WHEN len(behaviours) = 0 THEN ['none_marked'] ELSE behaviours END) AS behaviour
    FROM group_facts
    WHERE is_strict AND month IS NOT NULL
)
GROUP BY merge, month, behaviour;
