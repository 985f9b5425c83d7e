-- One row for each file of a COPY. Sizes and splits tell what its slices had to share.
-- Files begin later than their load, so the load decides whether they belong to the window.
SELECT
  query_id,
  RTRIM(file_name) AS file_name,
  bytes_scanned,
  lines_scanned,
  splits_scanned,
  start_time,
  end_time
FROM sys_load_detail
WHERE query_id IN (
  SELECT query_id FROM sys_load_history WHERE start_time >= CAST(:from AS timestamp) AND start_time < CAST(:until AS timestamp)
)
ORDER BY query_id, file_name, start_time
