"""Receivers of plain TCP that keep what they read; subclasses decide when a connection ends."""

from __future__ import annotations

import re
import select
import socket
import threading
import time

from tests.support.peers import Peer

__all__ = ["NUMBER", "AllowsOne", "Reader"]

NUMBER = re.compile(rb"\|\|n=(\d+)(?!\d)")
"""The field `n` of a log, in its message."""

_LOOK_SECONDS = 0.05  # longest wait before a thread sees that the block ends


class Reader(Peer):
    """A receiver that reads to the end of each stream, then ends it; all connections at once.

    Attributes:
        data: What came over each connection, in the order in which they were accepted.
    """

    def __init__(self) -> None:
        super().__init__()
        self.data: list[bytearray] = []
        self._lock = threading.Lock()

    def begin(self, connection: socket.socket) -> None:
        self.start(super().begin, connection)

    def treat(self, connection: socket.socket) -> None:
        self.read(connection)

    def read(self, connection: socket.socket, silence: float | None = None) -> None:
        """Read to the end of the stream, or until nothing came for as many seconds."""
        kept = bytearray()
        with self._lock:
            self.data.append(kept)
        last = time.monotonic()
        while not self.ending.is_set():
            if silence is not None and time.monotonic() - last > silence:
                return
            if select.select([connection], [], [], _LOOK_SECONDS)[0]:
                chunk = connection.recv(65536)
                if not chunk:
                    return
                kept += chunk
                last = time.monotonic()

    @property
    def connections(self) -> int:
        """The number of connections that were treated so far."""
        with self._lock:
            return len(self.data)

    def numbers(self) -> list[int]:
        """The numbers of the logs that have arrived, copies too."""
        with self._lock:
            return sorted(int(each) for data in self.data for each in NUMBER.findall(data))


class AllowsOne(Reader):
    """It allows one connection for each client, and closes the second one at once."""

    def __init__(self) -> None:
        super().__init__()
        self._taken = threading.Lock()
        self._allowed: set[socket.socket] = set()

    def begin(self, connection: socket.socket) -> None:
        if self._taken.acquire(blocking=False):  # here, where they come in order
            self._allowed.add(connection)
        super().begin(connection)

    def treat(self, connection: socket.socket) -> None:
        if connection in self._allowed:
            try:
                self.read(connection)
            finally:  # before it is closed: then the client may connect again
                self._taken.release()
