-- What is known of each platform's coverage in each month: see coverage_periods.
CREATE OR REPLACE VIEW coverage_months AS
SELECT source, period AS month, state FROM coverage_periods WHERE per = 'month';
