"""``RelpTransport``: RELP over TCP or TLS, where the receiver acknowledges each message.

A message counts as delivered when the receiver has said so, and for no other reason. This module
must not know syslog.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from itertools import islice
from typing import Any

from sls_syslog.errors import SendError, UnconfirmedError
from sls_syslog.network.confirmation import TRANSITIONS, Event, State
from sls_syslog.network.connection import Connection
from sls_syslog.network.deadline import Deadline, Stop
from sls_syslog.network.destination import Destination
from sls_syslog.network.dial import open_stream, translate_errors
from sls_syslog.network.explain import explain
from sls_syslog.network.relp_codec import RelpError
from sls_syslog.network.relp_session import RelpSession
from sls_syslog.network.resolver import Address
from sls_syslog.network.resumption import Resumption
from sls_syslog.network.tcp import READ
from sls_syslog.settings.client import ClientSettings

__all__ = ["RelpConnection", "RelpTransport", "open_relp"]

# Bytes per `send()`, as in `StreamTransport`.
_CHUNK_BYTES = 256 * 1024
# Seconds to wait for the answer to our `close`. It only saves the receiver a line in its log:
# nothing is in flight any more.
_CLOSE_SECONDS = 1.0
_HAS_BROKEN = "the connection has broken"


class RelpConnection(Connection):
    """A connection over which a RELP session is open.

    Its arguments are those of ``Connection``. The deadline is for the session too.

    Attributes:
        session: What was sent and answered. Whatever is read goes to it.

    Raises:
        OSError: As ``Connection`` does, or if the receiver does not accept the session.
    """

    def __init__(self, address: Address, deadline: Deadline, *args: Any) -> None:
        self.session = RelpSession()
        super().__init__(address, deadline, *args)
        try:
            self.send(self.session.open(), deadline)
            self._await(lambda: self.session.is_open, deadline)
        except TimeoutError as error:
            self.close()
            if deadline.is_stopped:
                raise
            raise RelpError(f"{error}: no answer when a RELP session was opened") from error
        except BaseException:
            self.close()
            raise

    def send_messages(self, messages: Sequence[bytes], deadline: Deadline) -> None:
        """Hand messages to the kernel, in frames; wait for answers while the window is full.

        Args:
            messages: The messages.
            deadline: When to give up; renewed by each answer, and by each byte that is accepted.

        Raises:
            OSError: If the connection breaks, or nothing moves for too long.
        """
        sent = 0
        while sent < len(messages):
            frames = self.session.wrap(islice(messages, sent, None))
            self.send(b"".join(frames), deadline)
            sent += len(frames)
            if sent < len(messages):
                has_room = partial(self.session.has_much_room, len(messages[sent]))
                self._await(has_room, deadline)

    def await_answers(self, deadline: Deadline) -> None:
        """Wait until the receiver has answered each message.

        Raises:
            OSError: If the connection breaks, or the deadline passes before.
        """
        self._await(lambda: not self.session.in_flight, deadline)

    def end_session(self, deadline: Deadline) -> None:
        """Tell the receiver that nothing more comes, and wait for its answer.

        Raises:
            OSError: If there is no answer before the deadline.
        """
        self.send(self.session.close(), deadline)
        self._await(lambda: self.session.has_ended, deadline)

    def _await(self, is_done: Callable[[], bool], deadline: Deadline) -> None:
        """Read until something is done; each answer to a message renews the deadline."""
        while not is_done():
            before = self.session.in_flight
            self._wait(READ, deadline)
            self.drain()
            if self.session.in_flight < before:
                deadline.renew()

    @contextmanager
    def _spend_allowance(self) -> Iterator[None]:
        """Spend nothing on a read that brings answers: their number is bounded by the window."""
        before, begun = self.session.in_flight, time.thread_time()
        try:
            yield
        finally:
            if self.session.in_flight == before:
                self._allowance.spend(time.thread_time() - begun)

    def _record(self, received: bytes) -> None:
        """Give what the receiver sends to the session.

        Raises:
            RelpError: If it is no answer to what was sent, or ends the session.
        """
        if self._tls is None:
            super()._record(received)
            answers = received
        else:
            answers = self._tls.decrypt(received)
        self.session.receive(answers)
        if self.session.has_ended and not self.session.is_closing:
            raise RelpError("the receiver has ended the session")


def open_relp(
    settings: ClientSettings, deadline: Deadline, resumption: Resumption
) -> RelpConnection:
    """Connect to a receiver, and open a session.

    Args:
        settings: The receiver, and trust.
        deadline: When to give up resolving, connecting, the handshake and the session together.
        resumption: Keeps the TLS sessions with this receiver.

    Raises:
        ConnectError: If there is no session before the deadline.
        TlsError: If TLS fails.
    """
    # The answer to `open` shows that the receiver accepts our certificate.
    return open_stream(settings, deadline, resumption, RelpConnection, await_refusal=False)


class RelpTransport:
    """RELP, over TCP or TLS; ``TRANSITIONS`` has its states.

    Args:
        settings: The receiver, trust, and deadlines. The level of confirmation changes nothing.
        destination: What this process knows about the receiver.
        stop: Ends every wait when requested.
        connect_seconds: Time limit in seconds for resolving, connecting, the handshake and the
            session together.
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
        self._connection: RelpConnection | None = None
        self._resumption = Resumption(destination.timings)
        self._acknowledged = 0  # of what was sent over a connection that has ended

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
        """Always ``acknowledged``: by the receiver itself."""
        return "acknowledged"

    @property
    def acknowledged(self) -> int:
        """How many of the first frames since the last confirmation the receiver has."""
        if self._connection is not None:
            return self._connection.session.acknowledged
        return self._acknowledged

    @property
    def trail(self) -> float:
        """Always 0: the receiver itself has confirmed."""
        return 0.0

    def connect(self) -> None:
        """Connect, unless there is a connection.

        Raises:
            ConnectError: If there is no connection before the deadline.
            SendError: If a connection has broken before everything on it was confirmed.
        """
        self._ensure_connection()

    def send(self, frames: Iterable[bytes]) -> None:
        """Send each frame as a message; wait for answers while too many have none.

        Raises:
            ConnectError: If there is no connection before the deadline.
            MessageTooLongError: If a frame is larger than RELP can carry.
            SendError: If the connection breaks, the receiver answers nothing for ``timeout``
                seconds, or it refuses a message. ``acknowledged`` says what it has.
        """
        for chunk in _take_chunks(frames):
            connection = self._ensure_connection()
            with self._end_on_error(), self._raise_send_errors():
                self._note(Event.BEGUN)
                connection.send_messages(chunk, self._make_deadline())
                self._note(Event.SENT)
            self._check_refusal(connection)

    def confirm(self, *, watched: bool = False) -> bool:
        """Wait until the receiver has acknowledged every message.

        Args:
            watched: Changes nothing: the connection stays open anyway.

        Returns:
            Always ``True``.

        Raises:
            UnconfirmedError: If the receiver may lack something. This error is raised once.
            SendError: If the receiver has refused a message, instead. It is raised once as well.
        """
        if self._state in {State.IDLE, State.OPEN}:
            return True
        problem: str = _HAS_BROKEN
        cause: OSError | None = None
        if self._state is State.IN_DOUBT:
            try:
                self._prove()
            except SendError:
                self._note(Event.TOLD)
                raise
            except OSError as error:
                problem, cause = explain(error, self._settings, proven=True), error
            else:
                return True
        try:
            raise UnconfirmedError(self._settings.destination, "consumed", problem) from cause
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
            # A connection at all times, so that its end reveals a crash.
            standby = self._dial()
            self._end_in_order()
            self._use(standby)

    def retire(self) -> None:
        """Close the connection if it was idle or open for longer than the settings allow.

        Wait first for the answers to what was sent over it.

        Raises:
            SendError: If the receiver may lack something.
        """
        if self._state in {State.IDLE, State.BROKEN}:
            self._drop_connection()  # there is one only if an interrupt has come in between
        if self._state is State.BROKEN:
            problem = f"{_HAS_BROKEN}, and what was sent over it was not confirmed"
            raise SendError(self._settings.destination, problem)
        if not self._is_due_for_replacement():
            return
        if self._state is State.IN_DOUBT:
            with self._raise_send_errors():
                self._prove()
        self._end_in_order()

    def close(self) -> None:
        """Close the connection and forget what is unconfirmed."""
        if self._state is State.OPEN:
            self._end_in_order()
        self._note(Event.CLOSED)
        self._drop_connection()
        self._acknowledged = 0

    def _note(self, event: Event) -> None:
        self._state = TRANSITIONS[self._state, event]

    def _end(self) -> None:
        """Close the connection, if there is one."""
        self._note(Event.ENDED)
        self._drop_connection()

    def _end_in_order(self) -> None:
        """End the session, with nothing in flight, and close the connection."""
        connection = self._connection
        try:
            if connection is not None:
                with suppress(OSError):  # nothing is in doubt
                    connection.end_session(Deadline(_CLOSE_SECONDS, self._stop))
        finally:
            self._end()

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._acknowledged = connection.session.acknowledged
            connection.close()

    def _prove(self) -> None:
        """Confirm everything that is in doubt, by waiting for all answers.

        Raises:
            OSError: If they do not come; the connection is closed then.
            SendError: If one of them is a refusal; the connection is closed then as well.
        """
        connection = self._connection
        assert connection is not None  # noqa: S101  # in doubt: see TRANSITIONS
        with self._end_on_error():
            self._note(Event.BEGUN)
            connection.await_answers(self._make_deadline())
            self._check_refusal(connection)
            connection.session.start_count()
            self._note(Event.CONFIRMED)

    def _check_refusal(self, connection: RelpConnection) -> None:
        """Check that the receiver has refused no message.

        Raises:
            SendError: If it has. Only ``confirm`` or ``close`` ends this.
        """
        if connection.session.refusal:
            problem = f"the receiver refuses a message: it answered {connection.session.refusal}"
            raise SendError(self._settings.destination, problem)

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
            self._end()
            raise

    def _raise_send_errors(self) -> AbstractContextManager[None]:
        return translate_errors(SendError, self._settings)

    def _use(self, connection: RelpConnection) -> None:
        self._connection = connection
        self._note(Event.CONNECTED)

    def _ensure_connection(self) -> RelpConnection:
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
            self._acknowledged = 0
            self._use(self._dial())
        assert self._connection is not None  # noqa: S101  # just made
        self._check_refusal(self._connection)
        return self._connection

    def _dial(self) -> RelpConnection:
        return open_relp(
            self._settings, Deadline(self._connect_seconds, self._stop), self._resumption
        )

    def _make_deadline(self) -> Deadline:
        return Deadline(self._settings.timeout, self._stop)


def _take_chunks(frames: Iterable[bytes]) -> Iterator[list[bytes]]:
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
