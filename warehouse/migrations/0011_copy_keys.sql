-- Keys of copies and keys of events stand apart: each is asked for at another step, and the first are by far the more.
-- The index is made anew: the linker's version has changed, so the next run reads every strict report again.
CREATE TABLE copy_keys (
    block_key BIGINT,
    report_id VARCHAR,
    filed BIGINT
);
DELETE FROM blocking_keys;
