-- Human decisions in force: not taken back, and of several on one matter by one reviewer only the last.
-- `review_of` is a report or `incident:NUMBER`; `decision` names what was decided, `decided_value` how.
CREATE OR REPLACE VIEW decisions AS
SELECT
    review_id,
    review_of,
    decision,
    decided_value,
    reviewer,
    expected_text_hash,
    draw_reason,
    inclusion_p,
    instrument,
    reviewed_at
FROM reviews
WHERE decision <> 'undo'
  AND review_id NOT IN (SELECT undoes FROM reviews WHERE undoes IS NOT NULL)
QUALIFY row_number() OVER (
    PARTITION BY
        review_of,
        -- "The same as" and "not the same as" answer one question about a pair: each pair is a matter of its own.
        CASE WHEN decision IN ('same', 'not_same') THEN 'pair ' || decided_value ELSE decision END,
        reviewer,
        -- An audit answer measures the instrument, a correction corrects it: neither stands in for the other.
        coalesce(draw_reason = 'audit', false)
    ORDER BY reviewed_at DESC, review_id DESC
) = 1;
