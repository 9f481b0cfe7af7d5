-- The public log of corrections: numbers that were merged, given back or split, and what people decided, also what was
-- taken back since. Answers to audit draws measure the instrument; they correct nothing and are not listed.
CREATE OR REPLACE VIEW corrections AS
SELECT
    changed_at AS corrected_at,
    change AS correction,
    'incident:' || incident AS correction_of,
    'incident:' || other_incident AS decided_value,
    'linking' AS decided_by,
    reason AS basis
FROM incident_changes
WHERE change IN ('merged', 'reopened', 'split')
UNION ALL
SELECT
    r.reviewed_at,
    r.decision,
    coalesce(r.review_of, undone.review_of),
    CASE WHEN r.decision = 'undo' THEN undone.decision || ' ' || coalesce(undone.decided_value, '') ELSE r.decided_value END,
    r.reviewer,
    'decision ' || r.review_id || CASE
        WHEN r.review_id IN (SELECT undoes FROM reviews WHERE undoes IS NOT NULL) THEN ', taken back since' ELSE ''
    END
FROM reviews AS r
LEFT JOIN reviews AS undone ON undone.review_id = r.undoes
WHERE r.draw_reason IS DISTINCT FROM 'audit';
