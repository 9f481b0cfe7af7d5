-- The first schema. Later columns come in later files; this one is never edited.

CREATE TABLE raw_items (
    source_id VARCHAR,
    given_id VARCHAR,
    content_hash VARCHAR,
    report_id VARCHAR,
    text_hash VARCHAR,
    mapper VARCHAR,
    payload JSON,
    found_at VARCHAR,
    fetched_at TIMESTAMPTZ,
    run_id VARCHAR
);

CREATE TABLE reports (
    report_id VARCHAR,
    source_id VARCHAR,
    stated_source VARCHAR,
    platform VARCHAR,
    channel VARCHAR,
    native_id VARCHAR,
    url VARCHAR,
    created_at TIMESTAMPTZ,
    created_precision VARCHAR,
    zone_assumed BOOLEAN,
    title VARCHAR,
    text VARCHAR,
    lang VARCHAR,
    author_key VARCHAR,
    engagement BIGINT,
    text_hash VARCHAR,
    publish_text VARCHAR,
    run_id VARCHAR
);

CREATE TABLE screenings (
    report_id VARCHAR,
    text_hash VARCHAR,
    screen VARCHAR,
    platform VARCHAR,
    kept BOOLEAN,
    reasons VARCHAR[],
    screened_at TIMESTAMPTZ,
    run_id VARCHAR
);

CREATE TABLE instruments (
    instrument VARCHAR,
    ordinal BIGINT,
    registered_at TIMESTAMPTZ,
    screen VARCHAR,
    card JSON
);

CREATE TABLE labels (
    report_id VARCHAR,
    text_hash VARCHAR,
    instrument VARCHAR,
    label_status VARCHAR,
    kind VARCHAR,
    p_strict DOUBLE,
    is_strict BOOLEAN,
    behaviours JSON,
    behaviours_present VARCHAR[],
    behaviours_unsure VARCHAR[],
    actions VARCHAR[],
    evidence INTEGER,
    gravity INTEGER,
    score INTEGER,
    subject VARCHAR,
    agents JSON,
    spans JSON,
    judged_at TIMESTAMPTZ,
    run_id VARCHAR
);

CREATE TABLE incidents (
    incident BIGINT,
    incident_title VARCHAR,
    first_reported_at TIMESTAMPTZ,
    first_reported_precision VARCHAR,
    last_reported_at TIMESTAMPTZ,
    incident_status VARCHAR,
    best_report_id VARCHAR,
    agent_names VARCHAR[],
    vendors VARCHAR[],
    behaviours_present VARCHAR[],
    actions VARCHAR[],
    evidence INTEGER,
    gravity INTEGER,
    score INTEGER,
    p_strict DOUBLE,
    is_strict BOOLEAN,
    reports BIGINT,
    opened_at TIMESTAMPTZ,
    run_id VARCHAR
);

CREATE TABLE incident_reports (
    incident BIGINT,
    report_id VARCHAR,
    link_method VARCHAR,
    link_score DOUBLE,
    link_reason VARCHAR,
    linked_to VARCHAR,
    linked_at TIMESTAMPTZ,
    run_id VARCHAR
);

CREATE TABLE links (
    report_id VARCHAR,
    linked_to VARCHAR,
    link_method VARCHAR,
    link_score DOUBLE,
    merge VARCHAR,
    link_reason VARCHAR,
    linked_at TIMESTAMPTZ,
    run_id VARCHAR
);

CREATE TABLE groupings (
    merge VARCHAR,
    report_id VARCHAR,
    group_key VARCHAR
);

CREATE TABLE merges (
    from_incident BIGINT,
    into_incident BIGINT,
    merged_at TIMESTAMPTZ,
    reason VARCHAR,
    run_id VARCHAR
);

CREATE TABLE reviews (
    review_id VARCHAR,
    review_of VARCHAR,
    decision VARCHAR,
    decided_value VARCHAR,
    reviewer VARCHAR,
    review_reason VARCHAR,
    expected_text_hash VARCHAR,
    draw_reason VARCHAR,
    inclusion_p DOUBLE,
    instrument VARCHAR,
    reviewed_at TIMESTAMPTZ
);

CREATE TABLE runs (
    run_id VARCHAR,
    command VARCHAR,
    started_at TIMESTAMPTZ,
    finished_at TIMESTAMPTZ,
    run_state VARCHAR,
    version VARCHAR,
    queries VARCHAR,
    instrument VARCHAR,
    counts JSON,
    error VARCHAR
);

CREATE TABLE cursors (
    source_id VARCHAR,
    stream VARCHAR,
    position VARCHAR,
    updated_at TIMESTAMPTZ,
    run_id VARCHAR
);

CREATE TABLE coverage (
    source_id VARCHAR,
    stream VARCHAR,
    platform VARCHAR,
    from_at TIMESTAMPTZ,
    to_at TIMESTAMPTZ,
    coverage VARCHAR,
    posts BIGINT,
    run_id VARCHAR
);

CREATE TABLE volumes (
    source_id VARCHAR,
    platform VARCHAR,
    control VARCHAR,
    from_at TIMESTAMPTZ,
    to_at TIMESTAMPTZ,
    posts BIGINT,
    count_method VARCHAR,
    inclusion_p DOUBLE,
    run_id VARCHAR
);

CREATE TABLE rejects (
    source_id VARCHAR,
    stream VARCHAR,
    file VARCHAR,
    line BIGINT,
    content_hash VARCHAR,
    reject_reason VARCHAR,
    detail VARCHAR,
    bytes BIGINT,
    head VARCHAR,
    run_id VARCHAR
);

CREATE TABLE platforms (
    platform VARCHAR,
    platform_name VARCHAR,
    publish_text VARCHAR,
    train VARCHAR,
    licence VARCHAR,
    cannot_see VARCHAR
);

CREATE TABLE reference_counts (
    series VARCHAR,
    what VARCHAR,
    period_start VARCHAR,
    period_end VARCHAR,
    value DOUBLE,
    value_unit VARCHAR,
    confidence VARCHAR,
    source_url VARCHAR,
    note VARCHAR
);

CREATE TABLE reference_rates (
    study VARCHAR,
    model VARCHAR,
    tested_behaviour VARCHAR,
    subject VARCHAR,
    condition VARCHAR,
    statistic VARCHAR,
    rate DOUBLE,
    confidence VARCHAR,
    source_url VARCHAR,
    note VARCHAR
);

CREATE TABLE counters (
    name VARCHAR,
    next_value BIGINT
);

CREATE TABLE migrations (
    migration INTEGER,
    name VARCHAR,
    applied_at TIMESTAMPTZ
);

CREATE TABLE snapshots (
    snapshot VARCHAR,
    published_at TIMESTAMPTZ,
    sha256 VARCHAR,
    fingerprint VARCHAR
);
