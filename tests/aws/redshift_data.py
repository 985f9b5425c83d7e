"""The Redshift Data API: statements run on a real PostgreSQL, one connection each, as the user that the request means."""

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psycopg2
import psycopg2.errors

from redshift_results import Failed, Result, error_text
from redshift_sql import bind, one_statement
from warehouse import SUPERUSER
from wire import AwsError

TERMINAL = ("FINISHED", "FAILED", "ABORTED")
MOST_BYTES = 100 * 1024


@dataclass
class Settings:
    """What a control call may change under "redshift"."""

    # Who runs a statement that names no DbUser.
    user: str = SUPERUSER
    # Statements submitted, picked or started at once; more are refused.
    active_limit: int = 200
    # How many of them run at once; the others stay SUBMITTED.
    slots: int = 8
    # How long a statement stays STARTED at least.
    run_seconds: float = 0.0
    page_rows: int = 1000
    result_bytes_cap: int = 500 * 1024 * 1024
    row_bytes_cap: int = 64 * 1024
    # Whether the endpoint takes WaitTimeSeconds, which is new.
    accepts_wait: bool = True
    # What stands behind each error; {sqlstate} is put in.
    error_suffix: str = ""
    # Why nobody can log in: statements fail with these words, and lists of databases are refused with them.
    login_refusal: str | None = None
    # Names that are known; None: every cluster, workgroup, database there is.
    clusters: list | None = None
    workgroups: list | None = None
    databases: list | None = None


@dataclass
class Statement:
    id: str
    request: dict
    sql: str
    user: str
    created: float
    updated: float
    status: str = "SUBMITTED"
    error: str | None = None
    sqlstate: str | None = None
    pid: int = 0
    query_id: int = -1
    seconds: float = 0.0
    affected: int = -1
    result: Result | None = None
    connection: object = None
    cancelled: bool = False
    done: threading.Event = field(default_factory=threading.Event)


def _cancel(statement):
    """PostgreSQL cancels what runs at the moment: again, then, until the statement has ended, for it may be between two steps."""
    while not statement.done.is_set():
        connection = statement.connection
        if connection is not None and not connection.closed:
            try:
                connection.cancel()
            except psycopg2.Error:
                return
        statement.done.wait(0.05)


