"""CloudWatch Logs Insights: StartQuery, GetQueryResults, StopQuery, DescribeQueries, GetLogRecord."""

import threading
import time
import uuid
from dataclasses import dataclass, field

from insights_query import compile_query
from insights_rows import Row, aggregated, discovered, pointer, written
from log_events import name_of
from wire import AwsError

PAGE = 10_000
# Results are let go of, the oldest first, so that many large queries fit in memory.
MOST_ROWS = 3_000_000
DEFAULT_LIMIT = 10_000
MOST_GROUPS = 50


@dataclass
class Settings:
    """What a control call may change under "insights"."""

    # The most rows that a query may ask for; at 10,000 the endpoint is an old one: no pages, no token.
    max_limit: int = 100_000
    default_limit: int = DEFAULT_LIMIT
    # Queries scheduled or running at once.
    concurrency: int = 100
    # How often GetQueryResults says Scheduled, then Running with a part of the rows, before Complete; or it is complete by age.
    scheduled_polls: int = 0
    running_polls: int = 1
    complete_after_seconds: float = 10.0
    # Queries of which the n-th one ends so, instead of Complete: {"every": n, "status": "Failed"|"Timeout"|"Unknown"}.
    fail: dict | None = None
    # What bytesScanned is multiplied with: a way to have many gigabytes.
    bytes_factor: float = 1.0
    # Windows that end before this second are refused, as are those from before a group was made or beyond its retention.
    refuse_before: int = 0
    # How many characters of a message an answer holds; 0: all.
    message_chars: int = 0


@dataclass
class Execution:
    """One query that was started."""

    id: str
    text: str
    groups: list
    rows: list
    statistics: dict
    created: float
    language: str
    # Makes the cells of a row, when they are asked for: rows wait as events, which they share.
    cells: object = None
    polls: int = 0
    ended: str | None = None
    ended_at: float | None = None
    last: str = "Complete"
    expired: bool = False
    tokens: dict = field(default_factory=dict)


