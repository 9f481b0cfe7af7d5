-- The label of each report's present text by the instrument in current use (the highest ordinal).
-- A report that this instrument has not read yet has no row: an older instrument's word never stands in for it.
CREATE OR REPLACE VIEW current_labels AS
SELECT l.*
FROM labels AS l
JOIN reports AS r ON r.report_id = l.report_id AND r.text_hash = l.text_hash
WHERE l.instrument = (SELECT arg_max(instrument, ordinal) FROM instruments);
