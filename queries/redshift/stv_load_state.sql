-- How far each slice is with the loads that run now. A load that one slice carries is seen before it ends. A snapshot, mostly empty.
SELECT
  query,
  slice,
  recordtime,
  bytes_to_load,
  bytes_to_load_compressed,
  bytes_loaded,
  bytes_loaded_compressed,
  num_files
FROM stv_load_state
ORDER BY query, slice
