"""A relay between shipper and receiver that can turn into a black hole.

Honest otherwise: an end of stream passes when the other side has sent it, a reset as a reset.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time
from collections.abc import Callable

from servers import _free_port

HOST = "127.0.0.1"
LOOK_SECONDS = 0.05
CHUNK_BYTES = 64 * 1024
# Values of SO_LINGER: what a close sends.
RESET = struct.pack("ii", 1, 0)
IN_ORDER = struct.pack("ii", 0, 0)


class Proxy:
    """Relays from a port of its own to `target`; `start` and `die` as often as wanted.

    Attributes:
        held: Relay nothing, while connections stand and are accepted.
        refusing: Close in order whatever connects, at once.
    """

    def __init__(self, target: int) -> None:
        self.port = _free_port()
        self.held = False
        self.refusing = False
        self._round = 0  # a connection of an earlier one is to be closed
        self._target = target
        self._alive = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Listen, and relay."""
        listener = socket.create_server((HOST, self.port))
        listener.settimeout(LOOK_SECONDS)
        self.held, self._alive = False, True
        self._spawn(self._listen, listener)

    def close_connections(self) -> None:
        """Hand on what was read, and close every connection in order, not waiting for an end."""
        self._round += 1

    def die(self) -> None:
        """Reset every connection, and listen no more."""
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
            _close_with(client, RESET)
            with socket.create_connection((HOST, self._target), timeout=5) as server:
                _close_with(server, RESET)
                self._relay(_Relay(client, server))
                if self._alive:  # it is to end in order
                    for side in (client, server):
                        _close_with(side, IN_ORDER)

    def _relay(self, relay: _Relay) -> None:
        began = self._round
        while self._alive and relay.open and began == self._round:
            if self.held:
                time.sleep(LOOK_SECONDS)
            else:
                relay.turn()
        while self._alive and relay.pending:
            relay.turn(reading=False)


def _close_with(side: socket.socket, linger: bytes) -> None:
    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


class _Relay:
    """Two sockets, and what is on its way from each to the other."""

    def __init__(self, one: socket.socket, other: socket.socket) -> None:
        self._peer = {one: other, other: one}
        self._pending = {one: b"", other: b""}  # by the side that it came from
        self._reading = {one, other}
        self._writing = {one, other}  # sides whose data, and end, have not all passed
        for side in self._peer:
            side.setblocking(False)

    @property
    def open(self) -> bool:
        return bool(self._writing)

    @property
    def pending(self) -> bool:
        return any(self._pending.values())

    def turn(self, *, reading: bool = True) -> None:
        """Move what can be moved; raise what breaks a side."""
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
