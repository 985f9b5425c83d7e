"""Checks of what publishing needs: statements that make tables, calls that are refused or hang, objects read back."""

import threading
import time

from botocore.exceptions import BotoCoreError
from selftest import Server, refused

CREATE = """CREATE EXTERNAL TABLE IF NOT EXISTS lake.findings (
  finding_id string,
  occurrences bigint)
PARTITIONED BY (dt string)
STORED AS PARQUET
LOCATION 's3://lake/x/findings/'
TBLPROPERTIES (
  'projection.enabled' = 'true', 'projection.dt.type' = 'date', 'projection.dt.format' = 'yyyy-MM-dd', 'projection.dt.range' = '2015-01-01,NOW',
  'storage.location.template' = 's3://lake/x/findings/dt=${dt}/')"""


def ended(athena, statement):
    started = athena.start_query_execution(QueryString=statement, ResultConfiguration={"OutputLocation": "s3://lake/results/"})
    while True:
        status = athena.get_query_execution(QueryExecutionId=started["QueryExecutionId"])["QueryExecution"]["Status"]
        if status["State"] not in ("QUEUED", "RUNNING"):
            return status.get("StateChangeReason")


def check_tables_are_made():
    with Server({"objects": {"bucket": "lake", "text": ""}}) as server:
        athena = server.client("athena")
        of = {"CatalogName": "AwsDataCatalog", "DatabaseName": "lake", "TableName": "findings"}
        assert "EntityNotFoundException" in str(refused("MetadataException", athena.get_table_metadata, **of))
        assert "Database does not exist" in ended(athena, CREATE)
        assert ended(athena, "CREATE DATABASE IF NOT EXISTS lake") is None
        assert "EntityNotFoundException" in str(refused("MetadataException", athena.get_table_metadata, **of))
        for wrong in (CREATE.replace("/findings/'\nT", "/findings'\nT"), CREATE.replace("bigint", "uint64"), CREATE.replace("${dt}", "")):
            assert ended(athena, wrong), wrong
        assert ended(athena, CREATE) is None
        assert ended(athena, "ALTER TABLE lake.findings ADD COLUMNS (status string)") is None
        assert "Duplicate" in ended(athena, "ALTER TABLE lake.findings ADD COLUMNS (status string)")
        found = athena.get_table_metadata(**of)["TableMetadata"]
        assert [it["Name"] for it in found["Columns"]] == ["finding_id", "occurrences", "status"]
        assert found["PartitionKeys"] == [{"Name": "dt", "Type": "string"}] and found["Parameters"]["location"] == "s3://lake/x/findings/"
        server.control(athena={"fail_statement": {"match": "ALTER", "reason": "Insufficient permissions"}})
        assert ended(athena, "ALTER TABLE lake.findings ADD COLUMNS (more string)") == "Insufficient permissions"


def check_calls_are_refused_and_hang():
    with Server({"objects": {"bucket": "lake", "text": ""}}) as server:
        s3 = server.client("s3", read_timeout=1)
        put = lambda key: s3.put_object(Bucket="lake", Key=key, Body=b"x")
        server.control(refuse={"every": 1, "after": 1, "times": 1, "operations": ["PutObject", "CopyObject"]})
        put("a")
        copy = {"Bucket": "lake", "Key": "b", "CopySource": "lake/a"}
        refused("AccessDenied", s3.copy_object, **copy)
        s3.copy_object(**copy)
        assert set(server.control(stored={"bucket": "lake"})["stored"]) == {"a", "b"}
        for name, done in (("hang_before", False), ("hang_after", True)):
            server.control(reset=True, **{name: {"every": 1, "times": 1, "operations": ["PutObject"]}})
            before = server.counters()["hanging"]

            def hangs(key=name):
                try:
                    put(key)
                except BotoCoreError:
                    pass

            thread = threading.Thread(target=hangs)
            thread.start()
            while server.counters()["hanging"] == before:
                time.sleep(0.01)
            thread.join()
            assert (name in server.control(stored={"bucket": "lake"})["stored"]) == done
