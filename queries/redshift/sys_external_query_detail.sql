-- What Spectrum and federated queries scanned. Many small files and unpruned partitions show here only.
-- Segments begin later than their query, so the query decides whether they belong to the window.
SELECT
  query_id,
  child_query_sequence,
  segment_id,
  RTRIM(source_type) AS source_type,
  RTRIM(table_name) AS table_name,
  RTRIM(file_location) AS file_location,
  RTRIM(file_format) AS file_format,
  start_time,
  end_time,
  duration,
  total_partitions,
  qualified_partitions,
  scanned_files,
  returned_rows,
  returned_bytes,
  s3list_time,
  get_partition_time,
  RTRIM(warning_message) AS warning_message
FROM sys_external_query_detail
WHERE query_id IN (
  SELECT query_id FROM sys_query_history WHERE user_id > 1 AND start_time >= CAST(:from AS timestamp) AND start_time < CAST(:until AS timestamp)
)
ORDER BY query_id, child_query_sequence, segment_id
