"""Faults on demand: throttles, lost connections, 500s, slow answers, expired tokens, a skewed clock, refused operations; and what was counted."""

import hashlib
import threading
import time
from collections import Counter
from datetime import datetime, timezone

from wire import ACCOUNT, REGION, AwsError

IDENTITY = f"arn:aws:sts::{ACCOUNT}:assumed-role/casefile-reader/casefile"
PREFIXES = {"Logs_20140328": "logs", "RedshiftData": "redshift-data", "AmazonAthena": "athena", "MWAA": "airflow", "STS": "sts", "S3": "s3"}
# Where the permission is not called like the operation.
ACTIONS = {
    "ListObjectsV2": "s3:ListBucket",
    "ListObjects": "s3:ListBucket",
    "HeadBucket": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "CopyObject": "s3:PutObject",
    "ListBuckets": "s3:ListAllMyBuckets",
    "GetStatementResultV2": "redshift-data:GetStatementResult",
}
RULES = ("throttle", "reset_before", "reset_middle", "error_500", "slow", "refuse", "hang_before", "hang_after")
# How long a call hangs that is never answered: whoever waits for it is killed meanwhile.
HANGS_SECONDS = 30


def action_of(call):
    """The permission that a call needs."""
    return ACTIONS.get(call.operation, f"{PREFIXES.get(call.service, call.service.lower())}:{call.operation}")


