-- What a person with DuckDB would count in a log: a table `source` with a column `line` becomes facts and how often each is told.
SELECT fact, count(*) AS told, count(*) FILTER (started - queued >= INTERVAL 300 SECONDS) AS late
FROM (
  SELECT
    CASE
      WHEN contains(line, 'TaskInstance Finished: ') THEN 'finished ' || regexp_extract(line, ', state=(\w+)', 1)
      WHEN contains(line, 'Sending TaskInstanceKey(') THEN 'sent'
      WHEN contains(line, ' is not authorized to perform: ')
        THEN 'denied ' || regexp_extract(line, 'User: (\S+) is not authorized to perform: ', 1) || ' '
          || regexp_extract(line, ' is not authorized to perform: (\S+)', 1)
      WHEN contains(line, 'Task stuck in queued; will try to requeue') THEN 'will_requeue'
      WHEN contains(line, 'Task requeue attempts exceeded max; marking failed') THEN 'gave_up'
      WHEN contains(line, 'task instances stuck in queued as failed') THEN 'marked_stuck'
      WHEN contains(line, 'task instance''s state attribute is queued') THEN 'lost'
    END AS fact,
    CASE WHEN fact LIKE 'finished %' THEN TRY_CAST(regexp_extract(line, ' run_start_date=([^,+]+)', 1) AS TIMESTAMP) END AS started,
    CASE WHEN fact LIKE 'finished %' THEN TRY_CAST(regexp_extract(line, ' queued_dttm=([^,+]+)', 1) AS TIMESTAMP) END AS queued
  FROM source
)
WHERE fact IS NOT NULL
GROUP BY fact
