"""Checks of reading raw events, from moto and from the store, against the dumps that they came from."""

import json
import os
from pathlib import Path

from selftest import HERE, Server, refused

FIXTURE = HERE.parent.parent / "fixtures/corpus/airflow-2.10.5/cloudwatch-json"
CORPUS = os.environ.get("CASEFILE_CORPUS")


def pages(call, **members):
    """All events of all pages, and the pages."""
    events, answers = [], []
    while True:
        answer = call(**members)
        answers.append(answer)
        events += answer["events"]
        if "nextToken" not in answer:
            return events, answers
        members["nextToken"] = answer["nextToken"]


def forward(logs, **members):
    events, token = [], None
    while True:
        answer = logs.get_log_events(startFromHead=True, **members, **({"nextToken": token} if token else {}))
        events += answer["events"]
        if answer["nextForwardToken"] == token:
            return events
        token = answer["nextForwardToken"]


def known(folder, kind):
    """The events of a dump, each once."""
    found = {}
    for path in (folder / kind).glob("filter-log-events*.json"):
        for it in json.loads(path.read_text())["events"]:
            found[it["eventId"]] = (it["timestamp"], it["logStreamName"], it["message"])
    return sorted(found.values())


def triple(it):
    return it["timestamp"], it["logStreamName"], it["message"]


