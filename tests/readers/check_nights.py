"""Compares a lake of many nights with the truth: each finding once a night, in the state that it should have."""

import collections
import json
import sys

import duckdb
import pyarrow.dataset as ds

lake, truth = sys.argv[1], json.load(open(sys.argv[2]))
rows = duckdb.sql(
    f"""select dt, run_date, finding_id, baseline_state, status, nights_seen, first_seen
        from read_parquet('{lake}/findings/dt=*/*.parquet', hive_partitioning = true, hive_types = {{'dt': varchar}}) order by all"""
).fetchall()
found = collections.defaultdict(dict)
nights = collections.Counter()
first = {}
faults = []
for dt, run_date, finding_id, change, status, nights_seen, first_seen in rows:
    if dt != run_date:
        faults.append(f"{finding_id}: run_date {run_date} lies in dt={dt}")
    if finding_id in found[dt]:
        faults.append(f"{dt}: {finding_id} stands there twice")
    found[dt][finding_id] = {"baseline_state": change, "status": status}
    nights[finding_id] += 1
    if nights_seen != nights[finding_id]:
        faults.append(f"{dt}: {finding_id} was seen in {nights[finding_id]} nights, not {nights_seen}")
    if first.setdefault(finding_id, first_seen) != first_seen:
        faults.append(f"{dt}: {finding_id} was first seen at {first[finding_id]}, not {first_seen}")
for dt in sorted(set(truth) | set(found)):
    for finding_id in sorted(set(truth.get(dt, {})) | set(found.get(dt, {}))):
        expected, told = truth.get(dt, {}).get(finding_id), found.get(dt, {}).get(finding_id)
        if expected != told:
            faults.append(f"{dt}: {finding_id}: {told}, not {expected}")
for table in ["findings", "instances", "excerpts", "verdicts", "coverage"]:
    counted = duckdb.sql(f"select count(*), count(distinct casefile_run_id) from read_parquet('{lake}/{table}/*/*.parquet')").fetchall()[0]
    if ds.dataset(f"{lake}/{table}", partitioning="hive").count_rows() != counted[0]:
        faults.append(f"{table}: pyarrow and DuckDB do not count the same")
    if table in ("verdicts", "coverage") and counted[1] != len(truth):
        faults.append(f"{table}: {counted[1]} runs, not {len(truth)}")
print("\n".join(faults) or f"{len(rows)} rows of {len(truth)} nights are right")
sys.exit(bool(faults))
