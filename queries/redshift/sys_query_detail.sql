-- What each step of a query read, wrote and spilled, and how unevenly. Steps begin later than their query,
-- so the query decides whether they belong to the window, or one that straddles its end would come in half.
SELECT
  query_id,
  child_query_sequence,
  stream_id,
  segment_id,
  step_id,
  RTRIM(step_name) AS step_name,
  RTRIM(table_name) AS table_name,
  start_time,
  end_time,
  duration,
  input_rows,
  output_rows,
  input_bytes,
  output_bytes,
  spilled_block_local_disk,
  spilled_block_remote_disk,
  data_skewness,
  time_skewness,
  RTRIM(is_active) AS is_active,
  RTRIM(metrics_level) AS metrics_level
FROM sys_query_detail
WHERE query_id IN (
  SELECT query_id FROM sys_query_history WHERE user_id > 1 AND start_time >= CAST(:from AS timestamp) AND start_time < CAST(:until AS timestamp)
)
ORDER BY query_id, child_query_sequence, stream_id, segment_id, step_id
