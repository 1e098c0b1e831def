"""Serve the emulated API over HTTP/1.1 on loopback; ``sls_operations`` has the operations.

It reads requests, checks signatures, plays faults and writes answers. It must not log a request or
a secret. ``close`` must leave no thread and no socket, even if clients keep connections open.
"""

from __future__ import annotations

import itertools
import socket
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http.client import responses
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import lz4.block

from sls_syslog.testing.sls_faults import FaultPlan
from sls_syslog.testing.sls_model import SlsModel
from sls_syslog.testing.sls_operations import ACTIONS, MAX_PUT_BYTES, Answer, Call, find_route
from sls_syslog.testing.sls_shard import SlsError
from sls_syslog.testing.sls_signature import SignedRequest, check_time, verify_signature

__all__ = ["SlsApi", "SlsHttpServer"]


class _ConnectionDropped(Exception):  # noqa: N818 - a planned fault, not an error
    """A fault closes the connection instead of answering."""


@dataclass
class SlsApi:
    """The API of one project, without its sockets.

    Attributes:
        project: The name of the project. Requests must have it as the first label of their Host.
        model: The Logstores of the project.
        secrets: AccessKey secrets by AccessKey ID. None accepts wrong and missing signatures.
        longest_skew: Seconds by which the time of a request may be wrong. None accepts any time.
        denied: The RAM actions that the policy of the AccessKey does not allow.
        faults: The planned faults.
        calls: The number of requests by operation, including failed ones.
        closing: Set when the server stops. It ends the delay of a fault.
    """

    project: str
    model: SlsModel
    secrets: Mapping[str, str] | None = field(repr=False)
    longest_skew: float | None = None
    denied: frozenset[str] = frozenset()
    faults: FaultPlan = field(default_factory=FaultPlan)
    calls: Counter[str] = field(default_factory=Counter)
    closing: threading.Event = field(default_factory=threading.Event)

    def answer(self, request: SignedRequest) -> Answer:
        """Answer one request. An ``SlsError`` becomes an error answer."""
        try:
            return self._serve(request)
        except SlsError as error:
            content = {"errorCode": error.code, "errorMessage": error.message}
            return Answer.make_json(content, error.status)

    def _serve(self, request: SignedRequest) -> Answer:
        route, logstore, target = find_route(request.method, request.path, request.params)
        self._play_fault(route.operation)
        if self.longest_skew is not None:
            check_time(request, self.model.clock(), self.longest_skew)
        if self.secrets is not None:
            verify_signature(request, self.secrets)
        project = request.headers.get("host", "").partition(".")[0]
        if project != self.project:
            raise SlsError(404, "ProjectNotExist", f"The Project does not exist : {project}")
        action = ACTIONS[route.operation]
        if action in self.denied:
            resource = f"acs:log:emulated:1:project/{project}/logstore/{logstore}"
            message = f"denied by sts or ram, action: {action}, resource: {resource}"
            raise SlsError(401, "Unauthorized", message)
        call = Call(target, request.params, request.headers, _decompress_body(request))
        with self.model.changed:
            answer = route.run(self.model.get_logstore(logstore), call)
            self.model.changed.notify_all()
        return answer

    def _play_fault(self, operation: str) -> None:
        with self.model.changed:
            self.calls[operation] += 1
        fault = self.faults.take_next(operation)
        if fault is None:
            return
        self.closing.wait(fault.delay)
        if fault.drop:
            raise _ConnectionDropped
        if fault.status is not None:
            raise SlsError(fault.status, fault.code, fault.message)


def _decompress_body(request: SignedRequest) -> bytes:
    if request.headers.get("x-log-compresstype", "") == "":
        return request.body
    size = request.headers.get("x-log-bodyrawsize", "")
    if request.headers["x-log-compresstype"] != "lz4" or not size.isdecimal():
        raise SlsError(400, "ParameterInvalid", "only lz4 with x-log-bodyrawsize is emulated")
    if int(size) > MAX_PUT_BYTES:
        raise SlsError(413, "PostBodyTooLarge", f"the body exceeds {MAX_PUT_BYTES} bytes")
    try:
        return bytes(lz4.block.decompress(request.body, uncompressed_size=int(size)))
    except lz4.block.LZ4BlockError as error:
        raise SlsError(400, "PostBodyInvalid", f"the body is not lz4: {error}") from error


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    rbufsize = 64 * 1024
    server: SlsHttpServer

    def handle_one_request(self) -> None:
        """Serve one request of any HTTP method. The base class needs a function per method."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline:
            self.close_connection = True
        elif self.parse_request():
            self._answer()

    def log_message(self, *_: object) -> None:
        """Log nothing, also of a request that is none."""

    def _answer(self) -> None:
        try:
            answer = self.server.api.answer(self._read_request())
        except _ConnectionDropped:
            self.close_connection = True
            return
        body = answer.render()
        lines = [f"HTTP/1.1 {answer.status} {responses.get(answer.status, '')}"]
        lines += (f"{name}: {text}" for name, text in answer.headers.items())
        request_id = self.server.make_request_id()
        lines.append(f"Date: {formatdate(self.server.api.model.clock(), usegmt=True)}")
        lines += (f"Content-Length: {len(body)}", f"x-log-requestid: {request_id}")
        head = "\r\n".join((*lines, "\r\n")).encode("latin-1")
        self.wfile.write(head + body)

    def _read_request(self) -> SignedRequest:
        url = urlsplit(self.path)  # an absolute URL if the client uses this server as its proxy
        headers = {name.lower(): text for name, text in self.headers.items()}
        return SignedRequest(
            self.command,
            unquote(url.path),
            dict(parse_qsl(url.query, keep_blank_values=True)),
            headers,
            self.rfile.read(int(headers.get("content-length") or 0)),
        )


class SlsHttpServer(ThreadingHTTPServer):
    """The listening socket, the thread that accepts connections, and one thread per connection.

    Args:
        port: The port on 127.0.0.1. 0 takes a free port.
        api: Answers the requests.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, api: SlsApi) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.api = api
        self._ids = itertools.count(1)
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._acceptor = threading.Thread(
            target=self.serve_forever, args=(0.05,), name="sls-emulator", daemon=True
        )

    def server_bind(self) -> None:
        """Bind without looking up the name of the address, which may take seconds."""
        super(HTTPServer, self).server_bind()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def start(self) -> None:
        """Start to accept connections."""
        self._acceptor.start()

    def close(self) -> None:
        """Stop accepting, cut all connections, and wait until all threads have ended."""
        self.api.closing.set()
        self.shutdown()
        self._acceptor.join()
        self.server_close()
        with self._lock:
            connections = dict(self._connections)
            for connection in connections:
                _cut_connection(connection)
        for thread in connections.values():
            thread.join()

    def make_request_id(self) -> str:
        """Return a new x-log-requestid."""
        return f"{next(self._ids):024X}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread, and note the thread for ``close``."""
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        with self._lock:
            self._connections[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        """Close a connection that has ended."""
        with self._lock:
            self._connections.pop(request, None)
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore an ``OSError``: clients may vanish. Print any other error."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def _cut_connection(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the client has closed it already
