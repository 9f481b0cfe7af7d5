-- How long a platform's texts are kept, which texts are gone, and what was forgotten: by hash, so that it is not
-- collected again.
ALTER TABLE platforms ADD COLUMN text_days INTEGER;
ALTER TABLE reports ADD COLUMN text_gone_at TIMESTAMPTZ;

CREATE TABLE erasures (
    erased VARCHAR,
    erased_what VARCHAR,
    erased_at TIMESTAMPTZ,
    n BIGINT
);
