-- How sure the instrument is of each action, as it already stood for behaviours. Labels and records of before have none.
ALTER TABLE labels ADD COLUMN action_probabilities JSON;
ALTER TABLE incidents ADD COLUMN action_probabilities JSON;
