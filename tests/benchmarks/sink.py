"""A program that receives as fast as possible, counts, and must keep nothing.

It counts the marker of the logs, not frames: so it needs no format and no framing. It prints its
ports as one line of JSON. Then it answers each line of its input with a line.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import struct
import sys
from collections.abc import Callable, Iterator
from threading import Condition, Thread
from time import monotonic
from typing import Any

from sls_syslog.testing import TemporaryCA

from .workload import MARKER

__all__: list[str] = []

_HOST = "127.0.0.1"
_CHUNK = 1 << 20
_UDP_BUFFER = 8 << 20
_RELP_HEADER = re.compile(rb"([0-9]+) ([a-z]+) ([0-9]+)(?=[ \n])")
_RELP_OPENED = b"200 OK\nrelp_version=0\nrelp_software=sink\ncommands=syslog"
_CARRY = len(MARKER) - 1  # bytes kept of the last chunk: a marker may begin in them


class _Count:
    """Counts logs, bytes and connections with bytes since the last reset, for all connections."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._wanted: int | None = None
        self.reset()

    def reset(self) -> None:
        with self._changed:
            self._logs = self._bytes = self._connections = 0
            self._began = self._last = 0.0

    def add(self, logs: int, size: int, *, is_new: bool = False) -> None:
        with self._changed:
            self._connections += is_new
            self._last = monotonic()
            self._began = self._began or self._last
            self._logs += logs
            self._bytes += size
            if self._wanted is not None and self._logs >= self._wanted:
                self._changed.notify_all()

    def wait(self, logs: int, seconds: float) -> dict[str, float]:
        """Wait for this many logs, at most this many seconds. Return the counts."""
        with self._changed:
            self._wanted = logs
            self._changed.wait_for(lambda: self._logs >= logs, seconds)
            self._wanted = None
            return {
                "logs": self._logs,
                "bytes": self._bytes,
                "connections": self._connections,
                "first": self._began,
                "last": self._last,
            }


def _read_stream(connection: socket.socket, count: _Count) -> None:
    """Read until the peer ends its stream."""
    chunk = bytearray(_CARRY + _CHUNK)
    room = memoryview(chunk)[_CARRY:]
    is_new = True
    while size := connection.recv_into(room):
        end = _CARRY + size
        count.add(chunk.count(MARKER, 0, end), size, is_new=is_new)
        is_new = False
        chunk[:_CARRY] = chunk[end - _CARRY : end]


def _answer_relp(connection: socket.socket, count: _Count) -> None:
    """Read until the peer ends its stream. Answer each command."""
    stream = b""
    while received := connection.recv(_CHUNK):
        stream += received
        answers, at = [], 0
        while header := _RELP_HEADER.match(stream, at):
            end = header.end() + int(header[3]) + (header[3] != b"0") + 1
            if len(stream) < end:
                break
            data = _RELP_OPENED if header[2] == b"open" else b"200 OK"
            answers.append(b"%b rsp %d %b\n" % (header[1], len(data), data))
            at = end
        count.add(stream.count(MARKER, 0, at), at)
        stream = stream[at:]
        connection.sendall(b"".join(answers))


def _serve_relp(accepted: socket.socket, count: _Count) -> None:
    with contextlib.suppress(OSError), accepted:
        _answer_relp(accepted, count)


def _accept_relp(listener: socket.socket, count: _Count) -> None:
    while True:
        accepted, _ = listener.accept()
        _start(_serve_relp, accepted, count)


_open_connections: set[socket.socket] = set()


def _cut() -> None:
    """End all connections with a reset, as a receiver that crashes does."""
    for connection in list(_open_connections):
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.shutdown(socket.SHUT_RD)  # wakes the thread, which closes it


def _serve(accepted: socket.socket, context: ssl.SSLContext | None, count: _Count) -> None:
    """Read one connection. End it cleanly after the peer has ended its stream."""
    with contextlib.suppress(OSError), accepted, _listed(accepted):
        if context is None:
            _read_stream(accepted, count)
            return
        with context.wrap_socket(accepted, server_side=True) as tls:
            _read_stream(tls, count)
            tls.unwrap().close()


@contextlib.contextmanager
def _listed(connection: socket.socket) -> Iterator[None]:
    _open_connections.add(connection)
    try:
        yield
    finally:
        _open_connections.discard(connection)


def _accept(listener: socket.socket, context: ssl.SSLContext | None, count: _Count) -> None:
    while True:
        accepted, _ = listener.accept()
        _start(_serve, accepted, context, count)


def _take_datagrams(receiver: socket.socket, count: _Count) -> None:
    while True:
        datagram = receiver.recv(65535)
        count.add(datagram.count(MARKER), len(datagram))


def _start(work: Callable[..., object], *arguments: object) -> None:
    Thread(target=work, args=arguments, daemon=True).start()


def _listen(kind: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, kind)
    listener.bind((_HOST, 0))
    if kind == socket.SOCK_STREAM:
        listener.listen(128)
    else:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _UDP_BUFFER)
    return listener


def _open(authority: TemporaryCA, count: _Count) -> dict[str, Any]:
    """Receive over all protocols. Return the ports and the CA."""
    tcp, tls, relp = (_listen(socket.SOCK_STREAM) for _ in range(3))
    udp = _listen(socket.SOCK_DGRAM)
    context = authority.server_context()
    _start(_accept, tcp, None, count)
    _start(_accept, tls, context, count)
    _start(_take_datagrams, udp, count)
    _start(_accept_relp, relp, count)
    ports = {"tcp": tcp, "tls": tls, "udp": udp, "relp": relp}
    named = {name: listener.getsockname()[1] for name, listener in ports.items()}
    return {"host": _HOST, "ports": named, "cert_path": authority.cert_path}


def main() -> None:
    count = _Count()
    with TemporaryCA() as authority:
        print(json.dumps(_open(authority, count)), flush=True)
        for line in sys.stdin:
            asked = json.loads(line)
            if asked.get("reset"):
                count.reset()
            if asked.get("cut"):
                _cut()
            answer = count.wait(asked["logs"], asked["seconds"])
            answer["open"] = len(_open_connections)
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
