#!/usr/bin/env python3
"""Drives the servers with boto3 over every operation that they answer, and holds them to what AWS documents. `selftest.py [WORD…]` runs the checks
whose name holds a word. Ends with 1 when a check failed."""

import importlib
import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODULES = ["check_insights", "check_log_reads", "check_faults", "check_environments", "check_redshift", "check_athena", "check_tables"]


class Server:
    """One `serve`, with its control calls, and clients for it. Its answers are held to AWS's models: a fault there fails the check."""

    def __init__(self, *calls):
        self.process = subprocess.Popen(
            [sys.executable, HERE / "serve", *map(json.dumps, calls)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        ready = json.loads(self.process.stdout.readline() or '{"endpoint": null, "answers": []}')
        self.endpoint, self.answers = ready["endpoint"], ready["answers"]
        assert self.endpoint, "serve did not start"

    def control(self, **members):
        self.process.stdin.write(json.dumps(members) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer
        return answer

    def counters(self):
        return self.control(counters=True)["counters"]

    def client(self, service, attempts=1, **config):
        import boto3
        from botocore.config import Config

        settings = Config(
            retries={"total_max_attempts": attempts, "mode": "standard"}, s3={"addressing_style": "path"}, max_pool_connections=50, **config
        )
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=settings,
        )

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            faults = self.counters()["model_faults"]
            assert not faults, faults
        self.process.stdin.close()
        assert self.process.wait(20) == 0


def refused(code, call, **members):
    """The error of a call that must be refused with this code."""
    from botocore.exceptions import ClientError

    try:
        call(**members)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response
    raise AssertionError(f"not refused with {code}")


def main():
    sys.path.insert(0, str(HERE))
    sys.modules.setdefault("selftest", sys.modules[__name__])
    if not os.environ.get("CASEFILE_CORPUS"):
        print("NOT RUN: CASEFILE_CORPUS names no folder, its dumps are not read back")
    failed, ran = [], 0
    for module in MODULES:
        found = importlib.import_module(module)
        for name in [it for it in vars(found) if it.startswith("check_")]:
            if not any(word in f"{module}.{name}" for word in sys.argv[1:] or [""]):
                continue
            ran += 1
            start = time.time()
            try:
                getattr(found, name)()
                print(f"ok     {module}.{name} ({time.time() - start:.1f} s)", flush=True)
            except Exception:
                failed.append(name)
                print(f"FAILED {module}.{name}\n{traceback.format_exc()}", flush=True)
    print(f"{ran - len(failed)} of {ran} checks of the test servers passed")
    if failed or not ran:
        sys.exit(1)


if __name__ == "__main__":
    main()
