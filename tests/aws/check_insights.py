"""Checks of Logs Insights against a group whose every event is known."""

import hashlib
import re
import threading

from selftest import Server, refused

GROUP = "airflow-check-Task"
SMALL = {"burst": {"group": GROUP, "count": 25_000, "dense": 12_000, "seconds": 3600, "streams": 8, "outside": 100}}
FIELDS = "fields @timestamp, @message, @logStream, @log"


def run(logs, query, window, **members):
    """Starts a query and polls it to its end; every row as a dict, the last answer, how often it was running."""
    members = {"logGroupName": GROUP} | members
    if "logGroupNames" in members or "logGroupIdentifiers" in members:
        del members["logGroupName"]
    id = logs.start_query(startTime=window[0], endTime=window[1], queryString=query, **members)["queryId"]
    running = []
    while (answer := logs.get_query_results(queryId=id))["status"] in ("Scheduled", "Running"):
        running.append(answer)
    rows, pages = list(answer["results"]), 1
    while "nextToken" in answer:
        answer = logs.get_query_results(queryId=id, nextToken=answer["nextToken"])
        rows += answer["results"]
        pages += 1
    return [{it["field"]: it["value"] for it in row} for row in rows], answer | {"pages": pages, "id": id}, running


def digest(rows):
    from datetime import datetime, timezone

    total = hashlib.sha256()
    moment = lambda text: round(datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=timezone.utc).timestamp() * 1000)
    for it in sorted((moment(it["@timestamp"]), it["@logStream"], it["@message"]) for it in rows):
        total.update(f"{it[0]}\t{it[1]}\t{it[2]}\0".encode())
    return total.hexdigest()


def check_limit_pages_and_statistics():
    with Server(SMALL) as server:
        told, logs = server.answers[0]["burst"], server.client("logs")
        window = told["window"]
        rows, answer, running = run(logs, f"{FIELDS} | sort @timestamp asc", window, limit=100_000)
        assert len(rows) == told["window_events"] == 25_000 and answer["pages"] == 3
        assert digest(rows) == told["window_sha256"]
        assert len({it["@ptr"] for it in rows}) == 25_000
        assert [it["@timestamp"] for it in rows] == sorted(it["@timestamp"] for it in rows)
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", rows[0]["@timestamp"]) and rows[0]["@log"] == f"123456789012:{GROUP}"
        assert len(running) == 1 and running[0]["statistics"]["recordsMatched"] < 25_000 and len(running[0]["results"]) <= 10_000
        found = answer["statistics"]
        assert found["recordsMatched"] == found["recordsScanned"] == 25_000 and found["bytesScanned"] > 25_000 * 50
        rows, answer, _ = run(logs, FIELDS, window)
        assert len(rows) == 10_000 and answer["statistics"]["recordsMatched"] == 25_000, "the default limit"
        rows, _, _ = run(logs, f"{FIELDS} | sort @timestamp desc | limit 7", window, limit=100_000)
        assert len(rows) == 7
        dense, _, _ = run(logs, FIELDS, [told["dense_second"]] * 2, limit=100_000)
        assert 12_000 <= len(dense) < 12_100, "both ends of a window are included"
        total = sum(
            len(run(logs, FIELDS, part, limit=100_000)[0]) for part in ([window[0], window[0] + 999], [window[0] + 1000, window[1]])
        )
        assert total == 25_000
        stats, _, _ = run(logs, "stats count(*) as n by @logStream", window)
        assert sum(int(it["n"]) for it in stats) == 25_000 and len(stats) == 8 and "@ptr" not in stats[0]
        record = logs.get_log_record(logRecordPointer=dense[0]["@ptr"])["logRecord"]
        assert record["@message"] == dense[0]["@message"]
        windows = server.counters()["windows"]
        assert windows[0]["start"] == window[0] and windows[0]["returned"] == 25_000


