-- Weekly counts beside what was expected of them.
CREATE TABLE expectations (
    expected_series VARCHAR,
    period DATE,
    n BIGINT,
    expected_n DOUBLE,
    band_low BIGINT,
    band_high BIGINT,
    dispersion DOUBLE,
    p_adjusted DOUBLE,
    tests INTEGER,
    is_unexpected BOOLEAN,
    tested_at TIMESTAMPTZ,
    told_at TIMESTAMPTZ,
    run_id VARCHAR
);