class Insights:
    """The operations, by name."""

    def __init__(self, events, faults):
        self.events, self.faults, self.settings = events, faults, Settings()
        self.queries, self.lock = {}, threading.RLock()

    def set(self, values):
        for name, value in values.items():
            if not hasattr(self.settings, name):
                raise KeyError(f"insights.{name}")
            setattr(self.settings, name, value)

    def StartQuery(self, members, call):
        named = [key for key in ("logGroupName", "logGroupNames", "logGroupIdentifiers") if members.get(key)]
        if len(named) != 1:
            raise AwsError("InvalidParameterException", "Exactly one of logGroupName, logGroupNames, logGroupIdentifiers is to be given")
        given = members[named[0]]
        names = [name_of(it) for it in ([given] if isinstance(given, str) else given)]
        if len(set(names)) > MOST_GROUPS:
            raise AwsError("InvalidParameterException", f"more than {MOST_GROUPS} log groups")
        if members["startTime"] > members["endTime"]:
            raise AwsError("InvalidParameterException", "End time should not be less than start time")
        if members.get("queryLanguage", "CWLI") != "CWLI":
            raise AwsError("InvalidParameterException", "this endpoint speaks CWLI only")
        asked = members.get("limit")
        if asked is not None and asked > self.settings.max_limit:
            raise AwsError(
                "InvalidParameterException",
                f"1 validation error detected: Value '{asked}' at 'limit' failed to satisfy constraint: Member must have value less than or equal to {self.settings.max_limit}",
            )
        if members["endTime"] < self.settings.refuse_before:
            raise AwsError(
                "MalformedQueryException",
                "end date and time is either before the log groups creation time or exceeds the log groups log retention settings",
            )
        groups = [self.events.group(it) for it in dict.fromkeys(names)]
        query = compile_query(members["queryString"])
        if query.limit is not None and query.limit > self.settings.max_limit:
            raise AwsError("InvalidParameterException", f"limit {query.limit} is over {self.settings.max_limit}")
        limits = [it for it in (query.limit, asked) if it is not None]
        limit = min(limits) if limits else self.settings.default_limit
        with self.lock:
            running = sum(self._status(it, False) in ("Scheduled", "Running") for it in self.queries.values())
            if running >= self.settings.concurrency:
                raise AwsError(
                    "LimitExceededException", f"Account maximum query concurrency limit of [{self.settings.concurrency}] reached."
                )
            id = str(uuid.uuid4())
            execution = Execution(id, members["queryString"], [it.name for it in groups], [], {}, time.time(), "CWLI")
            self.queries[id] = execution
            fail = self.settings.fail
            if fail and len(self.queries) % int(fail["every"]) == 0:
                execution.last = fail["status"]
        rows, statistics = self._evaluate(query, groups, members["startTime"], members["endTime"])
        execution.rows, execution.statistics, execution.cells = rows[:limit], statistics, _writer(query, self.settings.message_chars)
        if self.settings.max_limit > PAGE:
            statistics["resultCount"] = float(len(execution.rows))
        self._let_go()
        window = {
            "query_id": id,
            "groups": execution.groups,
            "start": members["startTime"],
            "end": members["endTime"],
            "limit": limit,
            "query": execution.text,
        }
        self.faults.windows.append(window | {"matched": int(statistics["recordsMatched"]), "returned": len(execution.rows)})
        return {"queryId": id}

    def _evaluate(self, query, groups, start, end):
        """The rows of a query, and its statistics. The range is of whole seconds, both included: to the last millisecond of the last one."""
        rows, scanned, bytes_scanned = [], 0, 0
        for group in groups:
            events = group.between(start * 1000, end * 1000 + 999)
            scanned += len(events)
            for event in events:
                bytes_scanned += len(event.message.encode())
                row = Row(event, group)
                if query.makers:
                    row.make(query.makers)
                if query.matches(row):
                    row.forget()
                    rows.append(row)
        matched = len(rows)
        # Events of one moment come in no order that a caller could know.
        rows.sort(key=lambda it: (-it.event.timestamp, it.event.number * 2_654_435_761 % 2**32))
        if query.stats:
            rows = aggregated(query.stats, reversed(rows))
        for value, ascending in reversed(query.sort):
            rows.sort(key=lambda row: _order(value(_Cells(row) if query.stats else row)), reverse=not ascending)
        if query.dedup:
            rows = list({tuple(str(it(row)) for it in query.dedup): row for row in reversed(rows)}.values())[::-1]
        statistics = {
            "recordsMatched": float(matched),
            "recordsScanned": float(scanned),
            "bytesScanned": float(int(bytes_scanned * self.settings.bytes_factor)),
            "estimatedRecordsSkipped": 0.0,
            "estimatedBytesSkipped": 0.0,
            "logGroupsScanned": float(len(groups)),
        }
        return rows, statistics

    def _let_go(self):
        with self.lock:
            total = sum(len(it.rows) for it in self.queries.values())
            for it in list(self.queries.values()):
                if total <= MOST_ROWS:
                    return
                if it.ended and it.rows:
                    total -= len(it.rows)
                    it.rows, it.expired = [], True

    def _status(self, execution, polled):
        """Where a query is. It goes on with each poll, or with its age."""
        if execution.ended:
            return execution.ended
        settings = self.settings
        execution.polls += polled
        by_age = time.time() - execution.created >= settings.complete_after_seconds
        if by_age or execution.polls > settings.scheduled_polls + settings.running_polls:
            execution.ended, execution.ended_at = execution.last, time.time()
            return execution.ended
        return "Scheduled" if execution.polls <= settings.scheduled_polls and settings.scheduled_polls else "Running"

    def _execution(self, id):
        found = self.queries.get(id)
        if found is None or found.expired:
            raise AwsError("ResourceNotFoundException", f"Query {id} does not exist")
        return found

    def GetQueryResults(self, members, call):
        execution = self._execution(members["queryId"])
        with self.lock:
            status = self._status(execution, "nextToken" not in members)
        page = min(members.get("maxItems") or PAGE, PAGE)
        rows, at, part = execution.rows, 0, len(execution.rows)
        statistics = execution.statistics
        if status in ("Scheduled", "Running", "Failed", "Timeout", "Unknown", "Cancelled"):
            part = 0 if status == "Scheduled" else len(rows) // 2
            share = part / len(rows) if rows else 0.0
            statistics = {key: float(int(value * share)) for key, value in statistics.items()}
        elif "nextToken" in members:
            at = execution.tokens.get(members["nextToken"])
            if at is None:
                raise AwsError("InvalidParameterException", "The specified nextToken is invalid.")
        cells = map(execution.cells, rows[at : min(at + page, part)])
        answer = {
            "queryLanguage": execution.language,
            "results": [[{"field": name, "value": value} for name, value in row] for row in cells],
            "statistics": statistics,
            "status": status,
        }
        if status == "Complete" and at + page < part and self.settings.max_limit > PAGE:
            token = f"{execution.id}-{at + page}"
            execution.tokens[token] = at + page
            answer["nextToken"] = token
        return answer

    def StopQuery(self, members, call):
        execution = self._execution(members["queryId"])
        with self.lock:
            if self._status(execution, False) not in ("Scheduled", "Running"):
                raise AwsError("InvalidParameterException", f"Query {execution.id} is not running")
            execution.ended, execution.ended_at = "Cancelled", time.time()
        return {"success": True}

    def DescribeQueries(self, members, call):
        found = []
        for it in sorted(self.queries.values(), key=lambda it: -it.created):
            status = self._status(it, False)
            if members.get("status") not in (None, status) or members.get("queryLanguage", "CWLI") != it.language:
                continue
            if members.get("logGroupName") and members["logGroupName"] not in it.groups:
                continue
            end = it.ended_at or time.time()
            found.append(
                {
                    "queryLanguage": it.language,
                    "queryId": it.id,
                    "queryString": it.text,
                    "status": status,
                    "createTime": int(it.created * 1000),
                    "logGroupName": it.groups[0],
                    "queryDuration": int((end - it.created) * 1000),
                    "bytesScanned": it.statistics.get("bytesScanned", 0.0),
                    "userIdentity": self.faults.identity,
                }
            )
        at, most = int(members.get("nextToken") or 0), members.get("maxResults") or 1000
        answer = {"queries": found[at : at + most]}
        if at + most < len(found):
            answer["nextToken"] = str(at + most)
        return answer

    def GetLogRecord(self, members, call):
        id, _, name = members["logRecordPointer"].removeprefix("CmE").partition("/")
        group = self.events.groups.get(name)
        event = next((it for it in group.events if it.event_id == id), None) if group else None
        if event is None:
            raise AwsError("InvalidParameterException", "The log record pointer is not valid")
        fields = {name: written(value) for name, value in discovered(event.message).items()}
        fields |= {
            "@message": event.message,
            "@timestamp": str(event.timestamp),
            "@ingestionTime": str(event.ingested),
            "@logStream": event.stream,
            "@log": group.log,
            "@ptr": pointer(group, event),
        }
        return {"logRecord": fields}


def _writer(query, chars):
    """How a query's rows are written: those of events with their pointer last and their messages perhaps cut, those of stats as they are."""
    if query.stats:
        return lambda row: row
    columns = query.columns or [("@timestamp", lambda row: row.get("@timestamp")), ("@message", lambda row: row.get("@message"))]
    cut = lambda name, text: text[:chars] if chars and name == "@message" else text
    return lambda row: [(name, cut(name, text)) for name, value in columns if (text := row.written(name, value)) is not None] + [
        ("@ptr", row.get("@ptr"))
    ]


class _Cells:
    """A row of stats, to sort by."""

    def __init__(self, cells):
        self.cells = dict(cells)

    def get(self, name):
        return self.cells.get(name)


def _order(value):
    """Missing first, numbers before texts."""
    if value is None:
        return (0, 0, "")
    try:
        return (1, float(value), "")
    except (TypeError, ValueError):
        return (2, 0, str(value))
