SELECT l.report_id FROM labels l ANTI JOIN reports r USING (report_id)
