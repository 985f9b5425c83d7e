-- Every read from S3, with the bytes as they lie there and unpacked. Only this view tells how well files are compressed.
SELECT
  query,
  slice,
  RTRIM(http_method) AS http_method,
  RTRIM(bucket) AS bucket,
  RTRIM(key) AS key,
  transfer_size,
  data_size,
  start_time,
  end_time,
  transfer_time,
  retries,
  is_partial,
  start_offset
FROM stl_s3client
WHERE query IN (
  SELECT query FROM stl_query WHERE userid > 1 AND starttime >= CAST(:from AS timestamp) AND starttime < CAST(:until AS timestamp)
)
ORDER BY query, key, slice, start_offset, start_time
