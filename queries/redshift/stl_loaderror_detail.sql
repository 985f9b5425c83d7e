-- Every field of a line that could not be loaded, up to the one that failed. The view has no time of its own.
SELECT
  query,
  RTRIM(filename) AS filename,
  line_number,
  field,
  RTRIM(colname) AS colname,
  RTRIM(type) AS type,
  RTRIM(col_length) AS col_length,
  RTRIM(value) AS value,
  is_null
FROM stl_loaderror_detail
WHERE query IN (
  SELECT query FROM stl_query WHERE userid > 1 AND starttime >= CAST(:from AS timestamp) AND starttime < CAST(:until AS timestamp)
)
ORDER BY query, filename, line_number, field
