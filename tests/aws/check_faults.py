"""Checks of the faults: each does what it says, and does it again the same way."""

import json
import time
import urllib.request

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError
from selftest import Server, refused

GROUP = {"burst": {"group": "g", "count": 200, "dense": 10, "outside": 0}}


def outcomes(call, times):
    found = []
    for _ in range(times):
        try:
            call()
            found.append("ok")
        except ClientError as error:
            found.append(error.response["Error"]["Code"])
        except (ConnectionError, HTTPClientError) as error:
            found.append(type(error).__name__)
    return found


def check_throttles():
    with Server(GROUP) as server:
        logs = server.client("logs")
        call = lambda: logs.describe_log_groups()
        server.control(throttle={"every": 3, "operations": ["DescribeLogGroups"]})
        assert outcomes(call, 6) == ["ok", "ok", "ThrottlingException"] * 2
        assert outcomes(lambda: logs.filter_log_events(logGroupName="g"), 3) == ["ok"] * 3
        halves = []
        for seed in (1, 1, 2):
            server.control(reset=True, forget=True, throttle={"share": 0.5, "seed": seed})
            halves.append(outcomes(call, 60))
        assert halves[0] == halves[1] != halves[2] and 15 < halves[0].count("ThrottlingException") < 45
        counted = server.counters()
        assert (
            counted["throttled"] == {"DescribeLogGroups": halves[2].count("ThrottlingException")}
            and counted["calls"]["DescribeLogGroups"] == 60
        )
        server.control(reset=True, rates={"DescribeLogGroups": 5})
        found = outcomes(call, 8)
        assert found[:5] == ["ok"] * 5 and "ThrottlingException" in found
        server.control(reset=True, throttle={"every": 1, "after": 1, "times": 2})
        assert outcomes(call, 5) == ["ok", "ThrottlingException", "ThrottlingException", "ok", "ok"]
        assert len(server.client("logs", attempts=4).describe_log_groups()["logGroups"]) == 1
        server.control(reset=True, throttle={"every": 1})
        s3 = refused("SlowDown", server.client("s3").list_buckets)
        assert s3["ResponseMetadata"]["HTTPStatusCode"] == 503
        refused("Throttling", server.client("sts").get_caller_identity)


def check_lost_connections_and_500():
    with Server(GROUP) as server:
        logs = server.client("logs")
        call = lambda: logs.filter_log_events(logGroupName="g")
        server.control(reset_before={"every": 2})
        assert outcomes(call, 4)[1::2] == ["ConnectionClosedError"] * 2
        server.control(reset=True, reset_middle={"every": 2})
        found = outcomes(call, 4)
        assert found[::2] == ["ok", "ok"] and "ok" not in found[1::2], found
        server.control(reset=True, error_500={"every": 2})
        assert outcomes(call, 4) == ["ok", "InternalFailure"] * 2
        server.control(reset=True, slow={"every": 2, "seconds": 0.3})
        start = time.time()
        assert outcomes(call, 2) == ["ok", "ok"] and time.time() - start > 0.29
        assert len(server.client("logs", attempts=4).filter_log_events(logGroupName="g")["events"]) == 200


def check_tokens_clocks_and_permissions():
    with Server(GROUP) as server:
        logs, s3 = server.client("logs"), server.client("s3")
        call = lambda: logs.describe_log_groups()
        server.control(expired_token_from=3)
        assert outcomes(call, 4) == ["ok", "ok", "ExpiredTokenException", "ExpiredTokenException"]
        refused("ExpiredToken", s3.list_buckets)
        server.control(expired_token_from=None)
        assert outcomes(call, 1) == ["ok"]
        for minutes in (20, -20):
            server.control(clock_skew_seconds=minutes * 60)
            error = refused("InvalidSignatureException", call)
            assert "Signature" in error["Error"]["Message"]
            s3_error = refused("RequestTimeTooSkewed", s3.list_buckets)
            assert s3_error["ResponseMetadata"]["HTTPHeaders"]["date"] != time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
        server.control(clock_skew_seconds=120)
        assert outcomes(call, 1) == ["ok"]
        server.control(reset=True, deny=["logs:StartQuery", "s3:ListBucket"])
        error = refused("AccessDeniedException", logs.start_query, logGroupName="g", startTime=1, endTime=2, queryString="fields @message")
        who = "arn:aws:sts::123456789012:assumed-role/casefile-reader/casefile"
        assert (
            error["Error"]["Message"]
            == f"User: {who} is not authorized to perform: logs:StartQuery on resource: arn:aws:logs:us-east-1:123456789012:log-group:g:log-stream: because no identity-based policy allows the logs:StartQuery action"
        )
        error = refused("AccessDenied", s3.list_objects_v2, Bucket="b")
        assert '"arn:aws:s3:::b"' in error["Error"]["Message"] and error["ResponseMetadata"]["HTTPStatusCode"] == 403
        assert outcomes(call, 1) == ["ok"]


def check_control_over_http():
    with Server(GROUP) as server:
        ask = lambda path, body: json.load(
            urllib.request.urlopen(
                urllib.request.Request(f"{server.endpoint}{path}", data=json.dumps(body).encode() if body is not None else None)
            )
        )
        assert ask("/control", {"digest": {"name": "g"}})["digest"]["events"] == 200
        assert ask("/control/counters", None)["total"] == 0
        try:
            ask("/control", {"thrttle": {}})
            raise AssertionError("a key that is none was taken")
        except urllib.error.HTTPError as error:
            assert error.code == 400
