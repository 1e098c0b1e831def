"""``RelpTransport``: RELP over TCP or TLS, where the receiver acknowledges each message.

A message counts as delivered when the receiver has said so, and for no other reason. This module
must not know syslog.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from sls_syslog.errors import SendError
from sls_syslog.network.base import ConnectedTransport, take_chunks
from sls_syslog.network.confirmation import Event, State
from sls_syslog.network.deadline import Deadline
from sls_syslog.network.relp_connection import RelpConnection, open_relp

__all__ = ["RelpTransport"]

# Seconds to wait for the answer to our `close`. It only saves the receiver a line in its log:
# nothing is in flight any more.
_CLOSE_SECONDS = 1.0


class RelpTransport(ConnectedTransport[RelpConnection]):
    """RELP, over TCP or TLS.

    Its arguments are those of ``BaseTransport``. The level of confirmation changes nothing.
    """

    _has_worked = True  # else no session could be opened
    _acknowledged = 0  # of what was sent over a connection that has ended

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

    def send(self, frames: Iterable[bytes]) -> None:
        """Send each frame as a message; wait for answers while too many have none.

        Raises:
            ConnectError: If there is no connection before the deadline.
            MessageTooLongError: If a frame is larger than RELP can carry.
            SendError: If the connection breaks, the receiver answers nothing for ``timeout``
                seconds, or it refuses a message. ``acknowledged`` says what it has.
        """
        for chunk in take_chunks(frames):
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
        if self._state is State.BROKEN:
            self._raise_unconfirmed("consumed")
        try:
            self._prove()
        except SendError:
            self._note(Event.TOLD)
            raise
        except OSError as error:
            self._raise_unconfirmed("consumed", error)
        return True

    def retire(self) -> None:
        """Close the connection if it was idle or open for longer than the settings allow.

        Wait first for the answers to what was sent over it.

        Raises:
            SendError: If the receiver may lack something.
        """
        if self._state is State.IDLE:
            self._drop_connection()  # there is one only if an interrupt has come in between
        self._raise_if_broken()
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
        super().close()
        self._acknowledged = 0

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

    def _ensure_connection(self) -> RelpConnection:
        connection = super()._ensure_connection()
        self._check_refusal(connection)
        return connection

    def _open(self) -> RelpConnection:
        self._acknowledged = 0
        return self._dial()

    def _replace(self) -> None:
        standby = self._dial()
        self._end_in_order()
        self._use(standby)

    def _dial(self) -> RelpConnection:
        deadline = Deadline(self._connect_seconds, self._stop)
        return open_relp(self._settings, deadline, self._destination)
