-- Bytes and time of each file by slice. A slice that works alone shows here.
SELECT
  query,
  slice,
  RTRIM(name) AS name,
  lines,
  bytes,
  loadtime,
  is_partial,
  start_offset
FROM stl_file_scan
WHERE query IN (
  SELECT query FROM stl_query WHERE userid > 1 AND starttime >= CAST(:from AS timestamp) AND starttime < CAST(:until AS timestamp)
)
ORDER BY query, name, slice, start_offset
