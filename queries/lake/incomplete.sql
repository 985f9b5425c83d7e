-- Incomplete nights: what of the 30 nights up to {date} could not be judged, or was not read whole. None of them was clean.
SELECT run_date, 'verdict' AS what, detector AS name, verdict AS state, reason
FROM {lake}verdicts
WHERE run_date >= '{date-29}' AND run_date <= '{date}' AND dt >= '{month-29}' AND dt <= '{date}'
  AND verdict = 'not-assessed'
UNION ALL
SELECT run_date, 'input' AS what, path AS name, 'incomplete' AS state, problems AS reason
FROM {lake}coverage
WHERE run_date >= '{date-29}' AND run_date <= '{date}' AND dt >= '{month-29}' AND dt <= '{date}'
  AND complete = false
ORDER BY run_date DESC, what, name