class RedshiftData:
    """The operations, by name."""

    def __init__(self, warehouse):
        self.warehouse, self.settings = warehouse, Settings()
        self.statements, self.tokens, self.lock = {}, {}, threading.RLock()
        self.count, self._pool = 0, None

    def set(self, values):
        for name, value in values.items():
            if not hasattr(self.settings, name):
                raise KeyError(f"redshift.{name}")
            setattr(self.settings, name, value)

    def log(self, _=None):
        """Every statement, with the SQLSTATE that the API does not show."""
        return [
            {
                "sql": it.sql,
                "user": it.user,
                "status": it.status,
                "sqlstate": it.sqlstate,
                "error": it.error,
                "rows": it.result.count if it.result else it.affected,
            }
            for it in self.statements.values()
        ]

    def ExecuteStatement(self, members, call):
        self._check(members)
        with self.lock:
            token = members.get("ClientToken")
            known = self.tokens.get(token) if token else None
            if known is not None:
                if self.statements[known].request["Sql"] != members["Sql"]:
                    raise AwsError("ValidationException", "ClientToken was used with other parameters.")
                return self._accepted(self.statements[known], members)
            active = sum(it.status not in TERMINAL for it in self.statements.values())
            if active >= self.settings.active_limit:
                raise AwsError(
                    "ActiveStatementsExceededException", f"Active statements exceeded the allowed quota ({self.settings.active_limit})."
                )
            sql = bind(members["Sql"], members.get("Parameters"))
            id, now = str(uuid.uuid4()), time.time()
            user = members.get("DbUser") or self.settings.user
            statement = self.statements[id] = Statement(id, members, sql, user, now, now)
            self.count += 1
            statement.query_id = 1_000_000 + self.count
            if token:
                self.tokens[token] = id
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.settings.slots, thread_name_prefix="redshift")
            self._pool.submit(self._run, statement)
        if members.get("WaitTimeSeconds"):
            statement.done.wait(members["WaitTimeSeconds"])
        return self._accepted(statement, members)

    def _check(self, members):
        settings = self.settings
        cluster, workgroup = members.get("ClusterIdentifier"), members.get("WorkgroupName")
        if bool(cluster) == bool(workgroup):
            raise AwsError("ValidationException", "Exactly one of ClusterIdentifier and WorkgroupName is to be given.")
        if not members.get("Database"):
            raise AwsError("ValidationException", "Database is required.")
        if members.get("SecretArn") and members.get("DbUser"):
            raise AwsError("ValidationException", "SecretArn and DbUser cannot both be given.")
        if workgroup and members.get("DbUser"):
            raise AwsError("ValidationException", "DbUser is not supported with WorkgroupName.")
        if len(members["Sql"].encode()) > MOST_BYTES:
            raise AwsError("ValidationException", "The statement is longer than 100 KB.")
        self._waits(members)
        if cluster and settings.clusters is not None and cluster not in settings.clusters:
            raise AwsError("ValidationException", "Redshift endpoint doesn't exist in this region.")
        if workgroup and settings.workgroups is not None and workgroup.rpartition("/")[2] not in settings.workgroups:
            raise AwsError("ValidationException", "Redshift endpoint doesn't exist in this region.")

    def _waits(self, members):
        if "WaitTimeSeconds" in members and not self.settings.accepts_wait:
            raise AwsError("ValidationException", "Unknown parameter WaitTimeSeconds")

    def _accepted(self, statement, members):
        answer = {"Id": statement.id, "CreatedAt": statement.created, "Database": members["Database"]}
        answer |= {key: members[key] for key in ("ClusterIdentifier", "WorkgroupName", "DbUser", "SecretArn") if key in members}
        if members.get("WaitTimeSeconds"):
            answer |= {"Status": statement.status, "HasResultSet": statement.result is not None, "RedshiftPid": statement.pid}
        return answer

    def _run(self, statement):
        start = time.monotonic()
        try:
            if not statement.cancelled:
                self._step(statement, "PICKED")
                self._execute(statement, start)
                status = "FINISHED"
            else:
                status = "ABORTED"
        except psycopg2.Error as error:
            statement.error, statement.sqlstate = error_text(error, statement.sql), error.pgcode
            status = "ABORTED" if statement.cancelled else "FAILED"
        except Failed as error:
            statement.error, status = str(error), "FAILED"
        except Exception as error:
            statement.error, status = f"test server: {type(error).__name__}: {error}", "FAILED"
        if status == "ABORTED":
            statement.error = "Query cancelled on user's request"
        statement.seconds = time.monotonic() - start
        if statement.connection is not None:
            statement.connection.close()
        self._step(statement, status)
        statement.done.set()

    def _execute(self, statement, start):
        databases, name = self.settings.databases, statement.request["Database"]
        if self.settings.login_refusal:
            raise Failed(self.settings.login_refusal)
        if databases is not None and name not in databases:
            raise Failed(f'FATAL: database "{name}" does not exist')
        server = self.warehouse.server()
        try:
            statement.connection = server.connect(statement.user)
        except psycopg2.OperationalError as error:
            raise Failed(f'FATAL: user "{statement.user}" does not exist') from error
        statement.pid = statement.connection.get_backend_pid()
        self._step(statement, "STARTED")
        with statement.connection.cursor() as cursor:
            left = self.settings.run_seconds - (time.monotonic() - start)
            if left > 0:
                cursor.execute(f"SELECT pg_sleep({left})")
            one_statement(statement.sql)
            if statement.cancelled:
                raise psycopg2.errors.QueryCanceled
            cursor.execute(statement.sql)
            if cursor.description:
                settings = self.settings
                statement.result = Result(
                    cursor, statement.request.get("ResultFormat", "JSON"), settings.row_bytes_cap, settings.result_bytes_cap
                )
            else:
                statement.affected = cursor.rowcount

    def _step(self, statement, status):
        if status == "FAILED":
            statement.error += self.settings.error_suffix.replace("{sqlstate}", statement.sqlstate or "")
        statement.status, statement.updated = status, time.time()

    def _statement(self, members):
        self._waits(members)
        found = self.statements.get(members["Id"])
        if found is None:
            raise AwsError("ResourceNotFoundException", "Query does not exist.", ResourceId=members["Id"])
        if members.get("WaitTimeSeconds"):
            found.done.wait(members["WaitTimeSeconds"])
        return found

    def DescribeStatement(self, members, call):
        it = self._statement(members)
        request = it.request
        answer = {
            "Id": it.id,
            "Status": it.status,
            "QueryString": request["Sql"],
            "Database": request["Database"],
            "CreatedAt": it.created,
            "UpdatedAt": it.updated,
            "Duration": int(it.seconds * 1e9) if it.status in TERMINAL else -1,
            "RedshiftPid": it.pid,
            "RedshiftQueryId": it.query_id if it.status == "FINISHED" else -1 if it.status == "FAILED" else 0,
            "HasResultSet": it.result is not None,
            "ResultRows": it.result.count if it.result else it.affected,
            "ResultSize": it.result.size if it.result else -1,
            "ResultFormat": request.get("ResultFormat", "JSON"),
        }
        answer |= {key: request[key] for key in ("ClusterIdentifier", "WorkgroupName", "SecretArn") if key in request}
        answer |= {"DbUser": it.user} if "ClusterIdentifier" in request and "SecretArn" not in request else {}
        answer |= {"QueryParameters": request["Parameters"]} if request.get("Parameters") else {}
        return answer | ({"Error": it.error} if it.error else {})

    def GetStatementResult(self, members, call):
        return self._page(members, "JSON")

    def GetStatementResultV2(self, members, call):
        return self._page(members, "CSV")

    def _page(self, members, wanted):
        it = self._statement(members)
        if it.status != "FINISHED" or it.result is None:
            raise AwsError(
                "ResourceNotFoundException",
                "Query does not have result. Please check query status with DescribeStatement.",
                ResourceId=it.id,
            )
        if it.result.format != wanted:
            other = "GetStatementResultV2" if wanted == "JSON" else "GetStatementResult"
            raise AwsError("ValidationException", f"The result format of the statement is {it.result.format}: use {other}.")
        token = members.get("NextToken", "0")
        if not token.isdigit() or int(token) > it.result.count:
            raise AwsError("ValidationException", "NextToken is not valid.")
        at, rows = int(token), self.settings.page_rows
        answer = {"Records": it.result.page(at, rows), "ColumnMetadata": it.result.columns, "TotalNumRows": it.result.count}
        answer |= {"ResultFormat": "CSV"} if wanted == "CSV" else {}
        return answer | ({"NextToken": str(at + rows)} if at + rows < it.result.count else {})

    def ListDatabases(self, members, call):
        self._check({"Sql": "", **members})
        databases, name = self.settings.databases or [members["Database"]], members["Database"]
        if self.settings.login_refusal:
            raise AwsError("ValidationException", self.settings.login_refusal)
        if name not in databases:
            raise AwsError("ValidationException", f'FATAL: database "{name}" does not exist')
        return {"Databases": databases[: members.get("MaxResults") or 60]}

    def CancelStatement(self, members, call):
        it = self._statement(members)
        if it.status in TERMINAL:
            raise AwsError("ValidationException", f"Could not cancel a query that is already in {it.status} state with ID: {it.id}")
        it.cancelled = True
        threading.Thread(target=_cancel, args=(it,), daemon=True).start()
        return {"Status": True}

    def ListStatements(self, members, call):
        wanted = members.get("Status", "FINISHED")
        found = []
        for it in sorted(self.statements.values(), key=lambda it: -it.created):
            request = it.request
            if wanted not in ("ALL", it.status) or not request.get("StatementName", "").startswith(members.get("StatementName", "")):
                continue
            if any(key in members and members[key] != request.get(key) for key in ("Database", "ClusterIdentifier", "WorkgroupName")):
                continue
            told = {
                "Id": it.id,
                "QueryString": request["Sql"],
                "QueryStrings": [request["Sql"]],
                "Status": it.status,
                "CreatedAt": it.created,
                "UpdatedAt": it.updated,
                "IsBatchStatement": False,
                "ResultFormat": request.get("ResultFormat", "JSON"),
            }
            told |= {key: request[key] for key in ("SecretArn", "StatementName") if key in request}
            told |= {"QueryParameters": request["Parameters"]} if request.get("Parameters") else {}
            found.append(told)
        at, most = int(members.get("NextToken") or 0), members.get("MaxResults") or 100
        return {"Statements": found[at : at + most]} | ({"NextToken": str(at + most)} if at + most < len(found) else {})
