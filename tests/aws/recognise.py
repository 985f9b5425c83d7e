"""Which service and operation an HTTP request is for: one endpoint stands for all of them."""

import json
from urllib.parse import parse_qs, unquote, urlsplit

from wire import Call

S3_BY_QUERY = [
    ("list-type=2", "ListObjectsV2"),
    ("location", "GetBucketLocation"),
    ("versions", "ListObjectVersions"),
    ("uploads", "CreateMultipartUpload"),
]


def recognise(method, target, headers, body):
    """The call in a request. `target` may be a path, or a whole URL where the request came as to a proxy."""
    parts = urlsplit(target)
    path = parts.path or "/"
    fixed = {"method": method, "path": path, "query": parts.query, "headers": headers, "body": body}
    lower = {key.lower(): value for key, value in headers.items()}
    amazon = lower.get("x-amz-target")
    if amazon:
        service, _, operation = amazon.partition(".")
        return Call(service, operation, "json", members=_json(body), **fixed)
    content = lower.get("content-type", "")
    if method == "POST" and path == "/" and content.startswith("application/x-www-form-urlencoded"):
        members = {key: values[0] for key, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        return Call("STS", members.get("Action", ""), "query", members=members, **fixed)
    scope = lower.get("authorization", "").partition("Credential=")[2].partition(",")[0].split("/")
    signed_for = scope[3] if len(scope) > 3 else ""
    if signed_for == "airflow" or lower.get("host", "").startswith("api."):
        if method == "GET" and path.startswith("/environments"):
            name = unquote(path.removeprefix("/environments").strip("/"))
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            members = {"Name": name} if name else query
            return Call("MWAA", "GetEnvironment" if name else "ListEnvironments", "rest-json", members=members, **fixed)
    return Call("S3", _s3_operation(method, path, parts.query, "x-amz-copy-source" in lower), "s3", members={}, **fixed)


def _json(body):
    try:
        members = json.loads(body or b"{}")
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}


def _s3_operation(method, path, query, copies):
    bucket, _, key = path.strip("/").partition("/")
    keys = parse_qs(query, keep_blank_values=True)
    if not bucket:
        return "ListBuckets"
    if not key:
        if method == "GET":
            found = next((name for word, name in S3_BY_QUERY if word.partition("=")[0] in keys), None)
            return found or "ListObjects"
        return {"PUT": "CreateBucket", "HEAD": "HeadBucket", "DELETE": "DeleteBucket", "POST": "DeleteObjects"}.get(method, "S3")
    if "uploads" in keys and method == "POST":
        return "CreateMultipartUpload"
    if "uploadId" in keys:
        return {"PUT": "UploadPart", "POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload", "GET": "ListParts"}.get(
            method, "S3"
        )
    if method == "PUT" and copies:
        return "CopyObject"
    return {"GET": "GetObject", "PUT": "PutObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}.get(method, "S3")
