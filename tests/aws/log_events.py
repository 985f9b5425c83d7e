"""The log events that the servers hold, by group, in order of time; moto holds the same ones under the same ids."""

import bisect
import hashlib
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone

from wire import ACCOUNT, REGION, AwsError

INGESTED_AFTER = 1_500


@dataclass(slots=True)
class Event:
    """One event. Two events of one stream may share time and message: the number tells them apart."""

    timestamp: int
    stream: str
    message: str
    number: int
    ingested: int

    @property
    def event_id(self):
        """56 digits, as CloudWatch writes them."""
        return f"{self.ingested:017d}{self.number:039d}"


@dataclass
class Group:
    name: str
    events: list = field(default_factory=list)
    streams: dict = field(default_factory=dict)
    times: list = field(default_factory=list)
    # Whether FilterLogEvents and GetLogEvents are answered from here, since moto would be too slow.
    own: bool = False

    @property
    def log(self):
        """The value of @log."""
        return f"{ACCOUNT}:{self.name}"

    @property
    def arn(self):
        return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{self.name}"

    def between(self, start, end):
        """The events of a range of milliseconds, both ends included."""
        return self.events[bisect.bisect_left(self.times, start) : bisect.bisect_right(self.times, end)]

    def add(self, stream, events, first_number):
        added = [
            Event(moment, stream, message, first_number + at, ingested or moment + INGESTED_AFTER)
            for at, (moment, message, ingested) in enumerate(events)
        ]
        self.streams.setdefault(stream, []).extend(added)
        self.events.extend(added)
        return added

    def settle(self):
        """Puts the events in order: by time, then by when they were ingested, as CloudWatch does."""
        key = lambda it: (it.timestamp, it.ingested, it.number)
        self.events.sort(key=key)
        for events in self.streams.values():
            events.sort(key=key)
        self.times = [it.timestamp for it in self.events]


class LogEvents:
    """Every group."""

    def __init__(self, moto):
        self.moto, self.groups, self.lock, self.count = moto, {}, threading.Lock(), 0

    def group(self, identifier):
        """The group of a name or an ARN."""
        found = self.groups.get(name_of(identifier))
        if found is None:
            raise AwsError(
                "ResourceNotFoundException",
                f"Log group '{name_of(identifier)}' does not exist for account ID '{ACCOUNT}' (Service: AWSLogs; Status Code: 400; Error Code: ResourceNotFoundException)",
            )
        return found

    def create(self, name, retention=None, own=False):
        """A group, here and in moto; unchanged where it is there."""
        backend = self.moto.backend("logs")
        with self.lock:
            group = self.groups.setdefault(name, Group(name))
            group.own = group.own or own
            if name not in backend.groups:
                backend.create_log_group(name, {})
            if retention:
                backend.groups[name].retention_in_days = int(retention)
            return group

    def put(self, group, streams):
        """Puts `{stream: [(milliseconds, message, milliseconds of ingestion or None)]}` into a group, whatever their age."""
        from moto.logs.models import LogEvent

        theirs = self.moto.backend("logs").groups[group.name]
        with self.lock:
            for name, events in streams.items():
                added = group.add(name, events, self.count)
                self.count += len(added)
                if name not in theirs.streams:
                    theirs.create_log_stream(name)
                stream = theirs.streams[name]
                stream.stored_bytes += sum(len(it.message.encode()) for it in added)
                # Created with its first event, not when the test began.
                moments = [it.timestamp for it in added] or [round(time.time() * 1000)]
                stream.creation_time = min(stream.creation_time, _moment(min(moments)))
                stream.last_ingestion_time = max([_moment(it.ingested) for it in added] + [stream.last_ingestion_time or datetime.min])
                theirs.creation_time = min(theirs.creation_time, _moment(min(moments) - 86_400_000))
                for it in added:
                    copy = LogEvent(it.ingested, {"timestamp": it.timestamp, "message": it.message})
                    copy.event_id = it.event_id
                    stream.events.append(copy)
            group.settle()
        return sum(map(len, streams.values()))

    def digest(self, name, start=0, end=1 << 62):
        """How many events a group holds between two milliseconds, both included, and a hash over them, sorted: of each `timestamp TAB stream TAB message NUL`."""
        found = self.group(name).between(start, end)
        total = hashlib.sha256()
        for it in sorted((it.timestamp, it.stream, it.message) for it in found):
            total.update(f"{it[0]}\t{it[1]}\t{it[2]}\0".encode())
        return {"group": name, "events": len(found), "sha256": total.hexdigest()}


def _moment(milliseconds):
    """As moto keeps moments: UTC, without a zone."""
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc).replace(tzinfo=None)


def name_of(identifier):
    """The name in a group's identifier: a name, or an ARN without the `:*` at its end."""
    if not identifier.startswith("arn:"):
        return identifier
    if identifier.endswith(":*"):
        raise AwsError(
            "InvalidParameterException",
            f"1 validation error detected: Value '{identifier}' at 'logGroupIdentifier' is not a valid identifier: it ends with *",
        )
    return identifier.partition(":log-group:")[2]
