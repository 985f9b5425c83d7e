"""Athena's history and, for tables that are listings of files, its queries: newest first, in pages, by workgroup, which moto does not do."""

import re
import threading
import time
import uuid
from dataclasses import dataclass, field

from athena_tables import Tables
from wire import AwsError

PAGE = 50
TERMINAL = ("SUCCEEDED", "FAILED", "CANCELLED")
ENGINE = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}
FILES = re.compile(r'\bFROM\s+((?:"[^"]+"|[\w.]+)(?:\s*\.\s*(?:"[^"]+"|\w+))*)', re.IGNORECASE)


@dataclass
class Settings:
    """What a control call may change under "athena"."""

    page: int = PAGE
    # Executions submitted before this moment (epoch seconds) are gone: AWS keeps 45 days.
    oldest: float | None = None
    # Every n-th id of BatchGetQueryExecution comes back as unprocessed.
    unprocessed_every: int = 0
    concurrency: int = 20
    # How often a query of ours is QUEUED, then RUNNING, when asked for, before it ends.
    queued_polls: int = 1
    running_polls: int = 1
    # Ids whose statistics have no Rows and no stages (yet).
    late_statistics: list = field(default_factory=list)
    # Statements that hold `match` end with `reason`.
    fail_statement: dict | None = None


