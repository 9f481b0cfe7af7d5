SELECT incident FROM incidents
WHERE incident >= (SELECT coalesce(max(next_value), 0) FROM counters WHERE name = 'incident')
