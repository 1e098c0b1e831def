"""A server before the emulator that filters what PullLogs answers, as SLS does with an SPL query.

The emulator has no SPL, so a test says in Python which logs a query keeps.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from aliyun.log.proto import LogGroupList

from sls_syslog.testing import SlsEmulator

__all__ = ["filtering"]

_KEPT_OUT = {"content-length", "transfer-encoding", "connection", "date", "server"}


@contextmanager
def filtering(
    emulator: SlsEmulator, query: str, keeps: Callable[[Mapping[str, str]], bool]
) -> Iterator[str]:
    """An SLS that knows one query; the block gets its endpoint.

    Args:
        emulator: Has the logs. It must not check signatures: they are those of other requests.
        query: The only query that is answered.
        keeps: Whether the query keeps a log.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _forward(self) -> None:
            url = urlsplit(self.path)
            params = dict(parse_qsl(url.query, keep_blank_values=True))
            asked = params.pop("query", None)
            headers = dict(self.headers)
            if asked is not None:
                assert (asked, params.pop("pullMode")) == (query, "scan_on_stream")
                headers["Accept-Encoding"] = ""
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            connection = http.client.HTTPConnection("127.0.0.1", emulator.port)
            try:
                connection.request(self.command, f"{url.path}?{urlencode(params)}", body, headers)
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
            kept = {n: v for n, v in answer.getheaders() if n.lower() not in _KEPT_OUT}
            if asked is not None and answer.status == 200:
                kept |= {"x-log-rawdatacount": kept["x-log-count"]}
                kept |= {"x-log-rawdatasize": kept["x-log-bodyrawsize"]}
                content, groups = _filter(content, keeps)
                kept |= {"x-log-count": str(groups), "x-log-bodyrawsize": str(len(content))}
            self.send_response(answer.status)
            for name, value in kept.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _forward  # noqa: N815  # the names that http.server calls

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _filter(content: bytes, keeps: Callable[[Mapping[str, str]], bool]) -> tuple[bytes, int]:
    """Leave logs out of an encoded list of groups; return it, and how many groups are left."""
    found = LogGroupList.FromString(content)
    for group in found.LogGroups:
        logs = [log for log in group.Logs if keeps({p.Key: p.Value for p in log.Contents})]
        del group.Logs[:]
        group.Logs.extend(logs)
    groups = [group for group in found.LogGroups if group.Logs]
    return LogGroupList(LogGroups=groups).SerializeToString(), len(groups)
