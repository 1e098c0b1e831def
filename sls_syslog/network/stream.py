"""``StreamTransport``: one connection at a time to one receiver, over TCP or TLS.

It connects when there is something to send, never waits beyond a deadline, and raises: no error
is swallowed, and every ``OSError`` becomes an error of this library. It knows nothing of syslog.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

from sls_syslog.errors import ConnectError, SendError, UnconfirmedError
from sls_syslog.network.confirmation import TRANSITIONS, Confirmation, Event, Proof, State
from sls_syslog.network.connection import Connection
from sls_syslog.network.deadline import Deadline, Stop
from sls_syslog.network.destination import Destination
from sls_syslog.network.dial import open_stream, translate_errors
from sls_syslog.network.explain import explain
from sls_syslog.network.resumption import Resumption
from sls_syslog.settings.client import ClientSettings

__all__ = ["StreamTransport"]

# Bytes per `send()`; larger chunks are no faster.
_CHUNK_BYTES = 256 * 1024
# How long one confirmed delivery proves that the receiver reads plain text, in seconds: somebody
# may configure it for TLS at any time.
_PROOF_SECONDS = 10.0
_HAS_BROKEN = "the connection has broken"


class StreamTransport:
    """TCP, with or without TLS; ``TRANSITIONS`` has its states.

    Args:
        settings: Where to, trust, deadlines, and the level of confirmation.
        destination: What this process knows of the receiver.
        stop: Ends every wait when requested.
        connect_seconds: The deadline of resolving, connecting and handshake together.
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
        self._resumption = Resumption()
        self._confirmation = Confirmation(settings, destination, stop, self._dial)
        self._is_watched = False  # as the last confirmation was
        self._proven_until = -math.inf  # until when the receiver counts as one that reads

    @property
    def state(self) -> State:
        """Whether there is a connection, and whether what was sent is confirmed."""
        return self._state

    @property
    def destination(self) -> Destination:
        """What this process knows of the receiver."""
        return self._destination

    def connect(self) -> None:
        """Make a connection where there is none.

        Raises:
            ConnectError: If there is none before the deadline.
            SendError: If one has broken, and what went over it was not confirmed.
        """
        self._ensure_connection()

    def send(self, frames: Iterable[bytes]) -> None:
        """Send all frames; afterwards this machine's kernel has them, and nothing is confirmed.

        Raises:
            ConnectError: If there is no connection before the deadline.
            SendError: If the receiver closes, resets, or takes nothing for ``timeout`` seconds;
                everything since the last confirmation is then in doubt.
        """
        for chunk in _join_chunks(frames):
            connection = self._ensure_connection()
            self._note(Event.SENT)
            with self._end_on_error(), self._raise_send_errors():
                connection.send(chunk, Deadline(self._settings.timeout, self._stop))

    def confirm(self, *, watched: bool = False) -> bool:
        """Find out whether the receiver has all that was sent since the last confirmation.

        Args:
            watched: Make the next connection before this one ends.

        Returns:
            ``False`` when that cannot be known yet: the receiver leaves half-closes
            unanswered, and may hang or not (see ``half_close``). Go on sending, ask again.

        Raises:
            UnconfirmedError: If it is not known to have everything; send it again. This is
                raised once.
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
        self._note(Event.TOLD)
        raise UnconfirmedError(self._settings.destination, level, problem) from cause

    def watch(self) -> None:
        """See whether the receiver is still there, connecting where there is no connection.

        Raises:
            ConnectError: If there is no connection before the deadline.
            SendError: If the receiver has ended the connection that there was.
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
        """End the connection if it has rested, or lived, for longer than the settings allow.

        What went over it is confirmed first; where that cannot be known yet, it stays.

        Raises:
            SendError: If the receiver is not known to have everything.
        """
        if self._state is State.BROKEN:
            problem = f"{_HAS_BROKEN}, and what went over it was not confirmed"
            raise SendError(self._settings.destination, problem)
        if not self._is_due_for_replacement():
            return
        if self._state is State.IN_DOUBT:
            # A half-close that is never answered would leave what was sent in doubt.
            self._confirmation.learn_answer()
            with self._raise_send_errors():
                if not self._prove():
                    return
        self._end()

    def close(self) -> None:
        """End the connection and forget what is unconfirmed; what the kernel has goes out."""
        self._note(Event.CLOSED)
        self._drop_connection()

    def _note(self, event: Event) -> None:
        self._state = TRANSITIONS[self._state, event]

    def _end(self) -> None:
        """End the connection, if there is one."""
        self._note(Event.ENDED)
        self._drop_connection()

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _prove(self) -> bool:
        """Have everything confirmed that is in doubt.

        Raises:
            OSError: If the receiver is not known to have it; the connection has ended.
        """
        connection = self._connection
        assert connection is not None  # noqa: S101  # in doubt: see TRANSITIONS
        with self._end_on_error():
            ends = self._confirmation.level == "consumed"
            with self._with_standby(self._is_watched and ends):
                self._await_refusal(connection)
                proof = self._confirmation.prove(connection)
                self._proven_until = time.monotonic() + _PROOF_SECONDS
                if proof is not Proof.NOT_YET:
                    self._note(Event.CONFIRMED)
                if proof is Proof.GIVEN_BY_END:
                    self._end()
        return proof is not Proof.NOT_YET

    def _is_due_for_replacement(self) -> bool:
        """Whether it is time for a new connection, before somebody on the way ends this one."""
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
            self._end()
            self._expire_proof()
            raise

    def _raise_send_errors(self) -> AbstractContextManager[None]:
        return translate_errors(SendError, self._settings, proven=self._has_worked)

    @property
    def _has_worked(self) -> bool:
        return self._proven_until > -math.inf

    def _expire_proof(self) -> None:
        """Let nothing be taken for proven: somebody may have configured the receiver again."""
        self._proven_until = min(self._proven_until, 0.0)

    def _await_refusal(self, connection: Connection) -> None:
        """Let a receiver that speaks TLS on this port end what it cannot read.

        It may do so just as one that has read everything does: syslog-ng.
        """
        if self._settings.protocol == "tcp" and time.monotonic() > self._proven_until:
            connection.await_refusal(Deadline(self._settings.timeout, self._stop))

    @contextmanager
    def _with_standby(self, is_wanted: bool) -> Iterator[None]:
        """Have a second connection, if wanted, that takes over when the one in use ends."""
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

    def _ensure_connection(self) -> Connection:
        """The connection that there is, or a new one where that loses nothing.

        Raises:
            ConnectError: If there is none before the deadline.
            SendError: If one has broken, and what went over it was not confirmed.
        """
        self.retire()
        if self._state is State.OPEN and self._connection is not None:
            try:
                self._connection.drain()
            except OSError:
                self._end()  # everything was confirmed: nothing is lost by its end
                self._expire_proof()
        if self._connection is None:
            self._use(self._dial())
        assert self._connection is not None  # noqa: S101  # just made
        return self._connection

    def _dial(self) -> Connection:
        deadline = Deadline(self._connect_seconds, self._stop)
        # `consumed` notices a refusal itself.
        await_refusal = self._confirmation.level != "consumed"
        try:
            return open_stream(
                self._settings, deadline, self._resumption, await_refusal=await_refusal
            )
        except ConnectError:
            self._expire_proof()
            raise


def _join_chunks(frames: Iterable[bytes]) -> Iterator[bytes]:
    """Join frames to chunks that are worth a system call each."""
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
