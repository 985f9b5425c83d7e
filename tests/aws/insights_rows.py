"""Rows of a Logs Insights query: the fields of an event, values compared and written as Logs Insights does, groups of stats."""

import json
import zlib
from datetime import datetime, timezone

MISSING = object()
MAX_DISCOVERED = 200


def stamp(milliseconds):
    """A moment as `@timestamp` shows it: UTC, no zone, three digits after the point."""
    moment = datetime.fromtimestamp(milliseconds // 1000, timezone.utc)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{milliseconds % 1000:03d}"


class Row:
    """One event with what was made of it. A name that it lacks is missing, not empty."""

    __slots__ = ("event", "group", "made", "_discovered")

    def __init__(self, event, group):
        self.event, self.group, self.made, self._discovered = event, group, None, MISSING

    def get(self, name):
        if name == "@message":
            return self.event.message
        if name == "@timestamp":
            return self.event.timestamp
        if self.made and name in self.made:
            return self.made[name]
        if name == "@logStream":
            return self.event.stream
        if name == "@log":
            return self.group.log
        if name == "@ingestionTime":
            return self.event.ingested
        if name == "@ptr":
            return pointer(self.group, self.event)
        if self._discovered is MISSING:
            self._discovered = discovered(self.event.message)
        return self._discovered.get(name)

    def forget(self):
        """Lets go of what can be found again."""
        self._discovered = MISSING

    def make(self, makers):
        self.made = {}
        for name, value in makers:
            found = value(self)
            if found is not None:
                self.made[name] = found

    def written(self, name, value):
        """A cell: every value is text."""
        found = value(self)
        if found is None:
            return None
        if name in ("@timestamp", "@ingestionTime") and isinstance(found, int):
            return stamp(found)
        return written(found)


def written(value):
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value)


def pointer(group, event):
    return f"CmE{event.event_id}/{group.name}"


def discovered(message):
    """The fields of a JSON message, by dotted names; a field that begins with @ shows with two."""
    start = message.find("{")
    if start < 0 or not message.rstrip().endswith("}"):
        return {}
    try:
        found = json.loads(message[start:])
    except ValueError:
        return {}
    fields = {}

    def walk(prefix, value):
        if len(fields) >= MAX_DISCOVERED:
            return
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(f"{prefix}.{key}" if prefix else "@" * key.startswith("@") + key, inner)
        elif isinstance(value, list):
            for at, inner in enumerate(value):
                walk(f"{prefix}.{at}", inner)
        elif value is not None:
            fields[prefix] = ("true" if value else "false") if isinstance(value, bool) else value

    walk("", found)
    return fields


def number(value):
    if isinstance(value, (int, float)):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def compare(sign, left, right):
    """Numbers as numbers where both are, else texts. What is missing equals nothing."""
    if left is None or right is None:
        return sign == "!=" and (left is None) != (right is None)
    numbers = number(left), number(right)
    if None not in numbers:
        left, right = numbers
    else:
        left, right = str(left), str(right)
    return {"=": left == right, "!=": left != right, "<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign]


def _text(function):
    return lambda value=None, *rest: None if value is None else function(str(value), *rest)


FUNCTIONS = {
    "strlen": _text(len),
    "tolower": _text(str.lower),
    "toupper": _text(str.upper),
    "trim": _text(str.strip),
    "strcontains": _text(lambda value, part: 1 if str(part) in value else 0),
    "substr": _text(
        lambda value, start, length=None: value[int(start) :] if length is None else value[int(start) : int(start) + int(length)]
    ),
    "replace": _text(lambda value, old, new: value.replace(str(old), str(new))),
    "concat": lambda *values: "".join("" if it is None else str(it) for it in values),
    "coalesce": lambda *values: next((it for it in values if it is not None), None),
    "ispresent": lambda value=None: value is not None,
    "isempty": lambda value=None: value is None or value == "",
    "isblank": lambda value=None: value is None or not str(value).strip(),
    "tomillis": lambda value=None: value,
    "frommillis": lambda value=None: value,
}


def aggregated(stats, rows):
    """The rows of a `stats` command, in an order that a caller cannot know; these have no @ptr."""
    columns, groups = stats
    found = {}
    for row in rows:
        key = tuple(row.written(name, value) for name, value in groups)
        found.setdefault(key, []).append(row)
    if not groups and not found:
        found[()] = []
    result = []
    for key, members in sorted(found.items(), key=lambda it: zlib.crc32(repr(it[0]).encode())):
        cells = [(name, value) for (name, _), value in zip(groups, key) if value is not None]
        for name, function, value in columns:
            values = [it for it in map(value, members) if it is not None]
            outcome = _aggregate(function, values)
            if outcome is not None:
                cells.append((name, written(outcome)))
        result.append(cells)
    return result


def _aggregate(function, values):
    if function == "count":
        return len(values)
    if function == "count_distinct":
        return len(set(values))
    if not values:
        return None
    if function in ("earliest", "latest"):
        return values[0] if function == "earliest" else values[-1]
    numbers = [it for it in map(number, values) if it is not None]
    if not numbers:
        return None
    return {"min": min, "max": max, "sum": sum, "avg": lambda it: sum(it) / len(it)}[function](numbers)
