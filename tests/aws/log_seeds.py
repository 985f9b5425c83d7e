"""Seeds of log events: dumps of CloudWatch groups, folders of Airflow's log files, and one large group full of bursts."""

import json
import random
import re
from datetime import datetime, timezone
from pathlib import Path

KINDS = ("Task", "Scheduler", "Worker", "DAGProcessing", "WebServer")
PREFIX = re.compile(
    r"^\[(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)[.,](\d{3})(?:([+-]\d{4})|[\]:, ])|^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.(\d{3})\d*Z? "
)
MESSAGE = "[{time}] {{taskinstance.py:1824}} ERROR - An error occurred (AccessDenied) when calling the GetObject operation: Access Denied; event {n}"


def cloudwatch(events, folder, retention=None, prefix=None):
    """A folder of `aws logs` dumps: `<Kind>/filter-log-events*.json`, group names in `describe-log-groups.json`, or `<prefix>-<Kind>`.
    Events keep their times."""
    folder, told = Path(folder), []
    described = folder / "describe-log-groups.json"
    names = [it["logGroupName"] for it in json.loads(described.read_text())["logGroups"]] if described.exists() else []
    for kind in KINDS:
        streams, seen = {}, set()
        for path in sorted((folder / kind).glob("filter-log-events*.json")):
            for it in json.loads(path.read_text())["events"]:
                if it["eventId"] not in seen:
                    seen.add(it["eventId"])
                    streams.setdefault(it["logStreamName"], []).append((it["timestamp"], it["message"], it["ingestionTime"]))
        name = next((it for it in names if it.endswith(f"-{kind}")), None)
        if prefix:
            name = f"{prefix}-{kind}"
        if name and (streams or (folder / kind).is_dir()):
            group = events.create(name, retention)
            events.put(group, streams)
            told.append(events.digest(name))
    return told


def airflow(events, folder, environment, retention=None):
    """Log files as Airflow writes them: `scheduler.log`, `worker.log`, and task logs under `dag_id=…/`. Task records stay whole; the captured output
    of the components comes one event a line. Streams are named as MWAA names them."""
    folder, groups = Path(folder), {kind: {} for kind in KINDS}
    for path in sorted(folder.rglob("*.log")):
        text = path.read_text(errors="replace")
        name = str(path.relative_to(folder)).removeprefix("raw/").removeprefix("task-logs/")
        if "task_id=" in name:
            groups["Task"][name.replace(":", "_")] = _records(text)
        else:
            kind = {"worker": "Worker", "dag": "DAGProcessing", "web": "WebServer"}.get(
                re.split(r"[_-]|(?<=web)", path.stem)[0], "Scheduler"
            )
            found = _lines(text)
            start = found[0][0] / 1000 if found else 0
            groups[kind][f"{path.stem}_ip-10-0-1-23.ec2.internal_{start:.6f}.log"] = found
    told = []
    for kind, streams in groups.items():
        group = events.create(f"airflow-{environment}-{kind}", retention)
        if streams:
            events.put(group, streams)
        told.append(events.digest(group.name))
    return told


def _moment(line):
    """The time at the start of a line, in milliseconds."""
    found = PREFIX.match(line)
    if found:
        day, clock, fraction, zone = (found[1], found[2], found[3], found[4]) if found[1] else (found[5], found[6], found[7], None)
        moment = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=timezone.utc).timestamp()
        shift = 0 if not zone else (1 if zone[0] == "+" else -1) * (int(zone[1:3]) * 3600 + int(zone[3:5]) * 60)
        return int(moment - shift) * 1000 + int(fraction)
    return None


def _records(text):
    """Records of a task's log: a line that has a time, with the lines after it that have none. Airflow 3 writes JSON: its time becomes the event's."""
    found = []
    for line in text.splitlines():
        if line.startswith('{"timestamp"'):
            record = json.loads(line)
            moment = datetime.fromisoformat(record.pop("timestamp").replace("Z", "+00:00"))
            found.append((int(moment.timestamp() * 1000 + 0.0005), json.dumps(record, ensure_ascii=False, separators=(", ", ": ")), None))
            continue
        moment = _moment(line)
        if moment is None and found:
            found[-1] = (found[-1][0], f"{found[-1][1]}\n{line}", None)
        elif line:
            found.append((moment or 0, line, None))
    first = next((it[0] for it in found if it[0]), 0)
    return [(it[0] or first, it[1], it[2]) for it in found]


def _lines(text):
    """Lines of a component's output: one without a time has that of the line before it."""
    found, last = [], 0
    for line in text.splitlines():
        last = _moment(line) or last
        if line:
            found.append((last, f"{line}\n", None))
    first = next((it[0] for it in found if it[0]), 0)
    return [(it[0] or first, it[1], it[2]) for it in found]


def burst(
    events,
    group,
    count=250_000,
    dense=30_000,
    start=1_790_000_000,
    seconds=86_400,
    streams=40,
    dense_streams=None,
    seed=1,
    message=MESSAGE,
    borders=16,
    outside=500,
):
    """One group of `count` events within `seconds` whole seconds from `start`: `dense` of them in one second, bursts in the milliseconds around every border
    of a window cut into `borders` parts, some exactly at both ends, the rest anywhere; and `outside` events before and after it. Every message differs.
    """
    chance, told = random.Random(seed), events.create(group, own=True)
    first, last = start * 1000, (start + seconds) * 1000 - 1
    moments = [first, first, first + 1, last - 1, last, last][: min(6, count)]
    second = start + chance.randrange(seconds // 4, max(seconds * 3 // 4, seconds // 4 + 1))
    dense_at = len(moments)
    moments += [second * 1000 + chance.randrange(1000) for _ in range(min(dense, count - len(moments)))]
    dense_end = len(moments)
    share = (count - len(moments)) // (4 * max(1, borders))
    for part in range(1, borders):
        border = (start + seconds * part // borders) * 1000
        offsets = (-1000, -2, -1, 0, 1, 2, 999, 1000)
        moments += [border + chance.choice(offsets) for _ in range(share)]
    moments += [chance.randrange(first, last + 1) for _ in range(count - len(moments))]
    moments += [first - 1, last + 1][: min(2, outside)]
    moments += [
        chance.choice((first - chance.randrange(1, 10_000), last + chance.randrange(1, 10_000))) for _ in range(max(0, outside - 2))
    ]
    names = [f"dag_id=burst/run_id=manual__{at:03d}/task_id=load/attempt=1.log" for at in range(streams)]
    found = {}
    for number, moment in enumerate(moments):
        of_second = dense_at <= number < dense_end and dense_streams
        name = names[number % dense_streams if of_second else chance.randrange(streams)]
        time = datetime.fromtimestamp(moment // 1000, timezone.utc)
        found.setdefault(name, []).append(
            (moment, message.format(n=f"{number:07d}", time=f"{time:%Y-%m-%dT%H:%M:%S}.{moment % 1000:03d}+0000"), None)
        )
    events.put(told, found)
    window = events.digest(group, first, last)
    return events.digest(group) | {
        "window": [start, start + seconds - 1],
        "window_events": window["events"],
        "window_sha256": window["sha256"],
        "dense_second": second,
    }
