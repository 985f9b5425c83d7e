"""The one HTTP endpoint: recognises a request, lets faults happen, and gives it to who answers it."""

import json
import socket
import sys
import threading
import time
import traceback
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import model
from recognise import recognise
from wire import Answer, AwsError, error_answer, json_answer

CONTROL = "/control"


class Front(ThreadingHTTPServer):
    """`services` maps a service to the objects that answer its operations; all else goes to `fallback` (moto)."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port, services, fallback, faults, control):
        super().__init__(("127.0.0.1", port), Handler)
        self.services, self.fallback, self.faults, self.control = services, fallback, faults, control

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that went away is no error of ours."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, BrokenPipeError, TimeoutError)):
            super().handle_error(request, client_address)

    def answer(self, call):
        """The answer to a call, after faults had their say; and the faults that concern the answer itself."""
        try:
            hit = self.faults.count(call)
        except AwsError as error:
            return error_answer(call, error), set()
        try:
            answer = self._ask(call)
            if "hang_after" in hit:
                self.faults.hang()
            return answer, hit
        except AwsError as error:
            self.faults.refusal(call, error)
            return error_answer(call, error), hit
        except ConnectionAbortedError:
            raise
        except Exception:
            traceback.print_exc()
            self.faults.model_faults.append(f"{call.operation}: {traceback.format_exc(limit=-1)}")
            return error_answer(call, AwsError("InternalFailure", "the test server failed", 500)), hit

    def _ask(self, call):
        parts = self.services.get(call.service, []) if call.operation[:1].isupper() else []
        method = next((it for it in (getattr(part, call.operation, None) for part in parts) if it), None)
        if call.service in model.SERVICES:
            if not model.knows(call.service, call.operation):
                raise AwsError("UnknownOperationException", "")
            faults = model.request_faults(call.service, call.operation, call.members)
            if faults:
                raise AwsError(model.SERVICES[call.service][1], "; ".join(faults))
        if method is None:
            if call.service == "RedshiftData":
                raise AwsError("UnknownOperationException", f"the test server does not answer {call.operation}")
            return self.fallback(call)
        members = method(call.members, call)
        if isinstance(members, Answer):
            return members
        faults = model.answer_faults(call.service, call.operation, members)
        if faults:
            self.faults.model_faults += [f"{call.operation}{it}" for it in faults]
            raise AwsError("InternalFailure", f"an answer breaks its model: {faults[0]}", 500)
        answer = json_answer(members)
        if call.protocol == "rest-json":
            answer.headers["Content-Type"] = "application/json"
        return answer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 600

    def log_message(self, *_):
        pass

    def _body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _serve(self):
        body = self._body()
        call = recognise(self.command, self.path, dict(self.headers.items()), body)
        if call.path.startswith(CONTROL):
            self._send(self._control(call), set())
            return
        try:
            answer, hit = self.server.answer(call)
        except ConnectionAbortedError:
            self._reset()
            return
        self._send(answer, hit)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = _serve

    def _control(self, call):
        try:
            members = json.loads(call.body) if call.body else {}
            answered = self.server.control.counters() if call.path == f"{CONTROL}/counters" else self.server.control.call(members)
            return Answer(200, json.dumps(answered).encode(), {"Content-Type": "application/json"})
        except Exception as error:
            return Answer(400, json.dumps({"error": f"{type(error).__name__}: {error}"}).encode(), {"Content-Type": "application/json"})

    def _send(self, answer, hit):
        self.send_response_only(answer.status)
        headers = {
            key: value for key, value in answer.headers.items() if key.lower() not in ("date", "server", "connection", "transfer-encoding")
        }
        headers["Date"] = formatdate(self.server.faults.now(), usegmt=True)
        headers["Server"] = "casefile-test"
        if self.command != "HEAD" or not any(key.lower() == "content-length" for key in headers):
            headers = {key: value for key, value in headers.items() if key.lower() != "content-length"}
            headers["Content-Length"] = str(len(answer.body))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if "reset_middle" in hit and answer.body:
            self.wfile.write(answer.body[: max(1, len(answer.body) // 2)])
            self.wfile.flush()
            time.sleep(0.02)
            self._reset()
            return
        self.wfile.write(answer.body)

    def _reset(self):
        """The connection goes with a TCP reset, not in order."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.connection.close()
