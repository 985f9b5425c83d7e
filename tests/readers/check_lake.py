"""Reads a lake with pyarrow and DuckDB, and answers questions about it: standard input is {name: SQL}, standard output one JSON document with
the columns and rows of every table that both agree on, the answers, and how many seconds each took."""

import glob
import json
import sys
import time

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

folder, questions = sys.argv[1], json.load(sys.stdin)
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
tables = {}
for table in ["findings", "instances", "excerpts", "verdicts", "coverage"]:
    files = sorted(glob.glob(f"{folder}/{table}/dt=*/*.parquet"))
    # As partition projection does: the partition is the folder's name, and text.
    source = f"read_parquet('{folder}/{table}/*/*.parquet', hive_partitioning = true, hive_types_autocast = false, union_by_name = true)"
    connection.execute(f"CREATE VIEW {table} AS SELECT * FROM {source}")
    schemas = [pq.read_schema(it) for it in files]
    columns = schemas[-1].names
    for path, schema in zip(files, schemas):
        assert schema.names == columns[: len(schema.names)], f"{path}: its columns are not the first ones of the latest file"
        assert schema == pa.schema([schemas[-1].field(it) for it in schema.names]), path
    rows = sum(pq.read_metadata(it).num_rows for it in files)
    assert connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == rows, table
    both = connection.execute(f"SELECT casefile_run_id, run_date, count(*) FROM {table} GROUP BY ALL ORDER BY ALL").fetchall()
    assert len({it[0] for it in both}) == len(both), f"{table}: a run under two dates"
    tables[table] = {"columns": columns, "rows": rows}
answers, seconds = {}, {}
for name, text in questions.items():
    start = time.perf_counter()
    found = connection.execute(text)
    names = [it[0] for it in found.description]
    # Sums of floating point depend on the order of their parts.
    rounded = lambda it: round(it, 6) if isinstance(it, float) else it
    answers[name] = [dict(zip(names, map(rounded, row))) for row in found.fetchall()]
    seconds[name] = round(time.perf_counter() - start, 3)
print(json.dumps({"tables": tables, "answers": answers, "seconds": seconds}, default=str))
