-- The slices of the cluster. A load with fewer files than slices leaves some of them idle.
SELECT
  node,
  slice,
  RTRIM(type) AS type
FROM stv_slices
ORDER BY node, slice
