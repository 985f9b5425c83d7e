"""FilterLogEvents, GetLogEvents and the Describe calls of CloudWatch Logs: moto's answers where they are true, with what moto
does differently put right as the service model words it; groups too large for moto are answered from the store."""

import json
import re
from dataclasses import dataclass, replace

from log_events import name_of
from wire import AwsError

PAGE_EVENTS = 10_000
PAGE_BYTES = 1_048_576
OVERHEAD = 26


@dataclass
class Settings:
    """What a control call may change under "reads"."""

    # Every n-th page of FilterLogEvents and of GetLogEvents (forward) comes empty, with a token for the same place.
    empty_every: int = 0
    # A page holds at most so many events, whatever was asked for.
    page_events: int = PAGE_EVENTS


class LogReads:
    """The operations, by name."""

    def __init__(self, events, moto):
        self.events, self.moto, self.settings, self.pages = events, moto, Settings(), 0

    def set(self, values):
        for name, value in values.items():
            if not hasattr(self.settings, name):
                raise KeyError(f"reads.{name}")
            setattr(self.settings, name, value)

    def FilterLogEvents(self, members, call):
        group = self._group(members)
        if members.get("logStreamNames") and members.get("logStreamNamePrefix"):
            raise AwsError("InvalidParameterException", "logStreamNamePrefix and logStreamNames cannot both be given")
        token = members.get("nextToken", "")
        self.pages += 1
        if self.settings.empty_every and not token.startswith("empty:") and self.pages % self.settings.empty_every == 0:
            return {"events": [], "searchedLogStreams": [], "nextToken": f"empty:{token}"}
        token = token.removeprefix("empty:")
        streams = self._streams(group, members)
        pattern = members.get("filterPattern") or ""
        limit = min(members.get("limit") or PAGE_EVENTS, self.settings.page_events)
        plain = not pattern or pattern[0].isalpha() or (pattern[0] == '"' and pattern.count('"') == 2)
        if group.own or not plain or members.get("startFromHead") is False or token.startswith("own:"):
            return self._filter_own(group, streams, members, pattern, limit, token)
        if streams is not None and not streams:
            return {"events": [], "searchedLogStreams": []}
        asked = {"logGroupName": group.name, "interleaved": True, "limit": limit}
        asked |= {key: members[key] for key in ("startTime", "endTime", "filterPattern") if members.get(key) is not None}
        asked |= {"logStreamNames": sorted(streams)} if streams is not None else {}
        asked |= {"nextToken": token} if token else {}
        found = self._moto(call, asked)
        events, cut = _page(found["events"])
        answer = {"events": events, "searchedLogStreams": []}
        if cut:
            answer["nextToken"] = f"{group.name}@{events[-1]['logStreamName']}@{events[-1]['eventId']}"
        elif found.get("nextToken"):
            answer["nextToken"] = found["nextToken"]
        return answer

    def _filter_own(self, group, streams, members, pattern, limit, token):
        """Pages from the store. The token is the place of the next event in the range."""
        events = group.between(members.get("startTime", 0), members.get("endTime", 1 << 62))
        newest_first = members.get("startFromHead") is False
        at = 0
        if token:
            direction, _, place = token.removeprefix("own:").partition(":")
            if not place.isdigit():
                raise AwsError("InvalidParameterException", "The specified nextToken is invalid.")
            newest_first, at = direction == "tail", int(place)
        if newest_first:
            events = events[::-1]
        matches = matcher(pattern)
        found, size = [], 0
        # One page searches so many events, whether they match or not: where few match, pages are small or empty.
        end = min(len(events), at + 10 * limit)
        while at < end and len(found) < limit:
            it = events[at]
            if (streams is None or it.stream in streams) and matches(it.message):
                size += len(it.message.encode()) + OVERHEAD
                if found and size > PAGE_BYTES:
                    break
                found.append(
                    {
                        "logStreamName": it.stream,
                        "timestamp": it.timestamp,
                        "message": it.message,
                        "ingestionTime": it.ingested,
                        "eventId": it.event_id,
                    }
                )
            at += 1
        answer = {"events": found, "searchedLogStreams": []}
        if at < len(events):
            answer["nextToken"] = f"own:{'tail' if newest_first else 'head'}:{at}"
        return answer

    def GetLogEvents(self, members, call):
        group = self._group(members)
        name = members["logStreamName"]
        if name not in group.streams and name not in self.moto.backend("logs").groups[group.name].streams:
            raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")
        limit = min(members.get("limit") or PAGE_EVENTS, self.settings.page_events)
        token, self.pages = members.get("nextToken"), self.pages + 1
        if self.settings.empty_every and (token or "f" if members.get("startFromHead") else token or "b")[0] == "f":
            if not (token or "").startswith("f/9") and self.pages % self.settings.empty_every == 0:
                # Another token, for the same one would be the end.
                return {"events": [], "nextForwardToken": f"f/9{(token or 'f/')[3:]:>055}", "nextBackwardToken": token or f"b/{0:056d}"}
            if (token or "").startswith("f/9"):
                members = {key: value for key, value in members.items() if key != "nextToken"}
                members |= {"nextToken": f"f/0{token[3:]}"} if int(token[3:]) else {}
        if group.own:
            return self._get_own(group, members, limit)
        asked = {"logGroupName": group.name, "logStreamName": name, "limit": limit, "startFromHead": members.get("startFromHead", False)}
        asked |= {key: members[key] for key in ("startTime", "nextToken") if members.get(key) is not None}
        if members.get("endTime"):
            # Not included, by the model; moto includes it.
            asked["endTime"] = members["endTime"] - 1
        found = self._moto(call, asked)
        forward = asked["startFromHead"] or members.get("nextToken", "b").startswith("f")
        events, cut = _page(found["events"] if forward else found["events"][::-1])
        answer = {
            "events": events if forward else events[::-1],
            "nextForwardToken": found["nextForwardToken"],
            "nextBackwardToken": found["nextBackwardToken"],
        }
        if cut and forward:
            answer["nextForwardToken"] = f"f/{int(found['nextBackwardToken'][2:]) + len(events) - 1:056d}"
        elif cut:
            answer["nextBackwardToken"] = f"b/{int(found['nextForwardToken'][2:]) - len(events) + 1:056d}"
        return answer

    def _get_own(self, group, members, limit):
        start, end = members.get("startTime", 0), members.get("endTime", 1 << 62)
        events = [it for it in group.streams[members["logStreamName"]] if start <= it.timestamp < end]
        token = members.get("nextToken")
        forward = token[0] == "f" if token else members.get("startFromHead", False)
        place = int(token[2:]) if token else (0 if forward else len(events))
        chosen = events[place : place + limit] if forward else events[max(0, place - limit) : place][::-1]
        page, _ = _page([{"timestamp": it.timestamp, "message": it.message, "ingestionTime": it.ingested} for it in chosen])
        if forward:
            first, last = place, place + len(page)
        else:
            first, last, page = place - len(page), place, page[::-1]
        return {"events": page, "nextForwardToken": f"f/{last:056d}", "nextBackwardToken": f"b/{first:056d}"}

    def DescribeLogGroups(self, members, call):
        """moto knows no logGroupNamePattern, logGroupIdentifiers, logGroupClass."""
        pattern, wanted, kind = members.get("logGroupNamePattern"), members.get("logGroupIdentifiers"), members.get("logGroupClass")
        if not (pattern or wanted or kind):
            return _without_nothing(self._moto(call, members))
        if pattern and members.get("logGroupNamePrefix"):
            raise AwsError("InvalidParameterException", "logGroupNamePrefix and logGroupNamePattern are mutually exclusive")
        groups = [it.to_describe_dict() for _, it in sorted(self.moto.backend("logs").groups.items())]
        names = {name_of(it) for it in wanted or []}
        keep = (
            lambda it: (not pattern or pattern in it)
            and (not names or it in names)
            and it.startswith(members.get("logGroupNamePrefix", ""))
        )
        groups = [it for it in groups if keep(it["logGroupName"]) and kind in (None, it.get("logGroupClass", "STANDARD"))]
        at, limit = int(members.get("nextToken") or 0), members.get("limit") or 50
        answer = {"logGroups": [_without_nothing(it) for it in groups[at : at + limit]]}
        return answer | ({"nextToken": str(at + limit)} if at + limit < len(groups) else {})

    def DescribeLogStreams(self, members, call):
        group = self._group(members)
        if members.get("orderBy") == "LastEventTime" and members.get("logStreamNamePrefix"):
            raise AwsError("InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.")
        asked = {key: value for key, value in members.items() if key != "logGroupIdentifier"} | {"logGroupName": group.name}
        answer = _without_nothing(self._moto(call, asked))
        for stream in answer["logStreams"]:
            # Of streams, CloudWatch has told no size since 2019.
            stream["storedBytes"] = 0
        return answer

    def _group(self, members):
        given = [members[key] for key in ("logGroupName", "logGroupIdentifier") if members.get(key)]
        if len(given) != 1:
            raise AwsError("InvalidParameterException", "Exactly one of logGroupName, logGroupIdentifier is to be given")
        return self.events.group(given[0])

    def _streams(self, group, members):
        """The names of the streams asked for; None for all of them."""
        if members.get("logStreamNames"):
            return set(members["logStreamNames"])
        prefix = members.get("logStreamNamePrefix")
        return {it for it in group.streams if it.startswith(prefix)} if prefix else None

    def _moto(self, call, members):
        """What moto answers to these members; its errors are passed on."""
        answer = self.moto.forward(replace(call, body=json.dumps(members).encode(), members=members))
        found = json.loads(answer.body)
        if answer.status != 200:
            raise AwsError(found.get("__type", "InternalFailure").rpartition("#")[2], found.get("message") or "", answer.status)
        return found


