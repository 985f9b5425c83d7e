-- What could not be loaded, by file, line and column. A COPY with MAXERROR succeeds and still leaves rows here.
SELECT
  query_id,
  RTRIM(database_name) AS database_name,
  table_id,
  start_time,
  RTRIM(file_name) AS file_name,
  line_number,
  RTRIM(column_name) AS column_name,
  RTRIM(column_type) AS column_type,
  RTRIM(column_length) AS column_length,
  position,
  error_code,
  RTRIM(error_message) AS error_message
FROM sys_load_error_detail
WHERE start_time >= CAST(:from AS timestamp) AND start_time < CAST(:until AS timestamp)
ORDER BY start_time, query_id, file_name, line_number
