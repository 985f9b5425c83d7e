"""What each ready query has to answer, told from the findings of each night as JSON says them, not from the lake."""

import collections
import datetime
import json

SEVERITIES = ["critical", "high", "medium", "low", "info"]


def millis(text):
    """A moment of JSON as milliseconds since 1970."""
    return None if text is None else round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def falling(value):
    """Greatest first, nothing last."""
    return (value is None, 0 if value is None else -value)


CELLS = {
    "subject_kind": lambda it: it["subject"]["kind"],
    "subject_id": lambda it: it["subject"]["id"],
    "impact_seconds": lambda it: it["impact"]["seconds"],
    "impact_bytes": lambda it: it["impact"]["bytes"],
    "first_seen": lambda it: millis(it["first_seen"]),
    "nights_seen": lambda it: it.get("nights_seen"),
    "suppression": lambda it: compact(it["suppression"]),
}


def row(finding, names):
    """A finding as a row of these columns."""
    return [CELLS[it](finding) if it in CELLS else finding[it] for it in names.split()]


def compact(value):
    """JSON as the lake's columns hold it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class Nights:
    """The nights of a lake, by day."""

    def __init__(self, reports):
        self.reports = reports

    def span(self, day, nights):
        """The nights up to a day, with that day."""
        first = (datetime.date.fromisoformat(day) - datetime.timedelta(days=nights - 1)).isoformat()
        return [(it, self.reports[it]) for it in sorted(self.reports) if first <= it <= day]

    def open(self, day, nights=1):
        """Each open finding of the nights up to a day, with its night."""
        return [(night, it) for night, report in self.span(day, nights) for it in report["findings"] if it["status"] == "open"]


def new_today(nights, day, _zone):
    found = [it for _, it in nights.open(day) if it.get("change") == "new"]
    found.sort(key=lambda it: (SEVERITIES.index(it["severity"]), millis(it["first_seen"]), it["finding_id"]))
    return [row(it, "severity detector title subject_kind subject_id first_seen impact_seconds finding_id") for it in found]


def worst(nights, day, _zone):
    found = [it for _, it in nights.open(day)]
    found.sort(key=lambda it: (falling(it["impact"]["seconds"]), falling(it["impact"]["bytes"]), -it["occurrences"], it["finding_id"]))
    names = "impact_seconds impact_bytes severity detector title subject_id occurrences nights_seen finding_id"
    return [row(it, names) for it in found[:20]]


def trend(nights, day, _zone):
    rows = []
    for night, report in nights.span(day, 30):
        found = [it for it in report["findings"] if it["status"] == "open"]
        severe = sum(it["severity"] in ("critical", "high") for it in found)
        new = sum(it.get("change") == "new" for it in found)
        rows.append([night, len(found), severe, new, sum(it["impact"]["seconds"] or 0 for it in found)])
    return rows


def open_longer(nights, day, zone):
    midnight = datetime.datetime.combine(datetime.date.fromisoformat(day) - datetime.timedelta(days=7), datetime.time(), zone)
    found = [it for _, it in nights.open(day) if it["first_seen"] and millis(it["first_seen"]) < midnight.timestamp() * 1000]
    found.sort(key=lambda it: (millis(it["first_seen"]), it["finding_id"]))
    return [row(it, "first_seen nights_seen severity detector title subject_id impact_seconds finding_id") for it in found]


def grouped(pairs, key):
    """Findings with their nights, by a key."""
    groups = collections.defaultdict(list)
    for night, it in pairs:
        groups[key(it)].append((night, it))
    return groups


def by_role(nights, day, _zone):
    refused = [pair for pair in nights.open(day, 7) if pair[1]["detector"] == "access-denied"]
    key = lambda it: (it["facts"].get("role") or it["facts"].get("principal"), it["facts"].get("action"), it["facts"].get("resource"))
    rows = []
    for group, members in grouped(refused, key).items():
        ids, days = {it["finding_id"] for _, it in members}, {night for night, _ in members}
        last = max((millis(it["last_seen"]) for _, it in members if it["last_seen"]), default=None)
        rows.append([*group, len(ids), sum(it["instance_count"] for _, it in members), len(days), last])
    return sorted(rows, key=lambda it: (-it[4], *[(part is None, part or "") for part in it[:3]]))


def by_dag(nights, day, _zone):
    groups = collections.defaultdict(list)
    for _, it in nights.open(day, 7):
        assert it["instance_count"] == len(it["instances"]), "JSON shows the worst only"
        for hit in it["instances"]:
            if hit.get("dag_id") is not None:
                groups[hit["dag_id"], hit.get("task_id"), it["detector"]].append((it["finding_id"], hit))
    rows = []
    for group, hits in groups.items():
        last = max((millis(hit["timestamp"]) for _, hit in hits if hit.get("timestamp")), default=None)
        waited = sum(hit.get("wait_seconds") or 0 for _, hit in hits)
        rows.append([*group, len({finding_id for finding_id, _ in hits}), len(hits), waited, last])
    return sorted(rows, key=lambda it: (-it[4], *it[:3]))


def by_table(nights, day, _zone):
    key = lambda it: (it["facts"].get("table") or it["facts"].get("location"), it["detector"])
    rows = []
    for group, members in grouped(nights.open(day, 7), key).items():
        if group[0] is None:
            continue
        found = [it for _, it in members]
        most = lambda values: max((it for it in values if it is not None), default=None)
        rows.append(
            [
                *group,
                len({it["finding_id"] for it in found}),
                len({night for night, _ in members}),
                most(it["occurrences"] for it in found),
                most(it["impact"]["seconds"] for it in found),
                most(it["impact"]["bytes"] for it in found),
                most(millis(it["last_seen"]) for it in found),
            ]
        )
    return sorted(rows, key=lambda it: (falling(it[5]), falling(it[6]), it[0], it[1]))


def incomplete(nights, day, _zone):
    rows = []
    for night, report in nights.span(day, 30):
        for it in report["verdicts"]:
            if it["verdict"] == "not-assessed":
                rows.append([night, "verdict", it["detector"], it["verdict"], it["reason"]])
        for it in report["inputs"]:
            if not it["complete"]:
                rows.append([night, "input", it["path"], "incomplete", compact(it["problems"])])
    rows.sort(key=lambda it: (it[1], it[2]))
    return sorted(rows, key=lambda it: it[0], reverse=True)


def suppressed(nights, day, _zone):
    found = [it for _, report in nights.span(day, 1) for it in report["findings"] if it["status"] == "suppressed"]
    found.sort(key=lambda it: (it["detector"], it["finding_id"]))
    return [row(it, "detector severity title subject_id suppression nights_seen finding_id") for it in found]


ANSWERS = {it.__name__: it for it in [new_today, worst, trend, open_longer, by_role, by_dag, by_table, incomplete, suppressed]}
