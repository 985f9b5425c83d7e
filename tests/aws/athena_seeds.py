"""Seeds of Athena: dumps of its history, of runtime statistics, of workgroups."""

import copy
import json
import uuid
from datetime import datetime
from pathlib import Path

TIMES = ("SubmissionDateTime", "CompletionDateTime", "CreationTime")


def history(athena, folder):
    """Every JSON dump in a folder: batch-get- and get-query-execution, get-query-runtime-statistics_<id>, list-work-groups. Answers how many of each."""
    told = {"executions": 0, "statistics": 0, "workgroups": 0}
    for path in sorted(Path(folder).rglob("*.json")):
        try:
            found = json.loads(path.read_text())
        except ValueError:
            continue
        if not isinstance(found, dict):
            continue
        for it in found.get("QueryExecutions", []) + [it for it in [found.get("QueryExecution")] if it]:
            _add(athena, _with_times(it))
            told["executions"] += 1
        if "QueryRuntimeStatistics" in found:
            athena.statistics[path.stem.rpartition("_")[2]] = found["QueryRuntimeStatistics"]
            told["statistics"] += 1
        for it in found.get("WorkGroups", []):
            athena.add_workgroup(_with_times(it))
            told["workgroups"] += 1
    return told


def copies(athena, count, workgroup, start, seconds, of=None):
    """`count` executions in a workgroup, evenly over `seconds` from `start`, each with its own id and text: a long history. Ids depend on the arguments alone."""
    model = (
        copy.deepcopy(athena.executions[of])
        if of
        else {
            "Statistics": {"TotalExecutionTimeInMillis": 1000, "EngineExecutionTimeInMillis": 900, "DataScannedInBytes": 1},
            "StatementType": "DML",
            "Status": {"State": "SUCCEEDED"},
        }
    )
    for at in range(count):
        it = copy.deepcopy(model)
        moment = start + seconds * at / count
        it |= {
            "QueryExecutionId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{workgroup}/{start}/{at}")),
            "Query": f"SELECT {at}",
            "WorkGroup": workgroup,
        }
        it["Status"] |= {"SubmissionDateTime": moment, "CompletionDateTime": moment + 1.0}
        _add(athena, it)
    return {"executions": count}


def _add(athena, execution):
    athena.executions[execution["QueryExecutionId"]] = execution
    if execution.get("WorkGroup", "primary") not in athena.workgroups:
        athena.add_workgroup({"Name": execution["WorkGroup"]})


def _with_times(found):
    """Times as the wire has them: seconds, with a fraction."""
    if not isinstance(found, dict):
        return found
    return {
        key: datetime.fromisoformat(value).timestamp() if key in TIMES and isinstance(value, str) else _with_times(value)
        for key, value in found.items()
    }
