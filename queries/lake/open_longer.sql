-- Open longer than 7 days: what is open on {date} and was first seen before {date-7}, the oldest first.
SELECT first_seen, nights_seen, severity, detector, title, subject_id, impact_seconds, finding_id
FROM {lake}findings
WHERE run_date = '{date}' AND dt >= '{month}' AND dt <= '{date}'
  AND status = 'open' AND first_seen < TIMESTAMP '{date-7} 00:00:00'
ORDER BY first_seen, finding_id
