-- One row a report and behaviour of its current label: probability, above the threshold, too close to say.
CREATE OR REPLACE VIEW label_behaviours AS
WITH judged AS (
    SELECT
        report_id,
        is_strict,
        CAST(behaviours AS MAP(VARCHAR, DOUBLE)) AS probabilities,
        coalesce(behaviours_present, []) AS present,
        coalesce(behaviours_unsure, []) AS unsure
    FROM current_labels
    WHERE label_status = 'judged'
),
named AS (
    SELECT
        *,
        unnest(list_distinct(list_concat(list_concat(coalesce(map_keys(probabilities), []), present), unsure))) AS behaviour
    FROM judged
)
SELECT
    report_id,
    behaviour,
    probabilities[behaviour] AS p,
    list_contains(present, behaviour) AS present,
    list_contains(unsure, behaviour) AS unsure,
    is_strict
FROM named;
