"""moto, the AWS emulator, in this process: it answers what it does truly."""

import threading

from wire import ACCOUNT, REGION, Answer


class Moto:
    """moto's server application; started at the first need, for its import takes seconds."""

    def __init__(self):
        self._lock = threading.RLock()
        self._application = None

    def application(self):
        with self._lock:
            if self._application is None:
                from moto.server import DomainDispatcherApplication, create_backend_app

                self._application = DomainDispatcherApplication(create_backend_app)
            return self._application

    def forward(self, call):
        """What moto answers to a call."""
        from werkzeug.test import EnvironBuilder, run_wsgi_app

        headers = {
            key: value
            for key, value in call.headers.items()
            if key.lower() not in ("content-length", "transfer-encoding", "accept-encoding", "host")
        }
        if not call.header("authorization"):
            signed = {"Logs_20140328": "logs", "AmazonAthena": "athena", "STS": "sts", "S3": "s3"}.get(call.service, "s3")
            headers["Authorization"] = (
                f"AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{signed}/aws4_request, SignedHeaders=host, Signature=0"
            )
        # The host that moto takes for path-style S3 and for every other service.
        builder = EnvironBuilder(
            method=call.method, path=call.path, query_string=call.query, headers=headers, data=call.body, base_url="http://127.0.0.1:5000"
        )
        body, status, found = run_wsgi_app(self.application(), builder.get_environ(), buffered=True)
        return Answer(int(status.split()[0]), b"".join(body), dict(found.items()))

    def backend(self, service):
        """moto's own objects, for seeding what no API accepts: events of long ago, objects without their bytes."""
        from moto.backends import get_backend

        self.application()
        region = "aws" if service == "s3" else REGION
        return get_backend(service)[ACCOUNT][region]
