"""Checks of Athena: its history as it was dumped, in pages, newest first; queries over the files of a table."""

import json
import os
from pathlib import Path

from botocore.exceptions import ParamValidationError
from selftest import HERE, Server, refused

NIGHT = HERE.parent.parent / "fixtures/stories/night/athena"
STAGES = HERE.parent.parent / "fixtures/sources/athena-statistics"
CORPUS = os.environ.get("CASEFILE_CORPUS")


def ids_of(athena, **members):
    found, pages = [], 0
    for page in athena.get_paginator("list_query_executions").paginate(**members):
        found += page["QueryExecutionIds"]
        pages += 1
    return found, pages


def check_history():
    folders = [NIGHT] + ([Path(CORPUS) / "warehouse/evidence/athena"] if CORPUS else [])
    for folder in folders:
        expected = {
            it["QueryExecutionId"]: it for path in folder.glob("batch-get*.json") for it in json.loads(path.read_text())["QueryExecutions"]
        }
        with Server({"athena_history": {"folder": str(folder)}}) as server:
            athena = server.client("athena")
            names = [it["Name"] for page in [athena.list_work_groups()] for it in page["WorkGroups"]]
            assert "primary" in names and {it["WorkGroup"] for it in expected.values()} <= set(names)
            found = {}
            for name in names:
                ids, _ = ids_of(athena, WorkGroup=name)
                for at in range(0, len(ids), 50):
                    answer = athena.batch_get_query_execution(QueryExecutionIds=ids[at : at + 50])
                    assert (
                        answer["UnprocessedQueryExecutionIds"] == []
                        and [it["QueryExecutionId"] for it in answer["QueryExecutions"]] == ids[at : at + 50]
                    )
                    times = [it["Status"]["SubmissionDateTime"] for it in answer["QueryExecutions"]]
                    assert times == sorted(times, reverse=True), "newest first"
                    found |= {it["QueryExecutionId"]: it for it in answer["QueryExecutions"]}
            assert set(found) == set(expected) and expected
            for id, it in expected.items():
                assert found[id]["Query"] == it["Query"] and found[id].get("Statistics") == it.get("Statistics")
                assert athena.get_query_execution(QueryExecutionId=id)["QueryExecution"] == found[id]


def check_pages_and_refusals():
    with Server({"athena_copies": {"count": 230, "workgroup": "etl", "start": 1_786_000_000, "seconds": 86_400}}) as server:
        athena = server.client("athena")
        ids, pages = ids_of(athena, WorkGroup="etl")
        assert len(set(ids)) == 230 and pages == 5
        assert ids_of(athena, WorkGroup="etl", PaginationConfig={"PageSize": 20})[1] == 12
        assert ids_of(athena)[0] == [], "primary is the default"
        refused("InvalidRequestException", athena.list_query_executions, WorkGroup="absent")
        refused("InvalidRequestException", athena.list_query_executions, WorkGroup="etl", NextToken="x")
        refused("InvalidRequestException", athena.batch_get_query_execution, QueryExecutionIds=[f"{it}" for it in range(51)])
        try:
            athena.batch_get_query_execution(QueryExecutionIds=[])
            raise AssertionError
        except ParamValidationError:
            pass
        answer = athena.batch_get_query_execution(QueryExecutionIds=[ids[0], "absent"])
        assert len(answer["QueryExecutions"]) == 1 and answer["UnprocessedQueryExecutionIds"][0]["QueryExecutionId"] == "absent"
        refused("InvalidRequestException", athena.get_query_execution, QueryExecutionId="absent")
        server.control(athena={"unprocessed_every": 10})
        answer = athena.batch_get_query_execution(QueryExecutionIds=ids[:50])
        assert len(answer["QueryExecutions"]) == 45 and len(answer["UnprocessedQueryExecutionIds"]) == 5
        server.control(athena={"unprocessed_every": 0, "oldest": 1_786_000_000 + 43_200})
        assert len(ids_of(athena, WorkGroup="etl")[0]) == 115, "older ones are gone"
        refused("InvalidRequestException", athena.get_query_execution, QueryExecutionId=ids[-1])
        server.control(deny=["athena:BatchGetQueryExecution"])
        refused("AccessDeniedException", athena.batch_get_query_execution, QueryExecutionIds=ids[:1])


