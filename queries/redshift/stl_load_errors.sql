-- The lines that could not be loaded, with the line and the value themselves, which no SYS view shows.
SELECT
  query,
  tbl,
  starttime,
  RTRIM(filename) AS filename,
  line_number,
  RTRIM(colname) AS colname,
  RTRIM(type) AS type,
  RTRIM(col_length) AS col_length,
  position,
  RTRIM(raw_line) AS raw_line,
  RTRIM(raw_field_value) AS raw_field_value,
  err_code,
  RTRIM(err_reason) AS err_reason
FROM stl_load_errors
WHERE starttime >= CAST(:from AS timestamp) AND starttime < CAST(:until AS timestamp)
ORDER BY starttime, query, filename, line_number
