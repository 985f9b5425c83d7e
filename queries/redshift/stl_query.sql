-- The statements under the ids that all STL views use. Only their transactions lead from there to the SYS views.
SELECT
  query,
  xid,
  userid,
  RTRIM(database) AS database,
  RTRIM(querytxt) AS querytxt,
  starttime,
  endtime,
  aborted
FROM stl_query
WHERE userid > 1 AND starttime >= CAST(:from AS timestamp) AND starttime < CAST(:until AS timestamp)
ORDER BY starttime, query
