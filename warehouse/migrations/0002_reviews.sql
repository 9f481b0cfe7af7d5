-- A decision can take back another; random audit draws keep the probability of each post.
ALTER TABLE reviews ADD COLUMN undoes VARCHAR;
CREATE TABLE audit_draws (
    draw VARCHAR,
    report_id VARCHAR,
    text_hash VARCHAR,
    stratum VARCHAR,
    inclusion_p DOUBLE,
    instrument VARCHAR,
    drawn_at TIMESTAMPTZ,
    run_id VARCHAR
);
