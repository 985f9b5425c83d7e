-- By DAG: how many task tries of which tasks were hit in the 7 days up to {date}, and how long they waited.
SELECT i.dag_id, i.task_id, i.detector,
  count(DISTINCT i.finding_id) AS findings,
  count(*) AS hits,
  sum(coalesce(i.wait_seconds, 0)) AS wait_seconds,
  max(i.event_time) AS last_time
FROM {lake}instances i
JOIN {lake}findings f
  ON f.finding_id = i.finding_id AND f.casefile_run_id = i.casefile_run_id AND f.run_date = i.run_date
WHERE i.run_date >= '{date-6}' AND i.run_date <= '{date}' AND i.dt >= '{month-6}' AND i.dt <= '{date}'
  AND f.run_date >= '{date-6}' AND f.run_date <= '{date}' AND f.dt >= '{month-6}' AND f.dt <= '{date}'
  AND f.status = 'open' AND i.dag_id IS NOT NULL
GROUP BY i.dag_id, i.task_id, i.detector
ORDER BY hits DESC, i.dag_id, i.task_id, i.detector
