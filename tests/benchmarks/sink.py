"""A program that receives as fast as possible, counts, and must keep nothing.

It counts the marker of the logs, not frames: so it needs no format and no framing. It prints its
ports as one line of JSON. Then it answers each line of its input with a line.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import sys
from collections.abc import Callable
from threading import Condition, Thread
from time import monotonic
from typing import Any

from sls_syslog.testing import TemporaryCA

from .workload import MARKER

__all__: list[str] = []

_HOST = "127.0.0.1"
_CHUNK = 1 << 20
_UDP_BUFFER = 8 << 20
_CARRY = len(MARKER) - 1  # bytes kept of the last chunk: a marker may begin in them


class _Count:
    """Counts logs and bytes since the last reset, for all connections."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._wanted: int | None = None
        self.reset()

    def reset(self) -> None:
        with self._changed:
            self._logs = self._bytes = 0
            self._began = self._last = 0.0

    def add(self, logs: int, size: int) -> None:
        with self._changed:
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
                "first": self._began,
                "last": self._last,
            }


def _read_stream(connection: socket.socket, count: _Count) -> None:
    """Read until the peer ends its stream."""
    chunk = bytearray(_CARRY + _CHUNK)
    room = memoryview(chunk)[_CARRY:]
    while size := connection.recv_into(room):
        end = _CARRY + size
        count.add(chunk.count(MARKER, 0, end), size)
        chunk[:_CARRY] = chunk[end - _CARRY : end]


def _serve(accepted: socket.socket, context: ssl.SSLContext | None, count: _Count) -> None:
    """Read one connection. End it cleanly after the peer has ended its stream."""
    with contextlib.suppress(OSError), accepted:
        if context is None:
            _read_stream(accepted, count)
            return
        with context.wrap_socket(accepted, server_side=True) as tls:
            _read_stream(tls, count)
            tls.unwrap().close()


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
    """Receive over all three protocols. Return the ports and the CA."""
    tcp, tls, udp = map(_listen, (socket.SOCK_STREAM, socket.SOCK_STREAM, socket.SOCK_DGRAM))
    context = authority.server_context()
    _start(_accept, tcp, None, count)
    _start(_accept, tls, context, count)
    _start(_take_datagrams, udp, count)
    ports = {"tcp": tcp, "tls": tls, "udp": udp}
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
            answer = count.wait(asked["logs"], asked["seconds"])
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
