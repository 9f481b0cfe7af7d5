-- What made people post more: dated events drawn over the series, used in sensitivity checks, never in a count.
CREATE TABLE events (
    event_date DATE,
    event_kind VARCHAR,
    event_name VARCHAR,
    event_agent VARCHAR,
    source_url VARCHAR,
    confidence VARCHAR,
    note VARCHAR
);
