-- What becomes of every decision in force on a report's label.
--   applied       the only answer, or the one that more than half of the reviewers give
--   disputed      reviewers differ and none of the answers has more than half of them: nothing is applied
--   outvoted      more than half of the reviewers say otherwise
--   text_changed  the text is no longer the one that was decided on: flagged, not applied, no vote
--   no_report     there is no such report here
--   audit         an answer to a random draw: it measures the instrument and corrects nothing
CREATE OR REPLACE VIEW decision_outcomes AS
WITH guarded AS (
    SELECT
        d.*,
        CASE
            WHEN d.draw_reason = 'audit' THEN 'audit'
            WHEN r.report_id IS NULL THEN 'no_report'
            WHEN r.text_hash IS DISTINCT FROM d.expected_text_hash THEN 'text_changed'
            ELSE 'vote'
        END AS state
    FROM decisions AS d
    LEFT JOIN reports AS r ON r.report_id = d.review_of
    WHERE d.decision IN ('kind', 'behaviours', 'actions', 'evidence', 'gravity', 'score', 'subject', 'is_strict')
),
counted AS (
    SELECT
        *,
        count(*) OVER (PARTITION BY review_of, decision, state) AS votes,
        count(*) OVER (PARTITION BY review_of, decision, state, decided_value) AS agreeing
    FROM guarded
)
SELECT
    * EXCLUDE (state, votes, agreeing),
    CASE
        WHEN state <> 'vote' THEN state
        WHEN 2 * agreeing > votes THEN 'applied'
        WHEN 2 * max(agreeing) OVER (PARTITION BY review_of, decision, state) > votes THEN 'outvoted'
        ELSE 'disputed'
    END AS outcome
FROM counted;
