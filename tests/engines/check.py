"""Spark and Trino against a lake that casefile wrote: the DDL as it is printed, every ready query, and the rows that have to come back.

`check.py PROGRAM TRINO FOLDER`: casefile, where Trino's parts lie, and a folder for everything else. Exit code 1 where something differs.
"""

import datetime
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import time
import zoneinfo

import boto3
import expected
import lake
from on_spark import Spark
from on_trino import Trino
from tables import Table

ADDRESS = "s3://casefile-lake/nightly"
DATABASE = "casefile"
ZONES = ["UTC", "Asia/Tokyo"]
LOGIN = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}


class Check:
    """What was compared, and what differed."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.same = self.different = self.not_run = 0

    def casefile(self, *arguments):
        environment = {**os.environ, **LOGIN}
        ran = subprocess.run([self.program, *arguments], cwd=self.folder, capture_output=True, text=True, env=environment, check=False)
        assert ran.returncode == 0, f"casefile {' '.join(arguments)}: {ran.returncode}\n{ran.stderr}"
        return ran.stdout

    def holds(self, what, found, wanted):
        if alike(found, wanted):
            self.same += 1
        else:
            self.different += 1
            print(f"DIFFERENT: {what}\n  expected {wanted}\n  answered {found}")

    def engine(self, name, start, statements, reports, older, stages):
        """All that is asked of one engine. Each stage is done before the same questions are asked again."""
        begun = time.monotonic()
        try:
            engine = start()
        except Exception as problem:  # Whatever keeps it from starting: it was not run, and that is said.
            self.not_run += 1
            print(f"NOT RUN: {name}: {problem}")
            return
        print(f"{engine.name} {engine.version}: started in {time.monotonic() - begun:.0f} s")
        tables = [it for it in map(Table.of, statements) if it]
        try:
            for stage, prepare in stages:
                prepare()
                begun = time.monotonic()
                engine.make(statements, tables)
                for table in tables:
                    declared = [*table.columns, (table.partition, "string")]
                    self.holds(f"{engine.name}, {stage}: columns of {table.name}", engine.columns(table), declared)
                for table in tables:
                    self.older(engine, stage, table, older[table.name])
                for zone in ZONES:
                    self.queries(engine, stage, zone, reports)
                print(f"{engine.name}, {stage}: tables and queries in {time.monotonic() - begun:.0f} s")
        finally:
            engine.stop()

    def older(self, engine, stage, table, rows):
        """Files of before the last columns were added are read, and those columns are null; but for the day, which merging adds."""
        added = table.columns[-1][0]
        if added != "run_date":
            query = f"SELECT count(*), count({added}) FROM {table.database}.{table.name} WHERE dt = '{lake.OLDER}'"
            self.holds(f"{engine.name}, {stage}: {table.name} without {added}", engine.rows(query, "UTC"), [[rows, 0]])

    def queries(self, engine, stage, zone, reports):
        # Trino's moments without a zone are UTC in every session; a literal of Spark's is a time of the session's zone.
        midnight = zoneinfo.ZoneInfo(zone if engine.name == "Spark" else "UTC")
        for day in [lake.LAST, lake.BUSY]:
            for name, answer in expected.ANSWERS.items():
                query = self.casefile("athena", "queries", name, "--date", day, "--database", DATABASE).strip().removesuffix(";")
                wanted = answer(expected.Nights(reports), day, midnight)
                self.holds(f"{engine.name}, {stage}, {zone}: {name} of {day}", engine.rows(query, zone), wanted)


def alike(found, wanted):
    """Equal, sums of numbers but for what adding them in another order changes."""
    if isinstance(found, (list, tuple)) and isinstance(wanted, (list, tuple)):
        return len(found) == len(wanted) and all(map(alike, found, wanted))
    if isinstance(found, float) and isinstance(wanted, (int, float)):
        return math.isclose(found, wanted, rel_tol=1e-9)
    return type(found) is type(wanted) and found == wanted


def main():
    program, parts, folder = (pathlib.Path(it).resolve() for it in sys.argv[1:])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    check = Check(program, folder)
    reports = lake.audited(program, folder)
    older = lake.write_older(folder / "lake")
    printed = check.casefile("athena", "ddl", "--to", ADDRESS, "--database", DATABASE, "--create-database")
    statements = [it.strip() for it in printed.split(";\n") if it.strip()]
    print(f"a lake of {len(reports)} nights, {sum(len(it['findings']) for it in reports.values())} findings")
    for name, answer in expected.ANSWERS.items():
        wanted = answer(expected.Nights(reports), lake.LAST, datetime.timezone.utc)
        assert wanted, f"nothing is expected of {name}: that proves nothing"
        print(f"{name}: {len(wanted)} rows on {lake.LAST}")

    with subprocess.Popen([sys.executable, "tests/aws/serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as servers:
        endpoint = json.loads(servers.stdout.readline())["endpoint"]
        client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing")
        for bucket in ["metastore", "casefile-lake"]:
            client.create_bucket(Bucket=bucket)
        check.casefile("publish", "lake", "--to", ADDRESS, "--endpoint-url", endpoint)
        local = [it.replace(ADDRESS, f"file://{folder}/lake") for it in statements]
        as_written = ("night by night", lambda: None)
        merge = ("months merged", lambda: check.casefile("compact", "lake"))
        check.engine("Spark", lambda: Spark(folder / "spark"), local, reports, older, [as_written, merge])
        merge = ("months merged", lambda: check.casefile("compact", ADDRESS, "--endpoint-url", endpoint))
        check.engine("Trino", lambda: Trino(parts, folder / "trino", endpoint), statements, reports, older, [as_written, merge])
        servers.stdin.close()
    print(f"{check.same} answers are as expected, {check.different} differ, {check.not_run} engines did not run")
    sys.exit(bool(check.different or check.not_run))


main()
