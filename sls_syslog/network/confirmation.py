"""When what was sent counts as delivered: the states of a transport, and the levels of proof.

It must not open or close the connection that sends logs: ``stream.py`` does.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from sls_syslog.errors import ConnectError
from sls_syslog.network.connection import Connection
from sls_syslog.network.deadline import Deadline, Stop
from sls_syslog.network.destination import Destination
from sls_syslog.network.half_close import LEVEL_BY_ANSWER, UNANSWERED, Answer
from sls_syslog.network.tcp import TELLS_ACKNOWLEDGED
from sls_syslog.settings.client import ClientSettings

__all__ = ["TRANSITIONS", "Confirmation", "Event", "Proof", "State"]


class State(Enum):
    """What a transport can be in."""

    IDLE = "no connection, and nothing in doubt"
    OPEN = "a connection, and nothing in doubt"
    IN_DOUBT = "a connection, over which something was sent that is not confirmed"
    BROKEN = "no connection, and what was sent over the last one is not confirmed"


class Event(Enum):
    """What can happen to a transport."""

    CONNECTED = "a connection was made"
    SENT = "something was, or may have been, sent"
    CONFIRMED = "the receiver has everything"
    ENDED = "the connection has ended"
    TOLD = "the sender got an error: everything is in doubt, and it will send all again"
    CLOSED = "the sender has closed the transport and forgets what is in doubt"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.IDLE, Event.CONNECTED): State.OPEN,
    (State.IDLE, Event.ENDED): State.IDLE,
    (State.IDLE, Event.TOLD): State.IDLE,
    (State.OPEN, Event.SENT): State.IN_DOUBT,
    (State.OPEN, Event.ENDED): State.IDLE,
    (State.IN_DOUBT, Event.SENT): State.IN_DOUBT,
    (State.IN_DOUBT, Event.CONFIRMED): State.OPEN,
    (State.IN_DOUBT, Event.ENDED): State.BROKEN,
    (State.BROKEN, Event.ENDED): State.BROKEN,
    (State.BROKEN, Event.TOLD): State.IDLE,
    **{(state, Event.CLOSED): State.IDLE for state in State},
}
"""The state after an event. An event that has no row here must not happen in that state."""


class Proof(Enum):
    """The result of a request for confirmation."""

    NOT_YET = "it is not known yet"
    GIVEN = "the receiver has everything, and the connection stays open"
    GIVEN_BY_END = "the receiver has everything, and both sides have ended the connection"


class Confirmation:
    """Finds out whether a receiver has what was sent over a connection.

    Args:
        settings: The level of confirmation, and deadlines.
        destination: What is known about the receiver; this class adds to it.
        stop: Ends every wait when requested.
        connect: Makes a second connection, over which nothing will be sent.
    """

    def __init__(
        self,
        settings: ClientSettings,
        destination: Destination,
        stop: Stop,
        connect: Callable[[], Connection],
    ) -> None:
        self._settings = settings
        self._destination = destination
        self._stop = stop
        self._connect = connect

    @property
    def level(self) -> str:
        """The level in use; for ``auto``, the level for what is known about the receiver."""
        if self._settings.confirm != "auto":
            return self._settings.confirm
        return LEVEL_BY_ANSWER[self._destination.half_close.known]

    def prove(self, connection: Connection) -> Proof:
        """Find out whether the receiver has everything that was sent over a connection.

        Raises:
            OSError: If the receiver may lack something; the connection cannot be used again.
        """
        return _LEVELS[self.level](self, connection)

    def learn_answer(self) -> None:
        """Learn whether the receiver answers half-closes, before logs depend on an answer."""
        if self._settings.confirm == "auto":
            self._destination.half_close.probe_if_unknown(self._probe)

    def _prove_written(self, connection: Connection) -> Proof:
        connection.drain()
        return Proof.GIVEN

    def _prove_acked(self, connection: Connection) -> Proof:
        if not TELLS_ACKNOWLEDGED:
            self._destination.warn_once("acked", _NO_ACKNOWLEDGEMENTS)
        connection.await_acknowledgement(self._make_deadline())
        if self._settings.confirm == "auto":
            self._destination.half_close.probe_again(self._probe)
        return Proof.GIVEN

    def _prove_held(self, connection: Connection) -> Proof:
        """Prove as ``acked`` does, but answer ``NOT_YET`` until the receiver is known to read.

        Raises:
            TimeoutError: If this system can never show that the receiver reads.
        """
        self._prove_acked(connection)
        has_been_read = connection.has_been_read()
        if has_been_read is None:  # it will never be known, so do not fill the window
            raise TimeoutError(UNANSWERED)
        if has_been_read and self.level == "held":
            self._destination.half_close.judge_reading(self._probe)
        return Proof.GIVEN if self.level == "acked" else Proof.NOT_YET

    def _prove_consumed(self, connection: Connection) -> Proof:
        half_close = self._destination.half_close
        if self._settings.confirm == "auto" and half_close.known is Answer.UNKNOWN:
            self._wait_or_probe(connection)
        if self.level == "consumed":
            connection.finish(self._make_deadline())
            half_close.mark_answered()
        elif self.level == "held" or connection.count_unacknowledged():
            raise TimeoutError(UNANSWERED)
        return Proof.GIVEN_BY_END

    def _wait_or_probe(self, connection: Connection) -> None:
        """Give an unknown receiver time to answer the half-close, and then probe it."""
        patience = min(self._settings.timeout, self._destination.timings.half_close_patience)
        try:
            connection.finish(Deadline(patience, self._stop))
        except TimeoutError:
            if not self._stop.requested:
                self._destination.half_close.probe_if_unknown(self._probe)

    def _probe(self) -> Answer:
        """Half-close a second connection, over which nothing was sent, and wait for the answer.

        A process that completes a TLS handshake is alive. Over plain TCP, silence proves nothing:
        the kernel accepts connections even if the process hangs.
        """
        try:
            probe = self._connect()
        except ConnectError:
            return Answer.UNKNOWN
        try:
            probe.finish(Deadline(self._destination.timings.half_close_probe, self._stop))
        except TimeoutError:
            if self._stop.requested:
                return Answer.UNKNOWN
            return Answer.NONE if self._settings.protocol == "tls" else Answer.DOUBTED
        except OSError:
            return Answer.UNKNOWN  # a reset or an alert does not say that it read everything
        finally:
            probe.close()
        return Answer.GIVEN

    def _make_deadline(self) -> Deadline:
        return Deadline(self._settings.timeout, self._stop)


_NO_ACKNOWLEDGEMENTS = (
    "this system does not tell what was acknowledged, so 'acked' proves no more than 'written'"
)

_LEVELS: dict[str, Callable[[Confirmation, Connection], Proof]] = {
    "written": Confirmation._prove_written,
    "acked": Confirmation._prove_acked,
    "held": Confirmation._prove_held,
    "consumed": Confirmation._prove_consumed,
}
