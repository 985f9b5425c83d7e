"""Checks of the Redshift Data API over PostgreSQL: results, users, errors, limits."""

import csv
import io
import json
import os
import tempfile
import time
from pathlib import Path

from selftest import HERE, Server, refused

NIGHT = {"warehouse_rows": {"folder": str(HERE.parent.parent / "fixtures/stories/night/redshift")}}
CORPUS = os.environ.get("CASEFILE_CORPUS")
CLUSTER = {"ClusterIdentifier": "shop", "Database": "shop"}


def run(data, sql, parameters=None, **members):
    """Executes a statement and waits for its end; what DescribeStatement says."""
    members = CLUSTER | {"DbUser": "awsuser"} | members
    if parameters:
        members["Parameters"] = [{"name": name, "value": value} for name, value in parameters.items()]
    id = data.execute_statement(Sql=sql, **{key: value for key, value in members.items() if value is not None})["Id"]
    while (told := data.describe_statement(Id=id))["Status"] not in ("FINISHED", "FAILED", "ABORTED"):
        time.sleep(0.01)
    return told


def records(data, id):
    found, members = [], {"Id": id}
    while True:
        answer = data.get_statement_result(**members)
        found += answer["Records"]
        if "NextToken" not in answer:
            return found, answer
        members["NextToken"] = answer["NextToken"]


def records_of(data, sql, **members):
    return records(data, run(data, sql, **members)["Id"])


def check_results():
    with Server(NIGHT, {"redshift": {"page_rows": 7}}) as server:
        data = server.client("redshift-data")
        window = {"from": "2026-08-14 01:00:00", "to": "2026-08-14 02:00:00"}
        sql = "SELECT query_id, start_time, status, trim(status) AS trimmed, result_cache_hit, error_message, query_text FROM sys_query_history WHERE start_time >= :from AND start_time < :to -- :not\n ORDER BY query_id"
        told = run(data, sql, window)
        assert (
            told["Status"] == "FINISHED"
            and told["HasResultSet"]
            and told["ResultRows"] == 5
            and told["Duration"] > 0
            and told["ResultSize"] > 0
        ), told
        assert told["QueryParameters"][0] == {"name": "from", "value": window["from"]}
        found, answer = records(data, told["Id"])
        assert found[0][0] == {"longValue": 55012301} and found[0][1] == {"stringValue": "2026-08-14 01:01:04.218"}
        assert found[0][2] == {"stringValue": "success   "} and found[0][3] == {"stringValue": "success"}, "char is padded"
        assert found[0][4] == {"booleanValue": False} and found[0][5] == {"isNull": True}
        assert "\\n" in found[0][6]["stringValue"] and "\n" not in found[0][6]["stringValue"]
        names = [(it["name"], it["typeName"], it["tableName"], it["schemaName"]) for it in answer["ColumnMetadata"]]
        assert names[:3] == [
            ("query_id", "int8", "sys_query_history", "pg_catalog"),
            ("start_time", "timestamp", "sys_query_history", "pg_catalog"),
            ("status", "bpchar", "sys_query_history", "pg_catalog"),
        ]
        files = run(data, "SELECT file_name, bytes_scanned FROM sys_load_detail ORDER BY 1")
        found, answer = records(data, files["Id"])
        assert len(found) == files["ResultRows"] == answer["TotalNumRows"] == 34
        assert {"longValue": 9858711552} in [it[1] for it in found]
        as_csv = run(
            data, "SELECT query_id, start_time, error_message, result_cache_hit FROM sys_query_history ORDER BY 1", ResultFormat="CSV"
        )
        page = data.get_statement_result_v2(Id=as_csv["Id"])
        rows = list(csv.reader(io.StringIO(page["Records"][0]["CSVRecords"])))
        assert (
            rows[0] == ["query_id", "start_time", "error_message", "result_cache_hit"]
            and rows[1] == ["55012301", "2026-08-14 01:01:04.218", "", "false"]
            and page["ResultFormat"] == "CSV"
        )
        refused("ValidationException", data.get_statement_result, Id=as_csv["Id"])
        refused("ValidationException", data.get_statement_result_v2, Id=told["Id"])
        refused("ResourceNotFoundException", data.describe_statement, Id="00000000-0000-0000-0000-000000000000")
        kinds = run(
            data,
            "SELECT getdate(), 1::int2, 2.5::float8, 2.50::numeric(10,2), nvl(NULL::bigint, 3), timestamp '2000-01-01' + (1500000/1000000.0) * interval '1 second'",
        )
        (row,), _ = records(data, kinds["Id"])
        assert row[1:] == [
            {"longValue": 1},
            {"doubleValue": 2.5},
            {"stringValue": "2.50"},
            {"longValue": 3},
            {"stringValue": "2000-01-01 00:00:01.5"},
        ], row
        (row,), _ = records(data, run(data, "SELECT timestamp '2000-01-01', 'x'::char(3), true")["Id"])
        assert row == [{"stringValue": "2000-01-01 00:00:00.0"}, {"stringValue": "x  "}, {"booleanValue": True}], "one digit at least"
        waited = data.execute_statement(Sql="SELECT 1", WaitTimeSeconds=10, WorkgroupName="serverless", Database="shop")
        assert waited["Status"] == "FINISHED" and waited["HasResultSet"]