class Athena:
    """The operations, by name."""

    def __init__(self, moto):
        self.moto, self.settings, self.lock = moto, Settings(), threading.RLock()
        self.tables_of_glue = Tables(moto)
        self.executions, self.statistics, self.workgroups = {}, {}, {}
        self.results, self.polls, self.tokens, self.tables, self.asked = {}, {}, {}, {}, 0
        self.add_workgroup({"Name": "primary"})

    def set(self, values):
        for name, value in values.items():
            if name == "tables":
                self.tables = {key.lower(): place for key, place in value.items()}
            elif hasattr(self.settings, name):
                setattr(self.settings, name, value)
            else:
                raise KeyError(f"athena.{name}")

    def add_workgroup(self, told):
        known = {"State": "ENABLED", "Description": "", "CreationTime": 1_750_000_000.0, "EngineVersion": ENGINE}
        self.workgroups[told["Name"]] = known | self.workgroups.get(told["Name"], {}) | told

    def _workgroup(self, name):
        if name not in self.workgroups:
            raise AwsError("InvalidRequestException", f"WorkGroup {name} is not found.", AthenaErrorCode="INVALID_INPUT")
        return self.workgroups[name]

    def _known(self, id):
        found = self.executions.get(id)
        if found is None or not self._kept(found):
            raise AwsError("InvalidRequestException", f"QueryExecution {id} was not found", AthenaErrorCode="INVALID_INPUT")
        return found

    def _kept(self, execution):
        return self.settings.oldest is None or execution["Status"]["SubmissionDateTime"] >= self.settings.oldest

    def ListQueryExecutions(self, members, call):
        name = members.get("WorkGroup", "primary")
        self._workgroup(name)
        found = [it for it in self.executions.values() if it.get("WorkGroup", "primary") == name and self._kept(it)]
        found.sort(key=lambda it: (-it["Status"]["SubmissionDateTime"], it["QueryExecutionId"]))
        page, more = self._page([it["QueryExecutionId"] for it in found], members, self.settings.page)
        return {"QueryExecutionIds": page} | more

    def _page(self, found, members, most):
        """A page, and its token. The token is the place in the list of its workgroup."""
        most = min(members.get("MaxResults") or most, most)
        token = members.get("NextToken")
        if token is not None and not re.fullmatch(r"page-\d+", token):
            raise AwsError("InvalidRequestException", "Invalid NextToken", AthenaErrorCode="INVALID_INPUT")
        at = int(token.rpartition("-")[2]) if token else 0
        return found[at : at + most], ({"NextToken": f"page-{at + most}"} if at + most < len(found) else {})

    def BatchGetQueryExecution(self, members, call):
        found, unprocessed = [], []
        for id in members["QueryExecutionIds"]:
            self.asked += 1
            execution = self.executions.get(id)
            if self.settings.unprocessed_every and self.asked % self.settings.unprocessed_every == 0:
                unprocessed.append({"QueryExecutionId": id, "ErrorCode": "INTERNAL_FAILURE", "ErrorMessage": "Internal failure; try again"})
            elif execution is None or not self._kept(execution):
                unprocessed.append(
                    {"QueryExecutionId": id, "ErrorCode": "INVALID_INPUT", "ErrorMessage": f"QueryExecution {id} was not found"}
                )
            else:
                found.append(self._moved(execution))
        return {"QueryExecutions": found, "UnprocessedQueryExecutionIds": unprocessed}

    def GetQueryExecution(self, members, call):
        return {"QueryExecution": self._moved(self._known(members["QueryExecutionId"]))}

    def _moved(self, execution):
        """A query of ours goes on each time that it is asked for."""
        id, status = execution["QueryExecutionId"], execution["Status"]
        with self.lock:
            if id in self.polls and status["State"] not in TERMINAL:
                self.polls[id] += 1
                queued, running = self.settings.queued_polls, self.settings.running_polls
                status["State"] = "QUEUED" if self.polls[id] <= queued else "RUNNING" if self.polls[id] <= queued + running else "SUCCEEDED"
                if status["State"] == "SUCCEEDED":
                    self._finish(execution)
        return execution

    def GetQueryRuntimeStatistics(self, members, call):
        execution = self._known(members["QueryExecutionId"])
        found = self.statistics.get(execution["QueryExecutionId"], {})
        told = execution.get("Statistics", {})
        answer = {}
        if execution["Status"]["State"] in ("SUCCEEDED", "FAILED"):
            names = (
                "QueryQueueTimeInMillis",
                "ServicePreProcessingTimeInMillis",
                "QueryPlanningTimeInMillis",
                "EngineExecutionTimeInMillis",
                "ServiceProcessingTimeInMillis",
                "TotalExecutionTimeInMillis",
            )
            answer["Timeline"] = {key: told[key] for key in names if key in told}
        if execution["QueryExecutionId"] not in self.settings.late_statistics:
            answer |= found
        return {"QueryRuntimeStatistics": answer}

    def ListWorkGroups(self, members, call):
        names = ("Name", "State", "Description", "CreationTime", "EngineVersion")
        found = [{key: it[key] for key in names} for _, it in sorted(self.workgroups.items())]
        page, more = self._page(found, members, self.settings.page)
        return {"WorkGroups": page} | more

    def GetWorkGroup(self, members, call):
        found = self._workgroup(members["WorkGroup"])
        place = {"OutputLocation": found["OutputLocation"]} if found.get("OutputLocation") else {}
        configuration = {
            "ResultConfiguration": place,
            "EnforceWorkGroupConfiguration": bool(place),
            "PublishCloudWatchMetricsEnabled": True,
            "RequesterPaysEnabled": False,
            "EngineVersion": found["EngineVersion"],
        }
        configuration |= (
            {"BytesScannedCutoffPerQuery": found["BytesScannedCutoffPerQuery"]} if "BytesScannedCutoffPerQuery" in found else {}
        )
        return {
            "WorkGroup": {key: found[key] for key in ("Name", "State", "Description", "CreationTime")} | {"Configuration": configuration}
        }

    def StartQueryExecution(self, members, call):
        name = members.get("WorkGroup", "primary")
        workgroup = self._workgroup(name)
        if workgroup["State"] == "DISABLED":
            raise AwsError("InvalidRequestException", f"WorkGroup {name} is disabled.", AthenaErrorCode="INVALID_INPUT")
        place = workgroup.get("OutputLocation") or members.get("ResultConfiguration", {}).get("OutputLocation")
        if not place:
            raise AwsError(
                "InvalidRequestException",
                "No output location provided. An output location is required either through the Workgroup result configuration setting or as an API input.",
                AthenaErrorCode="INVALID_INPUT",
            )
        with self.lock:
            token, text = members.get("ClientRequestToken"), members["QueryString"]
            if token in self.tokens:
                id = self.tokens[token]
                if self.executions[id]["Query"] != text:
                    raise AwsError("InvalidRequestException", "Idempotent parameters do not match", AthenaErrorCode="INVALID_INPUT")
                return {"QueryExecutionId": id}
            active = sum(self.executions[it]["Status"]["State"] not in TERMINAL for it in self.polls)
            if active >= self.settings.concurrency:
                raise AwsError(
                    "TooManyRequestsException",
                    "You have exceeded the limit for the number of queries you can run concurrently. Please reduce the number of concurrent queries submitted by this account. Contact customer support to request a concurrent query limit increase.",
                    Reason="CONCURRENT_QUERY_LIMIT_EXCEEDED",
                )
            id = str(uuid.uuid4())
            if token:
                self.tokens[token] = id
            self.polls[id] = 0
            self.executions[id] = {
                "QueryExecutionId": id,
                "Query": text,
                "StatementType": "DDL" if Tables.is_ddl(text) else "DML",
                "SubstatementType": " ".join(text.split()[:2]).upper() if Tables.is_ddl(text) else "SELECT",
                "ResultConfiguration": {"OutputLocation": f"{place.rstrip('/')}/{id}.csv"},
                "QueryExecutionContext": members.get("QueryExecutionContext", {}),
                "Status": {"State": "QUEUED", "SubmissionDateTime": time.time()},
                "Statistics": {},
                "WorkGroup": name,
                "EngineVersion": ENGINE,
            }
        return {"QueryExecutionId": id}

    def StopQueryExecution(self, members, call):
        status = self._known(members["QueryExecutionId"])["Status"]
        if status["State"] not in TERMINAL:
            status |= {"State": "CANCELLED", "StateChangeReason": "Query cancelled by user", "CompletionDateTime": time.time()}
        return {}

    def stop_all(self):
        """Somebody stops every query that runs."""
        for id in self.polls:
            self.StopQueryExecution({"QueryExecutionId": id}, None)

    def _finish(self, execution):
        """Runs a query: the files of a table, from the objects under its place."""
        status = execution["Status"]
        status["CompletionDateTime"] = time.time()
        taken = int((status["CompletionDateTime"] - status["SubmissionDateTime"]) * 1000)
        execution["Statistics"] = {
            "EngineExecutionTimeInMillis": taken,
            "DataScannedInBytes": 0,
            "TotalExecutionTimeInMillis": taken,
            "QueryQueueTimeInMillis": 0,
        }
        fault = self.settings.fail_statement
        if fault and fault["match"] in execution["Query"]:
            return self._failed(status, fault["reason"])
        if Tables.is_ddl(execution["Query"]):
            reason = self.tables_of_glue.run(execution["Query"])
            return self._failed(status, reason) if reason else None
        database = execution["QueryExecutionContext"].get("Database", "default")
        found = FILES.search(execution["Query"])
        names = [it.strip().strip('"').lower() for it in re.findall(r'"[^"]+"|\w+', found[1])] if found else []
        place = self.tables.get(".".join(([database] if len(names) == 1 else []) + names[-2:]).lower())
        head = execution["Query"][: found.start()] if found else ""
        columns = re.findall(r'"(\$path|\$file_size|\$file_modified_time)"', head)
        if not place or not columns:
            reason = (
                f"TABLE_NOT_FOUND: line 1:1: Table 'awsdatacatalog.{'.'.join(names)}' does not exist"
                if found and not place
                else "NOT_SUPPORTED: the test server lists files of tables, no more"
            )
            return self._failed(status, reason)
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        keys = self.moto.backend("s3").buckets[bucket].keys
        rows = []
        for key in sorted(it for it in keys if it.startswith(prefix)):
            base = key.rpartition("/")[2]
            # Athena reads neither what begins so, nor what is empty as a folder's marker.
            if not base or base.startswith(("_", ".")):
                continue
            cells = {
                "$path": f"s3://{bucket}/{key}",
                "$file_size": str(keys[key].size),
                "$file_modified_time": f"{keys[key].last_modified:%Y-%m-%d %H:%M:%S}.000 UTC",
            }
            rows.append([cells[it] for it in columns])
        self.results[execution["QueryExecutionId"]] = (columns, rows)
        self._write(execution, columns, rows)

    def _failed(self, status, reason):
        status |= {
            "State": "FAILED",
            "StateChangeReason": reason,
            "AthenaError": {"ErrorCategory": 2, "ErrorType": 1110, "Retryable": False, "ErrorMessage": reason},
        }

    def GetTableMetadata(self, members, call):
        return {"TableMetadata": self.tables_of_glue.metadata(members)}

    def _write(self, execution, columns, rows):
        """The result is written to S3, as Athena does."""
        bucket, _, key = execution["ResultConfiguration"]["OutputLocation"].removeprefix("s3://").partition("/")
        backend = self.moto.backend("s3")
        if bucket in backend.buckets:
            lines = [",".join(f'"{it}"' for it in row) for row in [columns, *rows]]
            backend.put_object(bucket, key, ("\n".join(lines) + "\n").encode())
            backend.put_object(bucket, f"{key}.metadata", b"")

    def GetQueryResults(self, members, call):
        execution = self._known(members["QueryExecutionId"])
        state = execution["Status"]["State"]
        if state in ("QUEUED", "RUNNING"):
            raise AwsError(
                "InvalidRequestException",
                f"Query has not yet finished. Current state: {state}",
                AthenaErrorCode="INVALID_QUERY_EXECUTION_STATE",
            )
        if state != "SUCCEEDED":
            raise AwsError(
                "InvalidRequestException",
                f"Query did not finish successfully. Final query state: {state}",
                AthenaErrorCode="INVALID_QUERY_EXECUTION_STATE",
            )
        columns, rows = self.results.get(execution["QueryExecutionId"], (["_col0"], []))
        page, more = self._page([columns, *rows], members, 1000)
        data = [{"Data": [{} if it is None else {"VarCharValue": it} for it in row]} for row in page]
        info = [
            {
                "CatalogName": "hive",
                "SchemaName": "",
                "TableName": "",
                "Name": it,
                "Label": it,
                "Type": "bigint" if it == "$file_size" else "varchar",
                "Precision": 19 if it == "$file_size" else 2147483647,
                "Scale": 0,
                "Nullable": "UNKNOWN",
                "CaseSensitive": it != "$file_size",
            }
            for it in columns
        ]
        return {"UpdateCount": 0, "ResultSet": {"Rows": data, "ResultSetMetadata": {"ColumnInfo": info}}} | more
