-- Worst by impact: the twenty open findings of {date} that cost most time, then most bytes.
SELECT impact_seconds, impact_bytes, severity, detector, title, subject_id, occurrences, nights_seen, finding_id
FROM {lake}findings
WHERE run_date = '{date}' AND dt >= '{month}' AND dt <= '{date}'
  AND status = 'open'
ORDER BY impact_seconds DESC NULLS LAST, impact_bytes DESC NULLS LAST, occurrences DESC, finding_id
LIMIT 20
