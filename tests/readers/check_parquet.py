"""Reads a report's Parquet with pyarrow and DuckDB, and prints what both agree on as JSON."""

import glob
import json
import sys

import duckdb
import pyarrow.parquet as pq

folder = sys.argv[1]
answer = {}
for table in ["findings", "instances", "excerpts", "verdicts", "coverage"]:
    files = sorted(glob.glob(f"{folder}/{table}/dt=*/*.parquet"))
    assert len(files) == 1, (table, files)
    arrow = pq.ParquetFile(files[0]).read()
    relation = duckdb.sql(f"select * from read_parquet('{folder}/{table}/dt=*/*.parquet', hive_partitioning = false)")
    assert relation.columns == arrow.column_names, table
    rows = relation.fetchall()
    assert len(rows) == arrow.num_rows, table
    types = {field.name: str(field.type) for field in arrow.schema}
    for name, kind in types.items():
        assert kind in ("string", "int64", "double", "bool", "timestamp[ms, tz=UTC]"), (table, name, kind)
    schema = pq.ParquetFile(files[0]).schema
    for index in range(len(schema)):
        column = schema.column(index)
        if types[column.name].startswith("timestamp"):
            assert column.physical_type == "INT64", (table, column.name)
            assert column.converted_type == "TIMESTAMP_MILLIS", (table, column.name)
    answer[table] = {"rows": arrow.num_rows, "columns": arrow.column_names}
answer["by_severity"] = dict(
    duckdb.sql(f"select severity, count(*) from read_parquet('{folder}/findings/*/*.parquet') group by 1 order by 1").fetchall()
)
answer["joined"] = duckdb.sql(
    f"""select count(*) from read_parquet('{folder}/findings/*/*.parquet') f
        join read_parquet('{folder}/instances/*/*.parquet') i using (finding_id)"""
).fetchall()[0][0]
print(json.dumps(answer))
