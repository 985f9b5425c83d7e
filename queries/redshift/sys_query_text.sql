-- The whole texts of statements, in chunks. The COPY behind a load, its options and its role are read from them.
SELECT
  query_id,
  sequence,
  RTRIM(text) AS text
FROM sys_query_text
WHERE user_id > 1 AND start_time >= CAST(:from AS timestamp) AND start_time < CAST(:until AS timestamp)
ORDER BY start_time, query_id, sequence
