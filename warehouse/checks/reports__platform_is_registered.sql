SELECT DISTINCT r.platform FROM reports r ANTI JOIN platforms p USING (platform)
