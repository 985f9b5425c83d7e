-- Reads from S3 that failed, also those that went well when tried again.
SELECT
  query,
  sliceid,
  recordtime,
  RTRIM(bucket) AS bucket,
  RTRIM(key) AS key,
  RTRIM(error) AS error
FROM stl_s3client_error
WHERE recordtime >= CAST(:from AS timestamp) AND recordtime < CAST(:until AS timestamp)
ORDER BY recordtime, query, key, sliceid
