-- The label of each report's present text by the instrument in current use (the highest ordinal).
-- A report that this instrument has not read yet has no row: an older instrument's word never stands in for it,
-- unless the text is gone and nothing can read it again: then the last label stays, under its own instrument's name.
CREATE OR REPLACE VIEW current_labels AS
SELECT l.*
FROM labels AS l
JOIN reports AS r ON r.report_id = l.report_id AND r.text_hash = l.text_hash
JOIN instruments AS i ON i.instrument = l.instrument
WHERE i.ordinal = (SELECT max(ordinal) FROM instruments) OR r.text_gone_at IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY l.report_id ORDER BY i.ordinal DESC) = 1;
