"""``StreamTransport``: one connection at a time to one receiver, over TCP or TLS.

It connects when there is something to send, and never waits beyond a deadline. Every ``OSError``
becomes an error of this library and is raised. This module must not know syslog.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

from sls_syslog.errors import SendError, UnconfirmedError
from sls_syslog.network.confirmation import TRANSITIONS, Confirmation, Event, Proof, State
from sls_syslog.network.connection import Connection
from sls_syslog.network.deadline import Deadline, Stop
from sls_syslog.network.destination import Destination
from sls_syslog.network.dial import open_stream, translate_errors
from sls_syslog.network.explain import explain
from sls_syslog.network.resolver import Address
from sls_syslog.network.resumption import Resumption
from sls_syslog.network.sentinel import Sentinel
from sls_syslog.settings.client import ClientSettings

__all__ = ["StreamTransport"]

# Bytes per `send()`; larger chunks are no faster.
_CHUNK_BYTES = 256 * 1024
_HAS_BROKEN = "the connection has broken"


class StreamTransport:
    """TCP, with or without TLS; ``TRANSITIONS`` has its states.

    Args:
        settings: The receiver, trust, deadlines, and the level of confirmation.
        destination: What this process knows about the receiver.
        stop: Ends every wait when requested.
        connect_seconds: Time limit in seconds for resolving, connecting and the handshake together.
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
        self._connection: Connection | None = None
        self._resumption = Resumption(destination.timings)
        # Beside the connection; after that has ended, the next one.
        self._sentinel: Sentinel | None = None
        self._rests_since = -math.inf
        self._confirmation = Confirmation(settings, destination, stop, self._dial, self._guard)
        self._is_watched = False  # whether the last confirmation was
        self._has_worked = False

    @property
    def state(self) -> State:
        """Whether there is a connection, and whether what was sent is confirmed."""
        return self._state

    @property
    def destination(self) -> Destination:
        """What this process knows about the receiver."""
        return self._destination

    @property
    def level(self) -> str:
        """The level of confirmation in use."""
        return self._confirmation.level

    @property
    def acknowledged(self) -> int:
        """Always 0: single messages are not acknowledged."""
        return 0

    @property
    def trail(self) -> float:
        """Seconds for which the connection must stand after a confirmation."""
        return self._confirmation.trail

    def connect(self) -> None:
        """Connect, unless there is a connection.

        Raises:
            ConnectError: If there is no connection before the deadline.
            SendError: If a connection has broken before everything on it was confirmed.
        """
        self._ensure_connection()

    def send(self, frames: Iterable[bytes]) -> None:
        """Hand all frames to this machine's kernel; they are not confirmed yet.

        Raises:
            ConnectError: If there is no connection before the deadline.
            SendError: If the receiver closes or resets the connection, or reads nothing for
                ``timeout`` seconds. Everything since the last confirmation is then in doubt.
        """
        for chunk in _join_chunks(frames):
            connection = self._ensure_connection()
            with self._end_on_error(), self._raise_send_errors():
                self._note(Event.BEGUN)
                connection.send(chunk, Deadline(self._settings.timeout, self._stop))
                self._note(Event.SENT)

    def confirm(self, *, watched: bool = False) -> bool:
        """Find out whether the receiver has all that was sent since the last confirmation.

        Args:
            watched: Make the next connection before this one ends.

        Returns:
            ``False`` if this is not known yet: the receiver does not answer half-closes, and
            perhaps it hangs (see ``half_close``). Continue to send, and call this again later.

        Raises:
            UnconfirmedError: If the receiver may lack something; send everything again. This
                error is raised once.
        """
        self._is_watched = watched
        if self._state in {State.IDLE, State.OPEN}:
            return True
        level = self._confirmation.level
        problem: str = _HAS_BROKEN
        cause: OSError | None = None
        if self._state is State.IN_DOUBT:
            try:
                return self._prove()
            except OSError as error:
                problem, cause = explain(error, self._settings, proven=self._has_worked), error
        try:
            raise UnconfirmedError(self._settings.destination, level, problem) from cause
        finally:
            self._note(Event.TOLD)  # last: if an interrupt comes before, the error is raised again

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
            with self._with_standby(True):
                self._end()

    def retire(self) -> None:
        """Close the connection if it was idle or open for longer than the settings allow.

        Confirm first what was sent over it. If the answer is not known yet, keep the connection.

        Raises:
            SendError: If the receiver may lack something.
        """
        if self._state is State.IDLE:
            self._end_connection()  # there is one only if an interrupt has come in between
            if time.monotonic() - self._rests_since > self._destination.timings.sentinel_share:
                self._drop_connection()
        if self._state is State.BROKEN:
            self._drop_connection()
            problem = f"{_HAS_BROKEN}, and what was sent over it was not confirmed"
            raise SendError(self._settings.destination, problem)
        if not self._is_due_for_replacement():
            return
        if self._state is State.IN_DOUBT:
            # If the receiver never answers a half-close, what was sent would stay in doubt.
            self._confirmation.learn_answer()
            with self._raise_send_errors():
                if not self._prove():
                    return
        if self._connection is not None and self.trail:
            # Who ends connections by a reset may end ours before its last bytes are read.
            with self._end_on_error(), self._raise_send_errors():
                seconds = self._destination.timings.prompt_answer
                self._connection.stand(seconds, Deadline(seconds, self._stop))
        self._end()

    def close(self) -> None:
        """Close the connection and forget what is unconfirmed; the kernel sends what it has."""
        self._note(Event.CLOSED)
        self._drop_connection()

    def _note(self, event: Event) -> None:
        self._state = TRANSITIONS[self._state, event]

    def _end(self) -> None:
        """Close the connection, if there is one."""
        self._note(Event.ENDED)
        self._drop_connection()

    def _drop_connection(self) -> None:
        sentinel, self._sentinel = self._sentinel, None
        try:
            self._end_connection()
        finally:
            if sentinel is not None:
                sentinel.leave()

    def _end_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _prove(self) -> bool:
        """Confirm everything that is in doubt.

        Raises:
            OSError: If the receiver may lack something; the connection is closed then.
        """
        connection = self._connection
        assert connection is not None  # noqa: S101  # in doubt: see TRANSITIONS
        needs_standby = self._is_watched and self._will_leave_a_gap()
        with self._end_on_error(), self._with_standby(needs_standby):
            self._note(Event.BEGUN)
            if self._settings.protocol == "tcp":
                connection.await_refusal(Deadline(self._settings.timeout, self._stop))
            proof = self._confirmation.prove(connection, self._sentinel)
            self._note(Event.SENT if proof is Proof.NOT_YET else Event.CONFIRMED)
            self._has_worked = True
            if proof is Proof.GIVEN_BY_END:
                self._note(Event.ENDED)
                self._rests_since = time.monotonic()
                self._end_connection()
        return proof is not Proof.NOT_YET

    def _will_leave_a_gap(self) -> bool:
        """Whether the next proof leaves a moment without a connection."""
        is_alone = self._sentinel is None or self._sentinel.is_shared
        return self._confirmation.level == "consumed" and is_alone

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

    @contextmanager
    def _with_standby(self, is_wanted: bool) -> Iterator[None]:
        """Open a second connection, if wanted; it replaces the one in use when that one ends."""
        standby = self._dial() if is_wanted else None
        try:
            yield
            if self._connection is None and standby is not None:
                self._use(standby)
                standby = None
        finally:
            if standby is not None:
                standby.close()

    def _use(self, connection: Connection) -> None:
        self._connection = connection
        self._note(Event.CONNECTED)
        sentinel, self._sentinel = self._sentinel, None
        if sentinel is not None:
            sentinel.leave()
        if self._confirmation.level == "consumed":
            self._sentinel = self._guard(connection)

    def _guard(self, connection: Connection) -> Sentinel | None:
        """Open a silent connection beside a connection, or share one."""
        sentinels, address = self._destination.sentinels, connection.address
        return sentinels.join(address, lambda: self._open_silent(address))

    def _open_silent(self, address: Address) -> Connection:
        longest = self._destination.timings.sentinel_connect
        deadline = Deadline(min(self._connect_seconds, longest), self._stop)
        return open_stream(
            self._settings, deadline, self._resumption, await_refusal=False, address=address
        )

    def _ensure_connection(self) -> Connection:
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
            self._use(self._take_over() or self._dial())
        assert self._connection is not None  # noqa: S101  # just made
        return self._connection

    def _take_over(self) -> Connection | None:
        """Take the silent connection, if it is not idle for too long."""
        sentinel, self._sentinel = self._sentinel, None
        return None if sentinel is None else sentinel.take_over(self._settings.idle_seconds)

    def _dial(self) -> Connection:
        deadline = Deadline(self._connect_seconds, self._stop)
        # `consumed` notices a refusal itself.
        await_refusal = self._confirmation.level != "consumed"
        return open_stream(self._settings, deadline, self._resumption, await_refusal=await_refusal)


def _join_chunks(frames: Iterable[bytes]) -> Iterator[bytes]:
    """Join frames to chunks, each large enough for one system call."""
    chunk: list[bytes] = []
    size = 0
    for frame in frames:
        chunk.append(frame)
        size += len(frame)
        if size >= _CHUNK_BYTES:
            yield b"".join(chunk)
            chunk, size = [], 0
    if chunk:
        yield b"".join(chunk)