def check_statistics():
    id = next(STAGES.rglob("get-query-runtime-statistics_*.json")).stem.rpartition("_")[2]
    start = {"count": 1, "workgroup": "etl", "start": 1_786_000_000, "seconds": 1}
    with Server({"athena_history": {"folder": str(STAGES)}, "athena_copies": start}) as server:
        athena = server.client("athena")
        other = ids_of(athena, WorkGroup="etl")[0][0]
        plain = athena.get_query_runtime_statistics(QueryExecutionId=other)["QueryRuntimeStatistics"]
        assert plain == {"Timeline": {"TotalExecutionTimeInMillis": 1000, "EngineExecutionTimeInMillis": 900}}
        server.control(athena_alias={other: id})
        found = athena.get_query_runtime_statistics(QueryExecutionId=other)["QueryRuntimeStatistics"]
        assert found == json.loads(next(STAGES.rglob("get-query-runtime-statistics_*.json")).read_text())["QueryRuntimeStatistics"]
        assert found["OutputStage"]["SubStages"][1]["StageId"] == 2
        server.control(athena={"late_statistics": [other]})
        assert "Rows" not in athena.get_query_runtime_statistics(QueryExecutionId=other)["QueryRuntimeStatistics"]


def check_files_of_a_table():
    listing = (
        "".join(f"2026-08-11 01:00:{at % 60:02d} {at + 1} clicks/dt=1/part-{at:05d}.gz\n" for at in range(1500))
        + "2026-08-11 01:04:40 0 clicks/dt=1/_SUCCESS\n"
    )
    with Server(
        {"objects": {"bucket": "shop-raw", "text": listing}},
        {"objects": {"bucket": "results", "text": ""}},
        {"athena": {"tables": {"shop.clicks": "s3://shop-raw/clicks/"}, "concurrency": 1}},
    ) as server:
        athena = server.client("athena")
        start = {
            "QueryString": 'SELECT DISTINCT "$path", "$file_size" FROM "shop"."clicks"',
            "ResultConfiguration": {"OutputLocation": "s3://results/casefile/"},
            "ClientRequestToken": "t" * 32,
        }
        id = athena.start_query_execution(**start)["QueryExecutionId"]
        assert athena.start_query_execution(**start)["QueryExecutionId"] == id, "idempotent"
        refused("InvalidRequestException", athena.start_query_execution, **(start | {"QueryString": "SELECT 1"}))
        error = refused("TooManyRequestsException", athena.start_query_execution, **(start | {"ClientRequestToken": "u" * 32}))
        assert error["Reason"] == "CONCURRENT_QUERY_LIMIT_EXCEEDED"
        refused("InvalidRequestException", athena.get_query_results, QueryExecutionId=id)
        states = [athena.get_query_execution(QueryExecutionId=id)["QueryExecution"]["Status"]["State"] for _ in range(3)]
        assert states == ["QUEUED", "RUNNING", "SUCCEEDED"]
        pages = list(athena.get_paginator("get_query_results").paginate(QueryExecutionId=id))
        rows = [[cell["VarCharValue"] for cell in row["Data"]] for page in pages for row in page["ResultSet"]["Rows"]]
        assert len(pages) == 2 and rows[0] == ["$path", "$file_size"] and len(rows) == 1501
        assert rows[1] == ["s3://shop-raw/clicks/dt=1/part-00000.gz", "1"]
        assert server.client("s3").head_object(Bucket="results", Key=f"casefile/{id}.csv")["ContentLength"] > 1000
        failed = athena.start_query_execution(**(start | {"QueryString": 'SELECT "$path" FROM absent', "ClientRequestToken": "v" * 32}))[
            "QueryExecutionId"
        ]
        ends = [athena.get_query_execution(QueryExecutionId=failed)["QueryExecution"]["Status"] for _ in range(3)][-1]
        assert ends["State"] == "FAILED" and ends["StateChangeReason"].startswith("TABLE_NOT_FOUND")
        refused("InvalidRequestException", athena.get_query_results, QueryExecutionId=failed)
        error = refused("InvalidRequestException", athena.start_query_execution, QueryString="SELECT 1")
        assert error["Error"]["Message"].startswith("No output location provided")
        stopped = athena.start_query_execution(**(start | {"ClientRequestToken": "w" * 32}))["QueryExecutionId"]
        athena.stop_query_execution(QueryExecutionId=stopped)
        assert athena.get_query_execution(QueryExecutionId=stopped)["QueryExecution"]["Status"]["State"] == "CANCELLED"
        server.control(athena_workgroup={"Name": "kept", "OutputLocation": "s3://results/kept/"})
        assert (
            athena.get_work_group(WorkGroup="kept")["WorkGroup"]["Configuration"]["ResultConfiguration"]["OutputLocation"]
            == "s3://results/kept/"
        )
