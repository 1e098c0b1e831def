"""``StreamTransport``: one connection at a time to one receiver, over TCP or TLS.

It connects when there is something to send, and never waits beyond a deadline. Every ``OSError``
becomes an error of this library and is raised. This module must not know syslog.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sls_syslog.network.base import ConnectedTransport, join_chunks
from sls_syslog.network.confirmation import Confirmation, Event, Proof, State
from sls_syslog.network.connection import Connection
from sls_syslog.network.deadline import Deadline, Stop
from sls_syslog.network.destination import Destination
from sls_syslog.network.dial import open_stream
from sls_syslog.network.resolver import Address
from sls_syslog.network.sentinel import Sentinel
from sls_syslog.settings.client import ClientSettings

__all__ = ["StreamTransport"]


class StreamTransport(ConnectedTransport[Connection]):
    """TCP, with or without TLS. Its arguments are those of ``BaseTransport``."""

    def __init__(
        self,
        settings: ClientSettings,
        destination: Destination,
        stop: Stop,
        connect_seconds: float,
    ) -> None:
        super().__init__(settings, destination, stop, connect_seconds)
        # Beside the connection; after that has ended, the next one.
        self._sentinel: Sentinel | None = None
        self._rests_since = -math.inf
        self._confirmation = Confirmation(settings, destination, stop, self._dial, self._guard)
        self._is_watched = False  # whether the last confirmation was

    @property
    def level(self) -> str:
        """The level of confirmation in use."""
        return self._confirmation.level

    @property
    def trail(self) -> float:
        """Seconds for which the connection must stand after a confirmation."""
        return self._confirmation.trail

    def send(self, frames: Iterable[bytes]) -> None:
        """Hand all frames to this machine's kernel; they are not confirmed yet.

        Raises:
            ConnectError: If there is no connection before the deadline.
            SendError: If the receiver closes or resets the connection, or reads nothing for
                ``timeout`` seconds. Everything since the last confirmation is then in doubt.
        """
        for chunk in join_chunks(frames):
            connection, now = self._connection, time.monotonic()
            if connection is None or now >= connection.look_at or self._state is not State.IN_DOUBT:
                connection = self._ensure_connection()
            try:
                self._note(Event.BEGUN)
                if rest := connection.send_at_once(chunk, now):
                    connection.send(rest, self._make_deadline())
                self._note(Event.SENT)
            except BaseException:
                # Only after an error: to enter these takes longer than to send a message.
                with self._end_on_error(), self._raise_send_errors():
                    raise

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
        if self._state is State.BROKEN:
            self._raise_unconfirmed(level)
        try:
            return self._prove()
        except OSError as error:
            self._raise_unconfirmed(level, error)

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
        self._raise_if_broken()
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
            connection.flush()
            # `written` and `acked` have no other check of how plain text is taken. `Evidence`
            # checks once more: for TLS and for probes it is the only check.
            if self._settings.protocol == "tcp":
                connection.await_refusal(self._make_deadline())
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
        super()._use(connection)
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
            self._settings,
            deadline,
            self._destination,
            await_refusal=False,
            address=address,
        )

    def _open(self) -> Connection:
        return self._take_over() or self._dial()

    def _replace(self) -> None:
        with self._with_standby(True):
            self._end()

    def _take_over(self) -> Connection | None:
        """Take the silent connection, if it is not idle for too long."""
        sentinel, self._sentinel = self._sentinel, None
        return None if sentinel is None else sentinel.take_over(self._settings.idle_seconds)

    def _dial(self) -> Connection:
        deadline = Deadline(self._connect_seconds, self._stop)
        # `consumed` notices a refusal itself.
        await_refusal = self._confirmation.level != "consumed"
        return open_stream(self._settings, deadline, self._destination, await_refusal=await_refusal)
