SELECT report_id, label_status FROM labels
WHERE (label_status = 'judged' AND (kind IS NULL OR p_strict IS NULL OR evidence IS NULL OR score IS NULL))
   OR (label_status <> 'judged' AND (kind IS NOT NULL OR is_strict))