def _page(events):
    """As many events as fit a page of 1 MB, and whether some did not."""
    size = 0
    for at, it in enumerate(events):
        size += len(it["message"].encode()) + OVERHEAD
        if at and size > PAGE_BYTES:
            return events[:at], True
    return events, False


def _without_nothing(members):
    return {key: value for key, value in members.items() if value is not None}


def matcher(pattern):
    """The filter patterns for unstructured events: words (all of them), "quoted words", ?any ?of, -not, %pattern%."""
    if pattern.startswith(("{", "[")):
        raise AwsError("InvalidParameterException", "Invalid filter pattern: the test server knows none for JSON or space-delimited events")
    if len(pattern) > 1 and pattern[0] == pattern[-1] == "%":
        search = re.compile(pattern[1:-1]).search
        return lambda message: search(message) is not None
    terms = [
        (sign, quoted.replace('\\"', '"') if quoted else word)
        for sign, quoted, word in re.findall(r'([?-]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))', pattern)
    ]
    every = [word for sign, word in terms if not sign]
    some = [word for sign, word in terms if sign == "?"]
    none = [word for sign, word in terms if sign == "-"]
    # Next to words that must stand, AWS ignores those with a question mark.
    return (
        lambda message: all(it in message for it in every)
        and not any(it in message for it in none)
        and (bool(every) or not some or any(it in message for it in some))
    )
