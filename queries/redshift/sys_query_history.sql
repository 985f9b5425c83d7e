-- Every statement with its times, its end and its error. Users 0 and 1 are Redshift itself.
-- Texts are cut at 4,000 characters there, sys_query_text has the rest.
SELECT
  query_id,
  transaction_id,
  user_id,
  RTRIM(database_name) AS database_name,
  RTRIM(query_type) AS query_type,
  RTRIM(status) AS status,
  start_time,
  end_time,
  elapsed_time,
  queue_time,
  execution_time,
  planning_time,
  RTRIM(compute_type) AS compute_type,
  RTRIM(error_message) AS error_message,
  RTRIM(query_text) AS query_text
FROM sys_query_history
WHERE user_id > 1 AND start_time >= CAST(:from AS timestamp) AND start_time < CAST(:until AS timestamp)
ORDER BY start_time, query_id
