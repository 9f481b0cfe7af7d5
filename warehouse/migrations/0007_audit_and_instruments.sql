-- Strata of audit draws; the change of instruments as data; a frozen panel and its drift.
CREATE TABLE audit_strata (
    draw VARCHAR,
    stratum VARCHAR,
    posts BIGINT,
    drawn BIGINT,
    inclusion_p DOUBLE,
    seed BIGINT,
    from_at TIMESTAMPTZ,
    to_at TIMESTAMPTZ,
    instrument VARCHAR,
    run_id VARCHAR
);
CREATE TABLE instrument_changes (
    instrument VARCHAR,
    second_instrument VARCHAR,
    changed_at TIMESTAMPTZ,
    rejudged BIGINT,
    not_rejudged BIGINT,
    strict_before BIGINT,
    strict_after BIGINT,
    run_id VARCHAR
);
CREATE TABLE panel_posts (
    panel VARCHAR,
    report_id VARCHAR,
    text_hash VARCHAR,
    drawn_at TIMESTAMPTZ
);
CREATE TABLE panel_drifts (
    panel VARCHAR,
    instrument VARCHAR,
    second_instrument VARCHAR,
    n BIGINT,
    changed_share DOUBLE,
    mean_shift DOUBLE,
    kappa DOUBLE,
    kappa_low DOUBLE,
    kappa_high DOUBLE,
    measured_at TIMESTAMPTZ,
    run_id VARCHAR
);
