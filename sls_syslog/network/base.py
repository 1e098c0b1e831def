"""What transports to one receiver have in common; ``transport.py`` has their interface.

This module must not know how a confirmation is proven.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Generic, NoReturn, TypeVar

from sls_syslog.errors import SendError, UnconfirmedError
from sls_syslog.network.confirmation import TRANSITIONS, Event, State
from sls_syslog.network.connection import Connection
from sls_syslog.network.deadline import Deadline, Stop
from sls_syslog.network.destination import Destination
from sls_syslog.network.dial import translate_errors
from sls_syslog.network.explain import explain
from sls_syslog.settings.client import ClientSettings

__all__ = ["BaseTransport", "ConnectedTransport", "join_chunks", "take_chunks"]

# Bytes per `send()`; larger chunks are no faster.
_CHUNK_BYTES = 256 * 1024
_HAS_BROKEN = "the connection has broken"

_Connection = TypeVar("_Connection", bound=Connection)


class BaseTransport:
    """A transport to one receiver.

    Args:
        settings: The receiver, trust, deadlines, and the level of confirmation.
        destination: What this process knows about the receiver.
        stop: Ends every wait when requested.
        connect_seconds: Time limit in seconds for all that ``connect`` does: resolving,
            connecting, the handshake and the opening of a session together.
    """

    def __init__(
        self,
        settings: ClientSettings,
        destination: Destination,
        stop: Stop,
        connect_seconds: float,
    ) -> None:
        self._settings = settings
        self._destination = destination
        self._stop = stop
        self._connect_seconds = connect_seconds
        self._state = State.IDLE

    @property
    def state(self) -> State:
        """Whether there is a connection, and whether what was sent is confirmed."""
        return self._state

    @property
    def destination(self) -> Destination:
        """What this process knows about the receiver."""
        return self._destination

    @property
    def acknowledged(self) -> int:
        """Always 0: single messages are not acknowledged."""
        return 0

    @property
    def trail(self) -> float:
        """Always 0: what is confirmed is safe."""
        return 0.0


class ConnectedTransport(BaseTransport, ABC, Generic[_Connection]):
    """One connection at a time to one receiver; ``TRANSITIONS`` has its states.

    An exception may come at any line, so the order of the lines around ``_note`` matters.
    """

    _connection: _Connection | None = None
    _has_worked = False  # whether the receiver is known to take our protocol

    def connect(self) -> None:
        """Connect, unless there is a connection.

        Raises:
            ConnectError: If there is no connection before the deadline.
            SendError: If a connection has broken before everything on it was confirmed.
        """
        self._ensure_connection()

    def watch(self) -> None:
        """Check that the receiver is still there; connect if there is no connection.

        Raises:
            ConnectError: If there is no connection before the deadline.
            SendError: If the receiver has ended the connection.
        """
        if self._connection is None:
            self.connect()
            return
        with self._end_on_error(), self._raise_send_errors():
            self._connection.drain()
        if self._state is State.OPEN and self._is_due_for_replacement():
            self._replace()

    @abstractmethod
    def retire(self) -> None:
        """Close the connection if it was idle or open for longer than the settings allow."""

    def close(self) -> None:
        """Close the connection and forget what is unconfirmed; the kernel sends what it has."""
        self._note(Event.CLOSED)
        self._drop_connection()

    @abstractmethod
    def _open(self) -> _Connection:
        """Open the connection that the next frames go over."""

    @abstractmethod
    def _replace(self) -> None:
        """Replace the connection; keep one open at all times, so that its end reveals a crash."""

    @abstractmethod
    def _drop_connection(self) -> None:
        """Close the connection, if there is one; the state stays."""

    def _note(self, event: Event) -> None:
        self._state = TRANSITIONS[self._state, event]

    def _end(self) -> None:
        """Close the connection, if there is one."""
        self._note(Event.ENDED)
        self._drop_connection()

    def _use(self, connection: _Connection) -> None:
        self._connection = connection
        self._note(Event.CONNECTED)

    def _ensure_connection(self) -> _Connection:
        """Return the connection, or a new one if that loses nothing.

        Raises:
            ConnectError: If there is no connection before the deadline.
            SendError: If a connection has broken before everything on it was confirmed.
        """
        self.retire()
        if self._state is State.OPEN and self._connection is not None:
            try:
                self._connection.drain()
            except OSError:
                self._end()  # loses nothing: everything was confirmed
        if self._connection is None:
            self._use(self._open())
        assert self._connection is not None  # noqa: S101  # just made
        return self._connection

    def _is_due_for_replacement(self) -> bool:
        """Whether to replace the connection before a firewall or load balancer ends it."""
        connection, settings = self._connection, self._settings
        return connection is not None and (
            0 < settings.idle_seconds < connection.idle
            or 0 < settings.max_connection_seconds < connection.age
        )

    @contextmanager
    def _end_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._destination.sentinels.renew()
            self._end()
            raise

    def _raise_send_errors(self) -> AbstractContextManager[None]:
        return translate_errors(SendError, self._settings, proven=self._has_worked)

    def _raise_if_broken(self) -> None:
        """Raise the error of a broken connection: until ``confirm`` is called, nothing is sent.

        Raises:
            SendError: If a connection has broken before everything on it was confirmed.
        """
        if self._state is State.BROKEN:
            self._drop_connection()
            problem = f"{_HAS_BROKEN}, and what was sent over it was not confirmed"
            raise SendError(self._settings.destination, problem)

    def _raise_unconfirmed(self, level: str, cause: OSError | None = None) -> NoReturn:
        """Tell the sender, once, that the receiver may lack something.

        Args:
            level: The level of confirmation that was not reached.
            cause: What has broken the connection; ``None`` if it was broken before.

        Raises:
            UnconfirmedError: Always.
        """
        problem = _HAS_BROKEN
        if cause is not None:
            problem = explain(cause, self._settings, proven=self._has_worked)
        try:
            raise UnconfirmedError(self._settings.destination, level, problem) from cause
        finally:
            self._note(Event.TOLD)  # last: if an interrupt comes before, the error is raised again

    def _make_deadline(self) -> Deadline:
        return Deadline(self._settings.timeout, self._stop)


def join_chunks(frames: Iterable[bytes]) -> Iterable[bytes]:
    """Join frames to chunks, each large enough for one system call."""
    if isinstance(frames, tuple) and len(frames) == 1:
        return frames
    return map(b"".join, take_chunks(frames))


def take_chunks(frames: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Take frames in chunks, each large enough for one system call."""
    chunk: list[bytes] = []
    size = 0
    for frame in frames:
        chunk.append(frame)
        size += len(frame)
        if size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
