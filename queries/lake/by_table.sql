-- By table: what was found of warehouse tables and S3 locations in the 7 days up to {date}, the costliest first.
SELECT coalesce(f.table_name, f.location) AS name, f.detector,
  count(DISTINCT f.finding_id) AS findings,
  count(DISTINCT f.run_date) AS nights,
  max(f.occurrences) AS occurrences,
  max(f.impact_seconds) AS impact_seconds,
  max(f.impact_bytes) AS impact_bytes,
  max(f.last_seen) AS last_seen
FROM {lake}findings f
WHERE f.run_date >= '{date-6}' AND f.run_date <= '{date}' AND f.dt >= '{month-6}' AND f.dt <= '{date}'
  AND f.status = 'open' AND coalesce(f.table_name, f.location) IS NOT NULL
GROUP BY coalesce(f.table_name, f.location), f.detector
ORDER BY impact_seconds DESC NULLS LAST, impact_bytes DESC NULLS LAST, name, f.detector
