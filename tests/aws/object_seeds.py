"""Seeds of S3: the objects of a listing, with their sizes and times but without their bytes; and what was stored."""

import hashlib
import re
from datetime import datetime
from pathlib import Path

LINE = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) +(\d+) (.+)$")


def objects(moto, bucket, text=None, file=None):
    """The objects of what `aws s3 ls --recursive` prints (times taken as UTC), in a bucket that is made where it is not there."""
    backend = moto.backend("s3")
    if bucket not in backend.buckets:
        backend.create_bucket(bucket, "us-east-1")
    keys, size = 0, 0
    for line in (text if text is not None else Path(file).read_text()).splitlines():
        found = LINE.match(line)
        if found:
            key = backend.put_object(bucket, found[3], b"")
            key.last_modified = datetime.fromisoformat(found[1])
            key.contentsize = int(found[2])
            keys, size = keys + 1, size + int(found[2])
    return {"bucket": bucket, "objects": keys, "bytes": size}


def stored(moto, bucket, folder=None):
    """Every object: the hash of its bytes, and when it was written; and its bytes in a folder, where one is given."""
    found = {}
    for name, key in moto.backend("s3").buckets[bucket].keys.items():
        found[name] = [hashlib.sha256(key.value).hexdigest(), f"{key.last_modified:%Y-%m-%dT%H:%M:%S.%f}"]
        if folder:
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(key.value)
    return found