def check_filters():
    with Server({"burst": SMALL["burst"] | {"count": 5000, "dense": 500}}) as server:
        window, logs = server.answers[0]["burst"]["window"], server.client("logs")
        count = lambda query, **members: len(run(logs, f"{FIELDS} | {query}", window, limit=100_000, **members)[0])
        assert count("filter @message like /event 000012[0-9]$/") == 10
        assert count("filter @message like 'event 0000123'") == 1
        assert count("filter @message =~ /(?i)EVENT 000012[0-9]/") == 10
        streams = [f"dag_id=burst/run_id=manual__{at:03d}/task_id=load/attempt=1.log" for at in range(8)]
        each = [count(f'filter @logStream = "{it}"') for it in streams]
        assert sum(each) == 5000 and min(each) > 0
        assert count(f'filter @logStream in ["{streams[0]}", "{streams[3]}"]') == each[0] + each[3]
        assert count(f'filter @logStream not in ["{streams[0]}"] # all but one\n| filter @message like /event/') == 5000 - each[0]
        assert count(f'filter not (@logStream = "{streams[0]}" or @logStream like /__00[1-6]/)') == each[7]
        assert count("filter @message not like /event/ and ispresent(@message)") == 0
        assert count(f"filter @timestamp >= {window[0] * 1000} and @timestamp < {window[0] * 1000 + 2}") == 3
        rows, _, _ = run(logs, "parse @message /event (?<number>\\d+)/ | filter number < 10 | display number | sort number asc", window)
        assert [it["number"] for it in rows] == [f"{it:07d}" for it in range(10)] and set(rows[0]) == {"number", "@ptr"}
        rows, _, _ = run(logs, "fields @timestamp, missing, strlen(@message) as size | limit 3", window)
        assert set(rows[0]) == {"@timestamp", "size", "@ptr"}, "rows are ragged"
        for broken in (
            "this is not a query %%% ((",
            "fields @message | | limit 3",
            "filter @message like",
            "fields @message | limit x",
            "filtr @message like /x/",
            "fields @message | filter @message like /(/",
            "",
        ):
            refused("MalformedQueryException", logs.start_query, logGroupName=GROUP, startTime=1, endTime=2, queryString=broken)
        error = refused(
            "MalformedQueryException", logs.start_query, logGroupName=GROUP, startTime=1, endTime=2, queryString="fields @message | sortt x"
        )
        assert error["queryCompileError"]["location"] == {"startCharOffset": 18, "endCharOffset": 23}


def check_several_groups_and_refusals():
    other = "airflow-check-Scheduler"
    with Server(SMALL, {"burst": SMALL["burst"] | {"group": other, "count": 1000, "dense": 10, "seed": 2}}) as server:
        window, logs = server.answers[0]["burst"]["window"], server.client("logs")
        rows, answer, _ = run(logs, FIELDS, window, logGroupNames=[GROUP, other], limit=100_000)
        assert len(rows) == 26_000 and answer["statistics"]["logGroupsScanned"] == 2
        rows, _, _ = run(
            logs, FIELDS, window, logGroupIdentifiers=[f"arn:aws:logs:us-east-1:123456789012:log-group:{other}"], limit=100_000
        )
        assert len(rows) == 1000 and {it["@log"] for it in rows} == {f"123456789012:{other}"}
        start = lambda **members: {"startTime": 1, "endTime": 2, "queryString": "fields @message"} | members
        refused("ResourceNotFoundException", logs.start_query, **start(logGroupName="absent"))
        refused("InvalidParameterException", logs.start_query, **start(logGroupName=GROUP, logGroupNames=[other]))
        refused("InvalidParameterException", logs.start_query, **start())
        refused("InvalidParameterException", logs.start_query, **start(logGroupName=GROUP, limit=100_001))
        refused("InvalidParameterException", logs.start_query, **start(logGroupName=GROUP, startTime=3))
        refused("InvalidParameterException", logs.start_query, **start(logGroupName=GROUP, queryString="fields @message" + " " * 10_000))
        refused("InvalidParameterException", logs.start_query, **start(logGroupNames=[f"g{it}" for it in range(51)]))
        refused("ResourceNotFoundException", logs.get_query_results, queryId="absent")
        refusals = server.counters()["refusals"]
        assert (refusals[0]["operation"], refusals[0]["code"], len(refusals)) == ("StartQuery", "ResourceNotFoundException", 8)
        server.control(insights={"refuse_before": 3})
        error = refused("MalformedQueryException", logs.start_query, **start(logGroupName=GROUP))
        assert "retention settings" in error["Error"]["Message"]


