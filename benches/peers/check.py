"""Compares what was found with what was planted."""

import collections
import datetime
import glob
import json
import re

import duckdb


def flat(counts):
    """The facts of a truth file, as the peers print them."""
    facts = dict(counts["facts"])
    named = {"late": facts.pop("late")}
    for kind in ("denied", "finished"):
        named |= {f"{kind} {name}": count for name, count in facts.pop(kind).items()}
    return named | {name: count for name, count in facts.items() if count}


def differences(found, expected):
    names = sorted(set(found) | set(expected))
    return [f"{name}: {found.get(name, 0)}, not {expected.get(name, 0)}" for name in names if found.get(name, 0) != expected.get(name, 0)]


def run_key(run):
    """A run id, also where CloudWatch has taken its colons."""
    return re.sub(r"[:+_]+", "_", run or "")


def instances(report):
    """Every instance of every finding of a report folder, each with the facts of its finding."""
    if not glob.glob(f"{report}/instances/*/*.parquet"):
        return []
    duckdb.sql("SET TimeZone = 'UTC'")
    rows = duckdb.sql(
        f"SELECT instance.*, finding.facts FROM read_parquet('{report}/instances/*/*.parquet') AS instance"
        f" JOIN read_parquet('{report}/findings/*/*.parquet') AS finding USING (finding_id)"
    )
    return [dict(zip(rows.columns, row)) for row in rows.fetchall()]


def faults(truth, report, answer):
    """What a report misses, and what it makes up: lists of sentences, by kind of fault."""
    found = instances(report)
    result = {"access-denied": denials(truth, [it for it in found if it["detector"] == "access-denied"])}
    result["stuck-queued"] = spells(truth, [it for it in found if it["detector"] == "stuck-queued"])
    result["failed tries"] = failures(truth, answer)
    others = collections.Counter(it["detector"] for it in answer["findings"] if it["detector"] not in result)
    result["other detectors"] = (0, [], [f"{name}: {count} findings" for name, count in others.items()])
    return result


def denials(truth, found):
    def name(dag, task, run, number, action, role, resource):
        # Where the text names nobody it names no resource either: what a reader infers is not judged.
        return (dag, task, run_key(run), number, (action or "").lower(), role, resource if role else None)

    def role_of(principal):
        match = re.search(r"(?:assumed-role|role)/([^/]+)", principal or "")
        return match.group(1) if match else ""

    expected = collections.Counter(
        name(it["dag_id"], it["task_id"], it["run_id"], it["try_number"], it["action"], it["role"].rsplit("/", 1)[-1], it["resource"])
        for it in truth["denials"]
    )
    got = collections.Counter(
        name(it["dag_id"], it["task_id"], it["run_id"], it["try_number"], it["iam_action"], role_of(it["principal"]), json.loads(it["facts"]).get("resource"))
        for it in found
    )
    return sum(expected.values()), [f"{it}" for it in (expected - got).elements()], [f"{it}" for it in (got - expected).elements()]


def spells(truth, found):
    """A spell is found where its task, its run and its end agree, within five seconds."""
    left = collections.defaultdict(list)
    for it in found:
        left[it["dag_id"], it["task_id"], run_key(it["run_id"])].append(it)
    missed = []
    for it in truth["stuck"]:
        at = datetime.datetime.fromisoformat(it["left_at"])
        near = left[it["dag_id"], it["task_id"], run_key(it["run_id"])]
        same = next((one for one in near if abs((one["event_time"] - at).total_seconds()) <= 5 and one["outcome"] == it["outcome"]), None)
        if same:
            near.remove(same)
        else:
            missed.append(", ".join(f"{name} {it[name]}" for name in ("dag_id", "task_id", "run_id", "queued_at", "left_at", "found", "outcome")))
    false = [
        f"{it['dag_id']}.{it['task_id']} {it['run_id']} queued {it['queued_at']} left {it['event_time']} {it['outcome']} {it['detail']}"
        for near in left.values()
        for it in near
    ]
    return len(truth["stuck"]), missed, false


def failures(truth, answer):
    """Tries that failed and that no finding explains, by task."""
    explained = set() if not truth["denials"] else {"denied"}
    expected = collections.Counter((it["dag_id"], it["task_id"]) for it in truth["failed"] if it["why"] not in explained)
    got = collections.Counter()
    for it in answer["failed_tries"]:
        got[it.get("dag_id"), it.get("task_id")] += it["count"]
    return sum(expected.values()), [f"{it}" for it in (expected - got).elements()], [f"{it}" for it in (got - expected).elements()]
