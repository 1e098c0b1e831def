"""A relay between shipper and receiver that can turn into a black hole.

Otherwise it must be honest: it relays an end of stream only after the other side has sent it, and a
reset as a reset.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time
from collections.abc import Callable

from tests.support.servers import find_free_port

HOST = "127.0.0.1"
LOOK_SECONDS = 0.05  # longest wait before a thread looks at the attributes again
CHUNK_BYTES = 64 * 1024
# Values of SO_LINGER: they choose what `close` sends, a reset or an end of stream.
RESET = struct.pack("ii", 1, 0)
IN_ORDER = struct.pack("ii", 0, 0)


class Proxy:
    """Relays from its own port to `target`. `start` and `die` may be called repeatedly.

    Attributes:
        held: True relays nothing. Connections stay open, and new ones are accepted.
        refusing: True closes each new connection at once, with an end of stream.
    """

    def __init__(self, target: int) -> None:
        self.port = find_free_port()
        self.held = False
        self.refusing = False
        self._round = 0  # a connection of an earlier round must close
        self._target = target
        self._alive = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Listen and relay."""
        listener = socket.create_server((HOST, self.port))
        listener.settimeout(LOOK_SECONDS)
        self.held, self._alive = False, True
        self._spawn(self._listen, listener)

    def close_connections(self) -> None:
        """Relay what was read already, then close all connections with an end of stream."""
        self._round += 1

    def die(self) -> None:
        """Reset all connections and stop listening."""
        self._alive = False
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _spawn(self, run: Callable[[socket.socket], None], end: socket.socket) -> None:
        thread = threading.Thread(target=run, args=(end,), name="proxy", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self, listener: socket.socket) -> None:
        with listener:
            while self._alive:
                with contextlib.suppress(TimeoutError):
                    self._spawn(self._carry, listener.accept()[0])

    def _carry(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            if self.refusing:
                return
            _set_linger(client, RESET)
            with socket.create_connection((HOST, self._target), timeout=5) as server:
                _set_linger(server, RESET)
                self._relay(_Relay(client, server))
                if self._alive:  # otherwise the reset stays
                    for side in (client, server):
                        _set_linger(side, IN_ORDER)

    def _relay(self, relay: _Relay) -> None:
        began = self._round
        while self._alive and relay.is_open and began == self._round:
            if self.held:
                time.sleep(LOOK_SECONDS)
            else:
                relay.turn()
        while self._alive and relay.has_pending:
            relay.turn(reading=False)


def _set_linger(side: socket.socket, linger: bytes) -> None:
    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


class _Relay:
    """Two sockets, and the bytes on their way from each to the other."""

    def __init__(self, one: socket.socket, other: socket.socket) -> None:
        self._peer = {one: other, other: one}
        self._pending = {one: b"", other: b""}  # by source
        self._reading = {one, other}
        self._writing = {one, other}  # sources whose data and end of stream are not yet relayed
        for side in self._peer:
            side.setblocking(False)

    @property
    def is_open(self) -> bool:
        return bool(self._writing)

    @property
    def has_pending(self) -> bool:
        return any(self._pending.values())

    def turn(self, *, reading: bool = True) -> None:
        """Relay what is possible now. An error of a side is raised."""
        readable = [side for side in self._reading if reading and not self._pending[side]]
        full = {self._peer[side]: side for side in self._peer if self._pending[side]}
        can_read, can_write, _ = select.select(readable, list(full), [], LOOK_SECONDS)
        for side in can_read:
            self._pending[side] = side.recv(CHUNK_BYTES)
            if not self._pending[side]:
                self._reading.discard(side)
        for target in can_write:
            source = full[target]
            self._pending[source] = self._pending[source][target.send(self._pending[source]) :]
        for side in self._writing - self._reading:
            if not self._pending[side]:
                self._peer[side].shutdown(socket.SHUT_WR)
                self._writing.discard(side)
