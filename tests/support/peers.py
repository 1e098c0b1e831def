"""Servers on this machine that misbehave, relays on the way to one, and ports without a server."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["HOST", "Peer", "Relay", "hold_closed_port", "reset_on_close", "serve"]

HOST = "127.0.0.1"
LIMIT_SECONDS = 30.0  # for one read or write, and for a thread to end


class Peer:
    """A server for the length of a block. Subclasses write what it does with a connection.

    Args:
        port: Where it listens, on 127.0.0.1; 0 chooses a free port.

    Attributes:
        port: Where it listens.
        ending: Set when the block ends.
    """

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.ending = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]

    def treat(self, connection: socket.socket) -> None:
        """Do with a connection what this server does. It is closed afterwards, even on errors."""
        raise NotImplementedError

    def begin(self, connection: socket.socket) -> None:
        """Treat a connection now: the next one waits until this one has ended."""
        with connection, suppress(OSError):
            connection.settimeout(LIMIT_SECONDS)
            self.treat(connection)

    def __enter__(self) -> Self:
        self._listener = socket.create_server((HOST, self.port))
        self.port = self._listener.getsockname()[1]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        socket.create_connection((HOST, self.port)).close()  # wakes the thread that accepts
        for thread in self._threads:
            thread.join(LIMIT_SECONDS)
        self._listener.close()

    def start(self, target: Callable[..., object], *args: Any) -> None:
        """Run something in a thread that ends before the block does."""
        self._threads.append(threading.Thread(target=target, args=args))
        self._threads[-1].start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self.ending.is_set():
                connection.close()
                return
            self.begin(connection)


class Relay(Peer):
    """A peer that stands before a server on this machine, and treats all connections at once.

    Args:
        port: The server's.
    """

    def __init__(self, port: int) -> None:
        super().__init__()
        self._there = port

    def pass_on(self, here: socket.socket, there: socket.socket) -> None:
        """Pass on what comes, until both have ended."""
        raise NotImplementedError

    def begin(self, connection: socket.socket) -> None:
        self.start(super().begin, connection)

    def treat(self, connection: socket.socket) -> None:
        with socket.create_connection((HOST, self._there), LIMIT_SECONDS) as there:
            self.pass_on(connection, there)


@contextmanager
def serve(behave: Callable[[socket.socket], object], port: int = 0) -> Iterator[int]:
    """Do with each connection what ``behave`` does, one after the other; yields the port."""

    class Server(Peer):
        def treat(self, connection: socket.socket) -> None:
            behave(connection)

    with Server(port) as server:
        yield server.port


@contextmanager
def hold_closed_port() -> Iterator[int]:
    """A port that is bound, so that nobody else gets it, and not listened at; nor is UDP's."""
    with socket.socket() as holder:
        holder.bind((HOST, 0))
        yield holder.getsockname()[1]


def reset_on_close(connection: socket.socket) -> None:
    """Make ``close()`` send a reset, not the end of the stream."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
