"""A strict RELP server that misbehaves on demand. It shares no code with what it judges.

It reads one octet after the other, by the grammar of librelp's ``doc/relp.md``, and keeps each
breach of a rule in ``breaches``.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from tests.support.peers import Peer, reset_on_close

__all__ = ["ACCEPTED", "BreachError", "Command", "RelpServer", "read_commands"]

ACCEPTED = b"200 OK\nrelp_version=0\nrelp_software=strict,1\ncommands=syslog"
OK = b"200 OK"
DIGITS = b"0123456789"
LETTERS = bytes([*range(65, 91), *range(97, 123)])


class BreachError(Exception):
    """The client has broken a rule of RELP."""


class BreakError(Exception):
    """Raised by ``answer``: end the connection, with a reset."""


@dataclass(frozen=True)
class Command:
    """One frame of a client."""

    txnr: int
    name: bytes
    data: bytes


def read_commands(read: Callable[[], bytes]) -> Iterator[Command]:
    """Read frames, until ``read`` returns nothing between two of them.

    Args:
        read: Returns the next octet; nothing at the end.
    """

    def take(allowed: bytes, most: int, end: bytes, first: bytes) -> tuple[bytes, bytes]:
        found = b""
        octet = first
        while octet and octet in allowed:
            found += octet
            octet = read()
        if not 1 <= len(found) <= most or not octet or octet not in end:
            raise BreachError(f"{found!r}, then {octet!r}")
        return found, octet

    while octet := read():
        txnr, _ = take(DIGITS, 9, b" ", octet)
        name, _ = take(LETTERS, 32, b" ", read())
        length, octet = take(DIGITS, 9, b" \n", read())
        data = b""
        if int(length):
            if octet != b" ":
                raise BreachError("no space before the data")
            data = b"".join(read() for _ in range(int(length)))
            octet = read()
        if octet != b"\n":
            raise BreachError(f"{octet!r} in place of the line feed")
        yield Command(int(txnr), name, data)


class RelpServer(Peer):
    """A server for the length of a block; each connection is a session of its own.

    Args:
        answer: Returns the data of the answer to a message, given the message and how many came
            before it, over all sessions; ``None`` for no answer. The message is stored before.
        accepted: The data of the answer to ``open``.
        greeting: What to send before that answer.
        receive_bytes: The size of the socket's buffers; 0 for the system's.
        port: Where it listens; 0 chooses a free port.

    Attributes:
        messages: The messages that have come, over all sessions.
        commands: The names of the commands that have come.
        sessions: How many sessions were opened.
        breaches: The rules that a client has broken.
    """

    def __init__(
        self,
        answer: Callable[[int, bytes], bytes | None] = lambda count, message: OK,
        *,
        accepted: bytes = ACCEPTED,
        greeting: bytes = b"",
        receive_bytes: int = 0,
        port: int = 0,
    ) -> None:
        super().__init__(port)
        self._answer = answer
        self._accepted = accepted
        self._greeting = greeting
        self._receive_bytes = receive_bytes
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self.messages: list[bytes] = []
        self.commands: list[bytes] = []
        self.sessions = 0
        self.breaches: list[str] = []

    def begin(self, connection: socket.socket) -> None:
        self.start(super().begin, connection)

    def treat(self, connection: socket.socket) -> None:
        if self._receive_bytes:
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                connection.setsockopt(socket.SOL_SOCKET, option, self._receive_bytes)
        self._open.append(connection)
        with connection.makefile("rb") as stream:
            try:
                for place, command in enumerate(read_commands(lambda: stream.read(1)), 1):
                    self._obey(connection, place, command)
            except BreachError as breach:
                self.breaches.append(str(breach))
            except BreakError:
                reset_on_close(connection)

    def _obey(self, connection: socket.socket, place: int, command: Command) -> None:
        self.commands.append(command.name)
        if command.txnr != place:
            raise BreachError(f"the transaction number {command.txnr} in place of {place}")
        if (command.name == b"open") != (place == 1):
            raise BreachError(f"{command.name!r} at place {place}")
        data: bytes | None = b""
        if command.name == b"open":
            if b"relp_version=" not in command.data or b"commands=syslog" not in command.data:
                raise BreachError(f"the offers {command.data!r}")
            self.sessions += 1
            connection.sendall(self._greeting)
            data = self._accepted
        elif command.name == b"syslog":
            with self._lock:
                count = len(self.messages)
                self.messages.append(command.data)
            data = self._answer(count, command.data)
        elif command.name != b"close":
            raise BreachError(f"the command {command.name!r}")
        if data is not None:
            space = b" " if data else b""
            connection.sendall(b"%d rsp %d%b%b\n" % (command.txnr, len(data), space, data))

    def say(self, data: bytes) -> bool:
        """Send bytes to each client that is still there; return whether there is one."""
        found = False
        for connection in self._open:
            with suppress(OSError):
                connection.sendall(data)
                found = True
        return found

    def hang_up(self) -> None:
        """End all connections; with a reset, if something is unread."""
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __exit__(self, *arguments: object) -> None:
        self.hang_up()
        super().__exit__(*arguments)

    def reset(self) -> None:
        """What ``answer`` calls to end the connection with a reset.

        Raises:
            BreakError: Always.
        """
        raise BreakError