def check_errors():
    with Server(NIGHT, {"warehouse_user": {"name": "etl", "id": 102}}) as server:
        data = server.client("redshift-data")
        for user, sql, state, text in (
            ("awsuser", "SELECT * FROM stl_absent", "42P01", 'ERROR: relation "stl_absent" does not exist'),
            ("awsuser", "SELECT absent FROM sys_query_history", "42703", 'ERROR: column "absent" does not exist in sys_query_history'),
            ("etl", "SELECT * FROM svv_table_info", "42501", "ERROR: permission denied for relation svv_table_info"),
            ("awsuser", "SELEC 1", "42601", 'ERROR: syntax error at or near "SELEC"'),
            ("awsuser", "SELECT 1 WHERE 'a' = :from", "42601", 'ERROR: syntax error at or near ":"'),
        ):
            told = run(data, sql, DbUser=user)
            assert (told["Status"], told["Error"], told["HasResultSet"]) == ("FAILED", text, False), told
            assert server.control(statements=True)["statements"][-1]["sqlstate"] == state
            refused("ResourceNotFoundException", data.get_statement_result, Id=told["Id"])
        assert (
            run(data, "SELECT 1; SELECT 2")["Error"].startswith("ERROR: cannot insert multiple commands")
            and run(data, "SELECT ';'; -- done")["Status"] == "FINISHED"
        )
        execute = lambda **members: {"Sql": "SELECT 1"} | CLUSTER | members
        refused("ValidationException", data.execute_statement, **execute(Sql="SELECT :a", Parameters=[{"name": "b", "value": "1"}]))
        error = refused("ValidationException", data.execute_statement, **execute(Parameters=[{"name": "b", "value": "1"}]))
        assert "Unused parameters" in error["Error"]["Message"]
        refused("ValidationException", data.execute_statement, **execute(WorkgroupName="both"))
        refused("ValidationException", data.execute_statement, Sql="SELECT 1", ClusterIdentifier="c")
        refused("ValidationException", data.execute_statement, **execute(Sql="SELECT 1 --" + "x" * 102_400))
        server.control(
            warehouse={"drop_view": "stl_load_errors", "drop_column": ["sys_query_history.compute_type"], "revoke": "stv_slices"}
        )
        assert run(data, "SELECT 1 FROM stl_load_errors")["Error"] == 'ERROR: relation "stl_load_errors" does not exist'
        assert "compute_type" in run(data, "SELECT compute_type FROM sys_query_history")["Error"]
        assert (
            run(data, "SELECT * FROM stv_slices", DbUser="etl")["Status"] == "FAILED"
            and run(data, "SELECT * FROM stv_slices")["ResultRows"] > 0
        )
        server.control(warehouse={"restore": True})
        assert run(data, "SELECT compute_type FROM sys_query_history, stl_load_errors, stv_slices", DbUser="etl")["Status"] == "FINISHED"
        server.control(warehouse={"serverless": True})
        assert (
            run(data, "SELECT * FROM stl_query", DbUser="etl")["Status"] == "FAILED"
            and run(data, "SELECT * FROM sys_query_history", DbUser="etl")["Status"] == "FINISHED"
        )
        server.control(redshift={"error_suffix": " [{sqlstate}]"})
        assert run(data, "SELECT * FROM stl_absent")["Error"] == 'ERROR: relation "stl_absent" does not exist [42P01]'
        server.control(redshift={"error_suffix": ""})
        server.control(redshift={"databases": ["shop"], "clusters": ["shop"], "accepts_wait": False})
        assert run(data, "SELECT 1", Database="absent")["Error"] == 'FATAL: database "absent" does not exist'
        refused("ValidationException", data.execute_statement, **execute(ClusterIdentifier="absent"))
        refused("ValidationException", data.execute_statement, **execute(WaitTimeSeconds=1))
        assert run(data, "SELECT 1", DbUser="absent")["Status"] == "FAILED"