def check_a_dump_comes_back_event_by_event():
    for folder in [FIXTURE] + ([Path(CORPUS) / "airflow-3.0.6/cloudwatch-json"] if CORPUS else []):
        with Server({"cloudwatch": {"folder": str(folder), "prefix": "airflow-night", "retention": 30}}) as server:
            logs = server.client("logs")
            groups = {it["logGroupName"]: it for it in logs.describe_log_groups(logGroupNamePrefix="airflow-night-")["logGroups"]}
            for kind in ("Task", "Scheduler"):
                name, expected = f"airflow-night-{kind}", known(folder, kind)
                assert expected, folder
                assert groups[name]["retentionInDays"] == 30 and groups[name]["arn"].endswith(":*")
                events, _ = pages(logs.filter_log_events, logGroupName=name)
                assert sorted(map(triple, events)) == expected
                assert [it["timestamp"] for it in events] == sorted(it["timestamp"] for it in events), "interleaved"
                assert len({it["eventId"] for it in events}) == len(events) and all(len(it["eventId"]) == 56 for it in events)
                few, answers = pages(logs.filter_log_events, logGroupIdentifier=groups[name]["arn"][:-2], limit=max(2, len(events) // 5))
                assert few == events and len(answers) >= 5 and all(it["searchedLogStreams"] == [] for it in answers)
                streams = [
                    it for page in logs.get_paginator("describe_log_streams").paginate(logGroupName=name) for it in page["logStreams"]
                ]
                assert {it["logStreamName"] for it in streams} == {it[1] for it in expected}
                stream = max(streams, key=lambda it: sum(event["logStreamName"] == it["logStreamName"] for event in events))
                group = groups[name]
                assert group["storedBytes"] == sum(len(it[2].encode()) for it in expected) and group["creationTime"] < expected[0][0]
                assert (
                    abs(stream["creationTime"] - stream["firstEventTimestamp"]) <= 1
                    and stream["lastIngestionTime"] > stream["creationTime"]
                )
                of_stream = [it for it in events if it["logStreamName"] == stream["logStreamName"]]
                assert stream["firstEventTimestamp"] == of_stream[0]["timestamp"] and stream["storedBytes"] == 0
                read = forward(logs, logGroupName=name, logStreamName=stream["logStreamName"], limit=max(2, len(of_stream) // 3))
                assert [(it["timestamp"], it["message"]) for it in read] == [(it["timestamp"], it["message"]) for it in of_stream]
                prefixed, _ = pages(logs.filter_log_events, logGroupName=name, logStreamNamePrefix=stream["logStreamName"][:-1])
                assert {it["logStreamName"] for it in prefixed} == {
                    it[1] for it in expected if it[1].startswith(stream["logStreamName"][:-1])
                }
                at = of_stream[len(of_stream) // 2]["timestamp"]
                last, _ = pages(logs.filter_log_events, logGroupName=name, startTime=at, endTime=at)
                assert sorted(map(triple, last)) == [it for it in expected if it[0] == at], "FilterLogEvents includes its end"
                ends = forward(logs, logGroupName=name, logStreamName=stream["logStreamName"], endTime=at)
                assert len(ends) == sum(it["timestamp"] < at for it in of_stream), "GetLogEvents does not include its end"
            refused("ResourceNotFoundException", logs.filter_log_events, logGroupName="absent")
            refused("ResourceNotFoundException", logs.get_log_events, logGroupName="airflow-night-Task", logStreamName="absent")
            refused("InvalidParameterException", logs.describe_log_groups, limit=51)
            assert len(logs.describe_log_groups(logGroupNamePattern="night-Sched")["logGroups"]) == 1


def check_patterns():
    with Server(
        {"burst": {"group": "g", "count": 3000, "dense": 10, "outside": 0}}, {"cloudwatch": {"folder": str(FIXTURE), "prefix": "p"}}
    ) as server:
        logs = server.client("logs")
        count = lambda group, pattern: len(pages(logs.filter_log_events, logGroupName=group, filterPattern=pattern)[0])
        assert (
            count("g", '"event 0000123"') == 1
            and count("g", "event -AccessDenied") == 0
            and count("g", '?"event 0000123" ?"event 0000124"') == 2
        )
        expected = [it[2] for it in known(FIXTURE, "Task")]
        assert count("p-Task", "?AccessDenied ?INFO") == sum("AccessDenied" in it or "INFO" in it for it in expected) > 0
        assert count("p-Task", '"An error occurred"') == sum("An error occurred" in it for it in expected) > 0
        assert count("p-Task", "%attempt=[0-9]%") == sum(any(f"attempt={n}" in it for n in range(10)) for it in expected)
        refused("InvalidParameterException", logs.filter_log_events, logGroupName="g", filterPattern="{ $.x = 1 }")


def check_pages_of_a_large_group():
    long = "x" * 900 + " {n} {time}"
    with Server(
        {"burst": {"group": "g", "count": 12_000, "dense": 3000, "seconds": 3600, "streams": 3, "message": long}},
        {"reads": {"empty_every": 3}},
    ) as server:
        told, logs = server.answers[0]["burst"], server.client("logs")
        first, last = told["window"][0] * 1000, told["window"][1] * 1000 + 999
        events, answers = pages(logs.filter_log_events, logGroupName="g", startTime=first, endTime=last)
        assert len(events) == 12_000 == len({it["eventId"] for it in events})
        assert any(not it["events"] and "nextToken" in it for it in answers), "an empty page is not the end"
        assert all(sum(len(event["message"]) + 26 for event in it["events"]) <= 1_048_576 for it in answers) and len(answers) > 10
        newest, _ = pages(logs.filter_log_events, logGroupName="g", startTime=first, endTime=last, startFromHead=False)
        assert newest == events[::-1]
        streams = [it["logStreamName"] for it in logs.describe_log_streams(logGroupName="g")["logStreams"]]
        read = sum(len(forward(logs, logGroupName="g", logStreamName=it, startTime=first, endTime=last + 1)) for it in streams)
        assert read == 12_000
        tail = logs.get_log_events(logGroupName="g", logStreamName=streams[0])["events"]
        assert tail[-1]["timestamp"] == max(it["timestamp"] for it in forward(logs, logGroupName="g", logStreamName=streams[0]))


def check_airflow_files():
    folder = HERE.parent.parent / "fixtures/stories/night/airflow"
    with Server({"airflow": {"folder": str(folder), "environment": "shop-prod"}}) as server:
        logs = server.client("logs")
        events, _ = pages(logs.filter_log_events, logGroupName="airflow-shop-prod-Scheduler")
        text = (folder / "scheduler.log").read_text()
        assert "".join(it["message"] for it in events) == text
        assert events[0]["timestamp"] == 1786669201012, "2026-08-14T01:00:01.012Z"
        tasks, _ = pages(logs.filter_log_events, logGroupName="airflow-shop-prod-Task")
        for path in folder.rglob("attempt=*.log"):
            stream = str(path.relative_to(folder)).replace(":", "_")
            assert "\n".join(it["message"] for it in tasks if it["logStreamName"] == stream) == path.read_text().rstrip("\n"), stream
        assert all(it["timestamp"] > 1786660000000 for it in tasks)
