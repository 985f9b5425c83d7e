-- New today: what is open on {date} and was not there the night before, worst first.
SELECT severity, detector, title, subject_kind, subject_id, first_seen, impact_seconds, finding_id
FROM {lake}findings
WHERE run_date = '{date}' AND dt >= '{month}' AND dt <= '{date}'
  AND status = 'open' AND baseline_state = 'new'
ORDER BY
  CASE severity WHEN 'critical' THEN 1 WHEN 'high' THEN 2 WHEN 'medium' THEN 3 WHEN 'low' THEN 4 ELSE 5 END,
  first_seen, finding_id
