#!/usr/bin/env python3
"""The same facts with pandas, as people write it: `with_pandas.py PATH`. A million lines at a time, so that a large log fits in memory."""

import collections
import glob
import itertools
import json
import os
import sys

import pandas as pd

PATTERNS = {
    "will_requeue": "Task stuck in queued; will try to requeue",
    "gave_up": "Task requeue attempts exceeded max; marking failed",
    "marked_stuck": "task instances stuck in queued as failed",
    "lost": "task instance's state attribute is queued",
}


def chunks(path):
    names = glob.glob(path + "/**/*.log", recursive=True) if os.path.isdir(path) else [path]
    lines = itertools.chain.from_iterable(open(name, encoding="utf-8", errors="replace") for name in names)
    while chunk := list(itertools.islice(lines, 1_000_000)):
        yield pd.DataFrame({"line": chunk})


def main():
    facts = collections.Counter(late=0)
    for frame in chunks(sys.argv[1]):
        line = frame["line"]
        finished = line.str.extract(
            r"TaskInstance Finished: dag_id=(?P<dag>[^,]+), task_id=(?P<task>[^,]+), run_id=(?P<run>[^,]+), .*"
            r"run_start_date=(?P<started>[^,]+), .*, state=(?P<state>\w+), .*queued_dttm=(?P<queued>[^,]+)"
        ).dropna(subset=["state"])
        for state, count in finished["state"].value_counts().items():
            facts["finished " + state] += count
        started = pd.to_datetime(finished["started"], errors="coerce", utc=True, format="ISO8601")
        queued = pd.to_datetime(finished["queued"], errors="coerce", utc=True, format="ISO8601")
        facts["late"] += int(((started - queued).dt.total_seconds() >= 300).sum())
        sent = line.str.extract(r"Sending TaskInstanceKey\(dag_id='(?P<dag>[^']+)', task_id='(?P<task>[^']+)'").dropna()
        facts["sent"] += len(sent)
        denied = line.str.extract(r"User: (?P<who>\S+) is not authorized to perform: (?P<what>\S+)").dropna()
        for (who, what), count in denied.groupby(["who", "what"]).size().items():
            facts[f"denied {who} {what}"] += count
        for name, pattern in PATTERNS.items():
            facts[name] += int(line.str.contains(pattern).sum())
    print(json.dumps({fact: int(count) for fact, count in facts.items() if count or fact == "late"}))


main()
