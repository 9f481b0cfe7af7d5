-- An item bears its post's time, so that a new one is compared with those of its time only. Items stored before have
-- none and are always looked at; mapping them anew gives them theirs.
ALTER TABLE raw_items ADD COLUMN created_at TIMESTAMPTZ;
