-- By role: which identities were refused most in the 7 days up to {date}, and what.
SELECT coalesce(f.role_arn, f.principal) AS identity, f.iam_action, f.resource,
  count(DISTINCT f.finding_id) AS findings,
  count(i.finding_id) AS refusals,
  count(DISTINCT f.run_date) AS nights,
  max(f.last_seen) AS last_seen
FROM {lake}findings f
LEFT JOIN {lake}instances i
  ON i.finding_id = f.finding_id AND i.casefile_run_id = f.casefile_run_id AND i.run_date = f.run_date
  AND i.run_date >= '{date-6}' AND i.run_date <= '{date}' AND i.dt >= '{month-6}' AND i.dt <= '{date}'
WHERE f.run_date >= '{date-6}' AND f.run_date <= '{date}' AND f.dt >= '{month-6}' AND f.dt <= '{date}'
  AND f.status = 'open' AND f.detector = 'access-denied'
GROUP BY coalesce(f.role_arn, f.principal), f.iam_action, f.resource
ORDER BY refusals DESC, identity, f.iam_action, f.resource
