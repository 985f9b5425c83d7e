-- Distribution, size and skew of every table. The view shows them as they are now, whatever the window.
SELECT
  RTRIM(database) AS database,
  RTRIM(schema) AS schema,
  table_id,
  RTRIM("table") AS "table",
  RTRIM(diststyle) AS diststyle,
  RTRIM(sortkey1) AS sortkey1,
  size,
  tbl_rows,
  skew_rows,
  skew_sortkey1,
  unsorted,
  stats_off
FROM svv_table_info
ORDER BY schema, "table", table_id