def check_visibility():
    users = [
        {"warehouse_user": it}
        for it in (
            {"name": "etl", "id": 102},
            {"name": "other", "id": 103},
            {"name": "auditor", "id": 104, "syslog": "UNRESTRICTED"},
            {"name": "monitor", "id": 105, "roles": ["sys:monitor"], "grants": ["svv_table_info"]},
        )
    ]
    with Server(NIGHT, *users) as server:
        data = server.client("redshift-data")
        rows = lambda user, view: run(data, f"SELECT * FROM {view}", DbUser=user)["ResultRows"]
        assert [rows(it, "sys_query_history") for it in ("awsuser", "auditor", "monitor", "other")] == [5, 5, 5, 0]
        of_etl = run(data, "SELECT * FROM sys_query_history WHERE user_id = 102")["ResultRows"]
        assert rows("etl", "sys_query_history") == of_etl > 0
        assert rows("other", "stv_slices") == rows("awsuser", "stv_slices") == 16
        assert rows("monitor", "svv_table_info") == 0, "granted"
        one = lambda user, sql: records(data, run(data, sql, DbUser=user)["Id"])[0]
        assert one("etl", "SELECT usesuper FROM pg_user WHERE usename = current_user") == [[{"booleanValue": False}]]
        assert one("awsuser", "SELECT usesuper FROM pg_user WHERE usename = current_user") == [[{"booleanValue": True}]]
        assert one("etl", "SELECT usesysid FROM pg_user WHERE usename = current_user") == [[{"longValue": 102}]]
        assert one("auditor", "SELECT syslog_access, superuser FROM svv_user_info WHERE user_name = current_user") == [
            [{"stringValue": "UNRESTRICTED"}, {"booleanValue": False}]
        ]
        assert one("monitor", "SELECT role_name FROM svv_user_grants WHERE user_name = current_user") == [[{"stringValue": "sys:monitor"}]]
        assert run(data, "SELECT * FROM svl_user_info", DbUser="etl")["Error"] == "ERROR: permission denied for relation svl_user_info"


