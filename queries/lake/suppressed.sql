-- Suppressed: what is left out of all other questions on {date}, and why.
SELECT detector, severity, title, subject_id, suppression, nights_seen, finding_id
FROM {lake}findings
WHERE run_date = '{date}' AND dt >= '{month}' AND dt <= '{date}'
  AND status = 'suppressed'
ORDER BY detector, finding_id