def check_an_old_endpoint():
    with Server(SMALL, {"insights": {"max_limit": 10_000, "default_limit": 1000}}) as server:
        window, logs = server.answers[0]["burst"]["window"], server.client("logs")
        refused(
            "InvalidParameterException",
            logs.start_query,
            logGroupName=GROUP,
            startTime=1,
            endTime=2,
            queryString="fields @message",
            limit=10_001,
        )
        refused(
            "InvalidParameterException",
            logs.start_query,
            logGroupName=GROUP,
            startTime=1,
            endTime=2,
            queryString="fields @message | limit 20000",
        )
        rows, answer, _ = run(logs, FIELDS, window, limit=10_000)
        assert len(rows) == 10_000 and answer["pages"] == 1 and answer["statistics"]["recordsMatched"] == 25_000
        assert len(run(logs, FIELDS, window)[0]) == 1000


def check_life_of_a_query():
    with Server(
        {"burst": SMALL["burst"] | {"count": 2000, "dense": 100}},
        {"insights": {"concurrency": 2, "scheduled_polls": 1, "running_polls": 2, "complete_after_seconds": 600}},
    ) as server:
        window, logs = server.answers[0]["burst"]["window"], server.client("logs")
        start = {"logGroupName": GROUP, "startTime": window[0], "endTime": window[1], "queryString": FIELDS, "limit": 100_000}
        first, second = logs.start_query(**start)["queryId"], logs.start_query(**start)["queryId"]
        error = refused("LimitExceededException", logs.start_query, **start)
        assert "concurrency limit of [2]" in error["Error"]["Message"]
        polls = [logs.get_query_results(queryId=first) for _ in range(4)]
        assert [it["status"] for it in polls] == ["Scheduled", "Running", "Running", "Complete"] and polls[0]["results"] == []
        assert logs.stop_query(queryId=second)["success"] is True
        refused("InvalidParameterException", logs.stop_query, queryId=second)
        refused("InvalidParameterException", logs.stop_query, queryId=first)
        assert logs.get_query_results(queryId=second)["status"] == "Cancelled"
        told = logs.describe_queries(logGroupName=GROUP)["queries"]
        assert [it["status"] for it in told] == ["Cancelled", "Complete"] and told[0]["userIdentity"].startswith("arn:aws:sts::")
        assert len(logs.describe_queries(maxResults=1)["queries"]) == 1 and logs.describe_queries(maxResults=1)["nextToken"]
        server.control(insights={"fail": {"every": 3, "status": "Timeout"}, "scheduled_polls": 0, "running_polls": 0})
        third = logs.start_query(**start)["queryId"]
        assert logs.get_query_results(queryId=third)["status"] == "Timeout"


def check_concurrent_starts_stay_under_the_limit():
    with Server({"log_group": {"name": GROUP}}, {"insights": {"concurrency": 3, "complete_after_seconds": 600}}) as server:
        logs, ids, refusals = server.client("logs"), [], []

        def start():
            try:
                ids.append(logs.start_query(logGroupName=GROUP, startTime=1, endTime=2, queryString="fields @message")["queryId"])
            except logs.exceptions.LimitExceededException as error:
                refusals.append(error)

        threads = [threading.Thread(target=start) for _ in range(12)]
        for it in threads:
            it.start()
        for it in threads:
            it.join()
        assert len(ids) == 3 and len(refusals) == 9


def check_a_small_cap_loses_nothing_to_who_splits():
    """Whoever halves windows that come back full, and splits one second by stream, gets every event once: the servers make that possible and nothing less does."""
    with Server(
        {"burst": SMALL["burst"] | {"count": 3000, "dense": 1500}}, {"insights": {"max_limit": 1000, "running_polls": 0}}
    ) as server:
        told, logs = server.answers[0]["burst"], server.client("logs")
        rows = {}

        def take(start, end, only=""):
            found, answer, _ = run(logs, f"{FIELDS}{only}", [start, end], limit=1000)
            if answer["statistics"]["recordsMatched"] <= 1000:
                rows.update({it["@ptr"]: it for it in found})
            elif start < end:
                middle = (start + end) // 2
                take(start, middle)
                take(middle + 1, end)
            else:
                assert not only, "one stream alone is over the cap"
                for stream in range(8):
                    take(start, end, f' | filter @logStream = "dag_id=burst/run_id=manual__{stream:03d}/task_id=load/attempt=1.log"')

        take(*told["window"])
        assert len(rows) == told["window_events"] and digest(rows.values()) == told["window_sha256"]
        assert len(server.counters()["windows"]) < 40