def check_limits():
    with Server(NIGHT, {"redshift": {"active_limit": 3, "slots": 2, "run_seconds": 30}}) as server:
        data = server.client("redshift-data")
        execute = lambda **members: data.execute_statement(Sql="SELECT 1", DbUser="awsuser", **CLUSTER, **members)
        ids = [execute(ClientToken=f"token-{it}", StatementName=f"casefile {it}")["Id"] for it in range(3)]
        assert execute(ClientToken="token-1")["Id"] == ids[1], "idempotent"
        error = refused("ActiveStatementsExceededException", data.execute_statement, Sql="SELECT 2", DbUser="awsuser", **CLUSTER)
        assert "3" in error["Error"]["Message"]
        time.sleep(1.5)
        assert sorted(data.describe_statement(Id=it)["Status"] for it in ids) == ["STARTED", "STARTED", "SUBMITTED"]
        refused("ResourceNotFoundException", data.get_statement_result, Id=ids[0])
        assert all(data.cancel_statement(Id=it)["Status"] for it in ids)
        ends = [data.describe_statement(Id=it, WaitTimeSeconds=10) for it in ids]
        assert [it["Status"] for it in ends] == ["ABORTED"] * 3 and "cancelled" in ends[0]["Error"]
        refused("ValidationException", data.cancel_statement, Id=ids[0])
        server.control(redshift={"run_seconds": 0, "result_bytes_cap": 2_000})
        told = run(data, "SELECT * FROM sys_query_history")
        assert told["Status"] == "FAILED" and "larger" in told["Error"]
        told = run(data, "SELECT repeat('x', 70000)")
        assert told["Status"] == "FAILED" and "64 KB" in told["Error"]
        assert run(data, "SELECT 1", StatementName="casefile 9")["Status"] == "FINISHED"
        assert [it["StatementName"] for it in data.list_statements(StatementName="casefile")["Statements"]] == [
            "casefile 9"
        ], "finished ones only"
        page = data.list_statements(Status="ALL", MaxResults=2)
        assert len(page["Statements"]) == 2 and page["NextToken"]
        server.control(deny=["redshift-data:ExecuteStatement"])
        error = refused("AccessDeniedException", data.execute_statement, Sql="SELECT 1", WorkgroupName="night", Database="d")
        assert (
            "redshift-data:ExecuteStatement on resource: arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/night"
            in error["Error"]["Message"]
        )


def check_dumps():
    """What the loader takes: each form of the same rows, once."""
    with tempfile.TemporaryDirectory() as folder, Server() as server:
        folder = Path(folder)
        (folder / "stv_slices.csv").write_text("node,slice,localslice,type\n0,0,0,D\n0,1,1,D\n")
        (folder / "slices.json").write_text(
            '[{"node":0,"slice":1,"localslice":1,"type":"D"},{"node":0,"slice":2,"localslice":2,"type":"C"}]'
        )
        (folder / "stv_slices0000_part_00").write_text("1|3|0|D\n1|4|1|D\n")
        names = json.dumps([{"name": it} for it in ("query", "sequence", "text", "userid", "xid", "pid")])
        records = json.dumps(
            [
                [{"longValue": 7}, {"longValue": at}, {"stringValue": text}, {"longValue": 100}, {"isNull": True}, {"longValue": 1}]
                for at, text in enumerate(('a|b,"c"', "x" * 300))
            ]
        )
        (folder / "dump.json").write_text(f'{{"ColumnMetadata":{names},"Records":{records},"TotalNumRows":2}}')
        for page, text in (("1", "query,sequence,text,userid,xid,pid\r\n8,0,one,100,,1\r\n"), ("2", "8,1,two,100,,1\r\n")):
            (folder / f"csv.page{page}.json").write_text(
                f'{{"ColumnMetadata":{names},"Records":[{{"CSVRecords":{json.dumps(text)}}}],"ResultFormat":"CSV"}}'
            )
        (folder / "notes.txt").write_text("no dump")
        for again in range(2):
            told = server.control(warehouse_rows={"folder": str(folder)})["warehouse_rows"]
            assert told == {"rows": {"stl_querytext": 4 * (not again), "stv_slices": 5 * (not again)}, "left_out": ["notes.txt"]}, told
        data = server.client("redshift-data")
        found, _ = records_of(data, "SELECT trim(text), xid, length(text) FROM stl_querytext ORDER BY query, sequence")
        assert found[0] == [{"stringValue": 'a|b,"c"'}, {"isNull": True}, {"longValue": 7}] and found[1][2] == {
            "longValue": 200
        }, "cut to its column"
        folders = [HERE.parent.parent / "fixtures/sources/redshift-view"] + (
            [Path(CORPUS) / "warehouse/evidence/redshift"] if CORPUS else []
        )
        for it in folders:
            told = server.control(warehouse_rows={"folder": str(it)})["warehouse_rows"]
            assert len(told["rows"]) >= 15, told
