#!/usr/bin/env python3
"""Writes a large export of SYS_LOAD_DETAIL or a large S3 Inventory, always the same for the same arguments.

    warehouse.py load-detail ROWS FILE.csv
    warehouse.py inventory ROWS FILE.parquet

Load detail: 400 COPY statements share the rows, one row a file of 1 kB to 8 MB; of every tenth statement each file is
larger than 128 MB. Inventory: 40 tables of 250 daily partitions share the objects, in the order of their keys; every
fourth table holds files of about 200 MB, the others crumbs. Needs the Python package duckdb.
"""

import sys

import duckdb

LOAD_DETAIL = """
SELECT 100 AS user_id,
       1000 + i // {each} AS query_id,
       format('s3://lake/raw/t{{:02d}}/dt=2026-11-19/part-{{:08d}}.csv', (i // {each}) % 40, i) AS file_name,
       CASE WHEN (i // {each}) % 10 = 9 THEN 150000000 + hash(i) % 100000000 ELSE 1000 + hash(i) % 8000000 END AS bytes_scanned,
       10 + hash(i) % 80000 AS lines_scanned,
       1 AS splits_scanned,
       strftime(TIMESTAMP '2026-11-19 03:00:00' + to_milliseconds(i % 3600000), '%Y-%m-%d %H:%M:%S.%f') AS record_time,
       strftime(TIMESTAMP '2026-11-19 03:00:00' + to_milliseconds(i % 3600000), '%Y-%m-%d %H:%M:%S.%f') AS start_time,
       strftime(TIMESTAMP '2026-11-19 03:00:01' + to_milliseconds(i % 3600000), '%Y-%m-%d %H:%M:%S.%f') AS end_time
FROM range({rows}) t(i)
"""

INVENTORY = """
SELECT 'lake' AS bucket,
       format('db/t{{:02d}}/dt={{}}/part-{{:08d}}.parquet', i // {each} // 250,
              strftime(DATE '2026-01-01' + CAST(i // {each} % 250 AS INTEGER), '%Y-%m-%d'), i) AS key,
       CAST(CASE WHEN (i // {each} // 250) % 4 = 3 THEN 150000000 + hash(i) % 100000000 ELSE 1000 + hash(i) % 900000 END AS BIGINT) AS size,
       TIMESTAMP '2026-01-01 03:00:00' + to_days(CAST(i // {each} % 250 AS INTEGER)) + to_milliseconds(i % 3600000) AS last_modified_date,
       md5(i::VARCHAR) AS e_tag,
       'STANDARD' AS storage_class,
       true AS is_latest,
       false AS is_delete_marker
FROM range({rows}) t(i)
"""

SHAPES = {
    "load-detail": (LOAD_DETAIL, 400, "(FORMAT csv, HEADER)"),
    "inventory": (INVENTORY, 10_000, "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"),
}


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in SHAPES:
        sys.exit(__doc__)
    sql, groups, how = SHAPES[sys.argv[1]]
    rows = int(sys.argv[2])
    query = sql.format(rows=rows, each=max(rows // groups, 1))
    duckdb.sql("SET preserve_insertion_order = true")
    duckdb.sql(f"COPY ({query}) TO '{sys.argv[3]}' {how}")


main()
