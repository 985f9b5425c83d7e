-- Trend: open findings of each of the 30 nights up to {date}. A night without findings shows 0, one that did not run is not there.
SELECT n.run_date,
  count(f.finding_id) AS open_findings,
  sum(CASE WHEN f.severity IN ('critical', 'high') THEN 1 ELSE 0 END) AS severe_findings,
  sum(CASE WHEN f.baseline_state = 'new' THEN 1 ELSE 0 END) AS new_findings,
  sum(coalesce(f.impact_seconds, 0)) AS impact_seconds
FROM (
  SELECT DISTINCT run_date FROM {lake}verdicts
  WHERE run_date >= '{date-29}' AND run_date <= '{date}' AND dt >= '{month-29}' AND dt <= '{date}'
) n
LEFT JOIN (
  SELECT run_date, finding_id, severity, baseline_state, impact_seconds FROM {lake}findings
  WHERE run_date >= '{date-29}' AND run_date <= '{date}' AND dt >= '{month-29}' AND dt <= '{date}'
    AND status = 'open'
) f ON f.run_date = n.run_date
GROUP BY n.run_date
ORDER BY n.run_date
