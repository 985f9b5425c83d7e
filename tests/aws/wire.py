"""What goes over the wire: one answer, one AWS error, and how each protocol writes an error."""

import json
import uuid
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

ACCOUNT = "123456789012"
REGION = "us-east-1"


@dataclass
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes
    headers: dict = field(default_factory=dict)


class AwsError(Exception):
    """An error as a service words it: its code, its message, further members of its shape."""

    def __init__(self, code, message, status=400, **members):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.members = code, message, status, members


@dataclass
class Call:
    """One request, after it was recognised: `protocol` is json, rest-json (MWAA), query (STS) or s3."""

    service: str
    operation: str
    protocol: str
    method: str
    path: str
    query: str
    headers: dict
    body: bytes
    members: dict

    def header(self, name):
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)


def json_answer(members, status=200):
    body = json.dumps(members, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": str(uuid.uuid4())}
    return Answer(status, body, headers)


# The member that holds the message is written with a capital letter by some services and by what stands before all of them.
CAPITAL_MESSAGE = {"RedshiftData", "AmazonAthena"}
OF_THE_DOOR = {"AccessDeniedException", "ExpiredTokenException", "InvalidSignatureException"}


def error_answer(call, error):
    """The error in the protocol of the call."""
    request_id = str(uuid.uuid4())
    if call.protocol == "json":
        capital = call.service in CAPITAL_MESSAGE or error.code in OF_THE_DOOR
        if error.code == "ThrottlingException":
            capital = False
        body = {"__type": error.code, ("Message" if capital else "message"): error.message, **error.members}
        answer = json_answer(body, error.status)
        answer.headers["x-amzn-ErrorType"] = error.code
        return answer
    if call.protocol == "rest-json":
        answer = json_answer({"message": error.message, **error.members}, error.status)
        answer.headers |= {"Content-Type": "application/json", "x-amzn-ErrorType": error.code}
        return answer
    inner = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
    if call.protocol == "query":
        xml = (
            '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
            f"{inner}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Answer(error.status, xml.encode(), {"Content-Type": "text/xml", "x-amzn-RequestId": request_id})
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error>{inner}<RequestId>{request_id[:16].upper()}</RequestId><HostId>{request_id}</HostId></Error>"
    )
    body = b"" if call.method == "HEAD" else xml.encode()
    return Answer(error.status, body, {"Content-Type": "application/xml", "x-amz-request-id": request_id[:16].upper()})