class Faults:
    """What is to go wrong, and how often each operation was called."""

    def __init__(self):
        self.lock = threading.Lock()
        self.forget_rules()
        self.forget_counts()

    def forget_rules(self):
        self.rules, self.deny, self.rates = {}, {}, {}
        # By rule: how many calls it has looked at, how many it hit.
        self.seen, self.done = Counter(), Counter()
        self.identity, self.skew_seconds, self.expired_from = IDENTITY, 0.0, None

    def forget_counts(self):
        self.calls, self.windows, self.model_faults, self.refusals = Counter(), [], [], []
        self.hits = {name: Counter() for name in (*RULES, "rate", "denied", "expired", "skewed")}
        self.recent, self.total, self.hanging = {}, 0, 0

    def set(self, name, value):
        """One setting of a control call; False when it is none of ours."""
        with self.lock:
            if name in RULES:
                self.seen[name] = self.done[name] = 0
                if value:
                    self.rules[name] = value
                else:
                    self.rules.pop(name, None)
            elif name == "deny":
                self.deny = dict.fromkeys(value) if isinstance(value, list) else dict(value or {})
            elif name == "rates":
                self.rates = dict(value or {})
            elif name == "identity":
                self.identity = value or IDENTITY
            elif name == "clock_skew_seconds":
                self.skew_seconds = float(value or 0)
            elif name == "expired_token_from":
                self.expired_from = None if value is None else self.total + int(value)
            else:
                return False
        return True

    def count(self, call):
        """Counts a call; gives the rules that apply to it, and raises the error that it is to get."""
        with self.lock:
            self.total += 1
            self.calls[call.operation] += 1
            hit = {name for name, rule in self.rules.items() if self._applies(name, rule, call)}
            for name in hit:
                self.hits[name][call.operation] += 1
                self.done[name] += 1
            rate = self.rates.get(call.operation)
            too_fast = rate is not None and self._too_fast(call.operation, rate)
            expired = self.expired_from is not None and self.total >= self.expired_from
        if "slow" in hit:
            time.sleep(float(self.rules.get("slow", {}).get("seconds", 0.2)))
        if "hang_before" in hit:
            self.hang()
        if "reset_before" in hit:
            raise ConnectionAbortedError
        if "error_500" in hit:
            raise AwsError(
                "InternalError" if call.protocol == "s3" else "InternalFailure", "We encountered an internal error. Please try again.", 500
            )
        if expired:
            self._hit("expired", call)
            raise _expired(call)
        self._clock(call)
        if "throttle" in hit:
            raise _throttled(call)
        if too_fast:
            self._hit("rate", call)
            raise _throttled(call)
        if "refuse" in hit:
            self.deny = self.deny | {action_of(call): None}
            try:
                self._permission(call)
            finally:
                self.deny = {key: reason for key, reason in self.deny.items() if key != action_of(call)}
        self._permission(call)
        return hit

    def hang(self):
        """No answer comes, and then the connection is gone."""
        with self.lock:
            self.hanging += 1
        time.sleep(HANGS_SECONDS)
        raise ConnectionAbortedError

    def _hit(self, name, call):
        with self.lock:
            self.hits[name][call.operation] += 1

    def _applies(self, name, rule, call):
        operations = rule.get("operations")
        if operations and call.operation not in operations:
            return False
        self.seen[name] += 1
        number = self.seen[name] - int(rule.get("after", 0))
        if number < 1 or self.done[name] >= rule.get("times", 1 << 60):
            return False
        if "every" in rule:
            return number % int(rule["every"]) == 0
        digest = hashlib.sha256(f"{rule.get('seed', 0)}/{name}/{number}".encode()).digest()
        return int.from_bytes(digest[:4], "big") / 2**32 < float(rule.get("share", 0.5))

    def _too_fast(self, operation, rate):
        """More calls in the last second than allowed."""
        now = time.monotonic()
        recent = [it for it in self.recent.get(operation, []) if now - it < 1.0]
        self.recent[operation] = recent
        if len(recent) >= rate:
            return True
        recent.append(now)
        return False

    def _permission(self, call):
        action = action_of(call)
        key = next((it for it in (action, call.operation, f"{action.partition(':')[0]}:*") if it in self.deny), None)
        if key is None:
            return
        self._hit("denied", call)
        reason = self.deny[key] or f"because no identity-based policy allows the {action} action"
        on = resource_of(call)
        quoted = f'"{on}"' if call.service == "S3" else on
        where = f" on resource: {quoted}" if on else ""
        message = f"User: {self.identity} is not authorized to perform: {action}{where} {reason}"
        code = "AccessDenied" if call.protocol in ("s3", "query") else "AccessDeniedException"
        raise AwsError(code, message, 400 if call.protocol == "json" else 403)

    def _clock(self, call):
        """A server whose clock is off refuses signatures that are, by its clock, more than five minutes old or early; S3, 15."""
        if not self.skew_seconds:
            return
        sent = call.header("x-amz-date")
        if not sent:
            return
        signed = datetime.strptime(sent, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()
        now = self.now()
        allowed = 900 if call.protocol == "s3" else 300
        if abs(signed - now) <= allowed:
            return
        self._hit("skewed", call)
        stamp = lambda moment: datetime.fromtimestamp(moment, timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        if call.protocol == "s3":
            raise AwsError("RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", 403)
        if signed < now:
            text = f"Signature expired: {sent} is now earlier than {stamp(now - allowed)} ({stamp(now)} - {allowed // 60} min.)"
        else:
            text = f"Signature not yet current: {sent} is still later than {stamp(now + allowed)} ({stamp(now)} + {allowed // 60} min.)"
        code = "SignatureDoesNotMatch" if call.protocol == "query" else "InvalidSignatureException"
        raise AwsError(code, text, 403 if call.protocol != "json" else 400)

    def now(self):
        """The time by this server's clock."""
        return time.time() + self.skew_seconds

    def refusal(self, call, error):
        """Notes what a service refused by itself, without a fault of ours."""
        with self.lock:
            self.refusals.append({"operation": call.operation, "code": error.code, "message": error.message[:300]})

    def counters(self):
        with self.lock:
            return {
                "calls": dict(self.calls),
                "total": self.total,
                "hanging": self.hanging,
                "throttled": dict(self.hits["throttle"] + self.hits["rate"]),
                "faults": {name: dict(found) for name, found in self.hits.items() if found},
                "windows": list(self.windows),
                "model_faults": list(self.model_faults),
                "refusals": list(self.refusals),
            }


def _throttled(call):
    if call.protocol == "s3":
        return AwsError("SlowDown", "Please reduce your request rate.", 503)
    if call.protocol == "query":
        return AwsError("Throttling", "Rate exceeded")
    return AwsError("ThrottlingException", "Rate exceeded", 429 if call.protocol == "rest-json" else 400)


def _expired(call):
    if call.protocol == "s3":
        return AwsError("ExpiredToken", "The provided token has expired.")
    code = "ExpiredToken" if call.protocol == "query" else "ExpiredTokenException"
    return AwsError(code, "The security token included in the request is expired", 400 if call.protocol == "json" else 403)


def resource_of(call):
    """What a refused call asked for, as the message names it; nothing where the service has no resource to name."""
    members, here = call.members, f"{REGION}:{ACCOUNT}"
    if call.service == "Logs_20140328":
        name = members.get("logGroupName") or next(
            iter(members.get("logGroupNames") or members.get("logGroupIdentifiers") or []), members.get("logGroupIdentifier") or ""
        )
        name = name.rpartition("log-group:")[2]
        return f"arn:aws:logs:{here}:log-group:{name}:log-stream:"
    if call.service == "RedshiftData":
        if members.get("WorkgroupName"):
            return f"arn:aws:redshift-serverless:{here}:workgroup/{members['WorkgroupName']}"
        return f"arn:aws:redshift:{here}:cluster:{members['ClusterIdentifier']}" if members.get("ClusterIdentifier") else ""
    if call.service == "AmazonAthena":
        return f"arn:aws:athena:{here}:workgroup/{members.get('WorkGroup', 'primary')}"
    if call.service == "MWAA":
        return f"arn:aws:airflow:{here}:environment/{members.get('Name', '')}"
    if call.service == "STS":
        return members.get("RoleArn", "")
    path = call.path.strip("/")
    return f"arn:aws:s3:::{path}" if path else ""
