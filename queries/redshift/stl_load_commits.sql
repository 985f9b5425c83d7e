-- Which slice loaded which file or part of one. SYS views know no slices.
SELECT
  query,
  slice,
  RTRIM(filename) AS filename,
  lines_scanned,
  errors,
  RTRIM(file_format) AS file_format,
  is_partial,
  start_offset,
  copy_job_id
FROM stl_load_commits
WHERE query IN (
  SELECT query FROM stl_query WHERE userid > 1 AND starttime >= CAST(:from AS timestamp) AND starttime < CAST(:until AS timestamp)
)
ORDER BY query, filename, slice, start_offset
