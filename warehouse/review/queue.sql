-- What reviewers are asked, best first. Labels: how near the instrument's probability is to its threshold, whether
-- another instrument or judge says otherwise, how often the event was retold, how many behaviours it cannot tell;
-- before all of them, what reviewers disagree on and corrections whose text has changed. Pairs: nearly joined, or joined
-- by the weakest links. Audit draws stand apart, in random order, and are asked as nothing else.
WITH alone AS (
    SELECT l.report_id, l.text_hash, l.instrument, l.p_strict, l.is_strict, l.behaviours_unsure
    FROM labels l JOIN reports r USING (report_id, text_hash)
    WHERE l.instrument = (SELECT arg_max(instrument, ordinal) FROM instruments)
      AND l.label_status = 'judged' AND (r.title <> '' OR r.text <> '')
      AND l.report_id NOT IN (SELECT report_id FROM audit_draws)
),
threshold AS (
    SELECT (max(p_strict) FILTER (NOT is_strict) + min(p_strict) FILTER (is_strict)) / 2 AS p FROM alone
),
votes AS (
    SELECT
        review_of AS report_id,
        count(DISTINCT reviewer) FILTER (WHERE outcome IN ('applied', 'outvoted', 'disputed')) AS reviewers,
        bool_or(outcome = 'disputed') AS disputed,
        bool_or(outcome = 'text_changed') AND NOT bool_or(outcome = 'applied') AS text_changed
    FROM decision_outcomes GROUP BY review_of
),
weighed AS (
    SELECT
        a.*,
        i.incident,
        substr(md5(a.report_id), 1, 1) IN ('0', '1', '2') AS second_reading,
        coalesce(v.reviewers, 0) AS reviewers,
        CASE WHEN v.disputed THEN 3.0 ELSE 0 END AS disputed,
        CASE WHEN v.text_changed THEN 2.0 ELSE 0 END AS text_changed,
        CASE WHEN coalesce(v.reviewers, 0) = 0 THEN greatest(0, 1 - abs(a.p_strict - t.p) / 0.15) ELSE 0 END AS near,
        CASE WHEN coalesce(v.reviewers, 0) = 0 AND EXISTS (
            SELECT 1 FROM labels o
            WHERE o.report_id = a.report_id AND o.text_hash = a.text_hash AND o.instrument <> a.instrument
              AND o.label_status = 'judged' AND o.is_strict <> a.is_strict
        ) THEN 1.0 ELSE 0 END AS disagreeing,
        CASE WHEN coalesce(v.reviewers, 0) = 0 AND i.best_report_id = a.report_id AND i.reports >= 3
            THEN least(1, log2(i.reports) / 5) ELSE 0 END AS echo,
        CASE WHEN coalesce(v.reviewers, 0) = 0 THEN least(1, 0.5 * len(coalesce(a.behaviours_unsure, []))) ELSE 0 END
            AS unsure
    FROM alone a
    CROSS JOIN threshold t
    LEFT JOIN votes v USING (report_id)
    LEFT JOIN incident_reports ir USING (report_id)
    LEFT JOIN incidents i ON i.incident = ir.incident
),
labels_asked AS (
    SELECT
        'label' AS question, 'information' AS draw_reason,
        disputed + text_changed + near + disagreeing + echo + unsure
            + CASE WHEN second_reading AND reviewers = 1 THEN 0.5 ELSE 0 END AS priority,
        list_filter([
            CASE WHEN disputed > 0 THEN 'reviewers disagree' END,
            CASE WHEN text_changed > 0 THEN 'the text has changed since it was decided on' END,
            CASE WHEN near > 0 THEN 'near the threshold' END,
            CASE WHEN disagreeing > 0 THEN 'instruments disagree' END,
            CASE WHEN echo > 0 THEN 'often retold' END,
            CASE WHEN unsure > 0 THEN 'behaviours unsure' END,
            CASE WHEN second_reading AND reviewers = 1 THEN 'second reading' END
        ], lambda reason: reason IS NOT NULL) AS queue_reasons,
        report_id, CAST(NULL AS VARCHAR) AS other_report_id, incident, text_hash,
        CAST(NULL AS VARCHAR) AS stratum, CAST(NULL AS DOUBLE) AS inclusion_p, instrument, second_reading
    FROM weighed
),
pairs_asked AS (
    SELECT
        'pair', 'information',
        CASE WHEN l.merge = 'loose' THEN l.link_score ELSE 1 - l.link_score END,
        [CASE WHEN l.merge = 'loose' THEN 'nearly joined: ' ELSE 'joined by a weak link: ' END || l.link_reason],
        l.report_id, l.linked_to, a.incident, r.text_hash,
        NULL, NULL, NULL, false
    FROM links l
    JOIN incident_reports a ON a.report_id = l.report_id
    JOIN incident_reports b ON b.report_id = l.linked_to
    JOIN reports r ON r.report_id = l.report_id AND (r.title <> '' OR r.text <> '')
    JOIN reports o ON o.report_id = l.linked_to AND (o.title <> '' OR o.text <> '')
    WHERE ((l.merge = 'loose' AND a.incident <> b.incident) OR (l.merge = 'normal' AND a.incident = b.incident))
      AND l.link_method = 'same_event'
      -- Nobody has decided it, or as many one way as the other.
      AND (
        SELECT count(*) FILTER (decision = 'same') - count(*) FILTER (decision = 'not_same') FROM decisions d
        WHERE d.review_of = least(l.report_id, l.linked_to) AND d.decided_value = greatest(l.report_id, l.linked_to)
      ) = 0
    ORDER BY 3 DESC, l.report_id, l.linked_to
    LIMIT 60
),
informative AS (
    SELECT * FROM labels_asked WHERE priority >= 0.25
    UNION ALL SELECT * FROM pairs_asked
    ORDER BY priority DESC, report_id, other_report_id
    LIMIT $1
),
answered AS (
    SELECT review_of AS report_id, count(DISTINCT reviewer) AS readers
    FROM decisions WHERE draw_reason = 'audit' AND decision = 'is_strict' GROUP BY review_of
),
audits AS (
    SELECT
        'audit', 'audit', 0.0, [d.stratum], d.report_id, NULL, NULL, d.text_hash, d.stratum, d.inclusion_p, d.instrument,
        substr(md5(d.report_id), 1, 1) IN ('0', '1', '2') AS second_reading
    FROM audit_draws d LEFT JOIN answered a USING (report_id)
    WHERE coalesce(a.readers, 0) < CASE WHEN second_reading THEN 2 ELSE 1 END
    ORDER BY d.drawn_at, sha256(d.draw || d.report_id)
)
SELECT row_number() OVER () AS queue_position, *
FROM (SELECT * FROM informative UNION ALL SELECT * FROM audits)
