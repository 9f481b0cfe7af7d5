-- Agreement of instruments: a second judge beside ours.
CREATE TABLE agreements (
    instrument VARCHAR,
    second_instrument VARCHAR,
    judged_field VARCHAR,
    n BIGINT,
    kappa DOUBLE,
    kappa_low DOUBLE,
    kappa_high DOUBLE,
    measured_at TIMESTAMPTZ,
    run_id VARCHAR
);
