-- The frame of an audit draw: every post first screened since the last frame ended, with its stratum.
-- Platforms with less than 5 % of the frame are one stratum together.
CREATE OR REPLACE TEMP TABLE audit_frame AS
WITH ended AS (SELECT max(to_at) AS to_at FROM audit_strata),
first_seen AS (
    SELECT
        report_id, min(screened_at) AS seen_at, arg_max(text_hash, screened_at) AS text_hash, bool_or(kept) AS kept
    FROM screenings GROUP BY report_id
),
held AS (
    -- Of a post that was also read whole, the share of the sample says nothing.
    SELECT report_id, max(CASE WHEN contains(CAST(payload AS VARCHAR), '"sample_p"')
        THEN coalesce(TRY_CAST(json_extract_string(payload, '$.sample_p') AS DOUBLE), 1) ELSE 1 END) AS first_phase
    FROM raw_items GROUP BY report_id
),
instrument_alone AS (
    -- What people decided must not steer what is audited.
    SELECT l.report_id, l.label_status, l.p_strict, l.is_strict
    FROM labels l JOIN reports r USING (report_id, text_hash)
    WHERE l.instrument = (SELECT arg_max(instrument, ordinal) FROM instruments)
),
posts AS (
    SELECT
        s.report_id, s.seen_at, coalesce(r.text_hash, s.text_hash) AS text_hash, h.first_phase, l.is_strict,
        split_part(s.report_id, ':', 1) AS platform,
        CASE WHEN s.kept THEN l.p_strict END AS p_strict,
        CASE WHEN NOT s.kept OR r.report_id IS NULL THEN 'rejected'
             WHEN l.label_status = 'judged' THEN 'judged' ELSE 'not judged' END AS outcome
    FROM first_seen s
    JOIN held h USING (report_id)
    LEFT JOIN reports r USING (report_id)
    LEFT JOIN instrument_alone l USING (report_id)
    WHERE (SELECT to_at FROM ended) IS NULL OR s.seen_at > (SELECT to_at FROM ended)
),
sized AS (SELECT *, count(*) OVER (PARTITION BY platform) >= 0.05 * count(*) OVER () AS large FROM posts)
SELECT
    report_id, seen_at, text_hash, first_phase, p_strict,
    CASE WHEN outcome <> 'judged' THEN outcome
         ELSE (CASE WHEN is_strict THEN 'strict' ELSE 'not strict' END) || ', p '
              || (CASE WHEN p_strict < 0.05 THEN '0-0.05' WHEN p_strict < 0.2 THEN '0.05-0.2' WHEN p_strict < 0.5 THEN '0.2-0.5'
                  WHEN p_strict < 0.8 THEN '0.5-0.8' ELSE '0.8-1' END) END
    || ', ' || (CASE WHEN large THEN platform ELSE 'other platforms' END)
    || (CASE WHEN first_phase < 1 THEN ', stored at ' || first_phase ELSE '' END) AS stratum
FROM sized
