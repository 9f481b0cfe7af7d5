SELECT report_id, kind, score FROM labels
WHERE is_strict AND (kind NOT IN ('first_hand', 'second_hand') OR score < 5)
