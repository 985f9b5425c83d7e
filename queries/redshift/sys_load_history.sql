-- One row for each COPY, with files, bytes, rows and time. What a load cost and whether it was whole is read from it.
SELECT
  query_id,
  transaction_id,
  user_id,
  RTRIM(database_name) AS database_name,
  RTRIM(table_name) AS table_name,
  RTRIM(status) AS status,
  RTRIM(data_source) AS data_source,
  RTRIM(file_format) AS file_format,
  start_time,
  end_time,
  duration,
  loaded_rows,
  loaded_bytes,
  source_file_count,
  source_file_bytes,
  file_count_scanned,
  file_bytes_scanned,
  error_count,
  copy_job_id
FROM sys_load_history
WHERE start_time >= CAST(:from AS timestamp) AND start_time < CAST(:until AS timestamp)
ORDER BY start_time, query_id
