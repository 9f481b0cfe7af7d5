-- The label of each report's present text, by the newest instrument that has read it, with what people decided laid over.
-- An instrument becomes the current one (gets its ordinal) only after it has read every text still held: an older one's
-- word stands only for reports whose text is gone, and `instrument` says so. A judge without an ordinal counts nothing.
-- `decided` names the columns that people decided; the instrument's own word stays in table `labels`.
-- Where kind or score was decided and strictness was not, strict follows from them: an incident kind, score 5 or more.
CREATE OR REPLACE VIEW current_labels AS
WITH present AS (
    SELECT l.*
    FROM labels AS l
    JOIN reports AS r ON r.report_id = l.report_id AND r.text_hash = l.text_hash
    JOIN instruments AS i ON i.instrument = l.instrument
    WHERE i.ordinal IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY l.report_id ORDER BY i.ordinal DESC) = 1
),
decided AS (
    SELECT
        review_of AS report_id,
        max(decided_value) FILTER (WHERE decision = 'kind') AS kind,
        max(decided_value) FILTER (WHERE decision = 'subject') AS subject,
        max(TRY_CAST(decided_value AS BOOLEAN)) FILTER (WHERE decision = 'is_strict') AS is_strict,
        max(TRY_CAST(decided_value AS INTEGER)) FILTER (WHERE decision = 'evidence') AS evidence,
        max(TRY_CAST(decided_value AS INTEGER)) FILTER (WHERE decision = 'gravity') AS gravity,
        max(TRY_CAST(decided_value AS INTEGER)) FILTER (WHERE decision = 'score') AS score,
        max(decided_value) FILTER (WHERE decision = 'behaviours') AS behaviours,
        max(decided_value) FILTER (WHERE decision = 'actions') AS actions,
        list_sort(list(DISTINCT decision)) AS decided
    FROM decision_outcomes
    WHERE outcome = 'applied'
    GROUP BY review_of
)
SELECT
    l.* REPLACE (
        CASE WHEN d.report_id IS NULL THEN l.label_status ELSE 'judged' END AS label_status,
        coalesce(d.kind, l.kind) AS kind,
        coalesce(
            d.is_strict,
            CASE
                WHEN d.kind IS NOT NULL OR d.score IS NOT NULL
                    THEN coalesce(
                        coalesce(d.kind, l.kind) IN ('first_hand', 'second_hand') AND coalesce(d.score, l.score) >= 5,
                        false
                    )
            END,
            l.is_strict
        ) AS is_strict,
        CASE WHEN d.behaviours IS NULL THEN l.behaviours_present ELSE from_json(d.behaviours, '["VARCHAR"]') END
            AS behaviours_present,
        CASE WHEN d.behaviours IS NULL THEN l.behaviours_unsure ELSE [] END AS behaviours_unsure,
        CASE WHEN d.actions IS NULL THEN l.actions ELSE from_json(d.actions, '["VARCHAR"]') END AS actions,
        coalesce(d.evidence, l.evidence) AS evidence,
        coalesce(d.gravity, l.gravity) AS gravity,
        coalesce(d.score, l.score) AS score,
        coalesce(d.subject, l.subject) AS subject
    ),
    coalesce(d.decided, []) AS decided
FROM present AS l
LEFT JOIN decided AS d ON d.report_id = l.report_id;
