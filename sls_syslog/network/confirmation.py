"""When what was sent counts as delivered: the states of a transport, and the levels of proof.

It must not open or close the connection that sends logs: ``stream.py`` does.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from enum import Enum

from sls_syslog.errors import ConnectError
from sls_syslog.network.connection import Connection, TalkError
from sls_syslog.network.deadline import Deadline, Stop
from sls_syslog.network.destination import Destination
from sls_syslog.network.evidence import End, Evidence
from sls_syslog.network.half_close import LEVEL_BY_ANSWER, UNANSWERED, Answer
from sls_syslog.network.sentinel import Sentinel
from sls_syslog.network.tcp import TELLS_ACKNOWLEDGED
from sls_syslog.settings.client import ClientSettings

__all__ = ["TRANSITIONS", "Confirmation", "Event", "Proof", "State"]


class State(Enum):
    """What a transport can be in."""

    __hash__ = object.__hash__  # quicker than an Enum's; members are equal only to themselves

    IDLE = "no connection, and nothing in doubt"
    OPEN = "a connection, and nothing in doubt"
    IN_DOUBT = "a connection, over which something was sent that is not confirmed"
    BROKEN = "what was sent is not confirmed, and its connection must not be used again"


class Event(Enum):
    """What can happen to a transport."""

    __hash__ = object.__hash__  # as in State

    CONNECTED = "a connection was made"
    BEGUN = "an operation has begun that leaves a broken connection if it is cut off"
    SENT = "all of a chunk was sent, or the answer is not known yet"
    CONFIRMED = "the receiver has everything"
    ENDED = "the connection has ended"
    TOLD = "the sender got an error: everything is in doubt, and it will send all again"
    CLOSED = "the sender has closed the transport and forgets what is in doubt"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.IDLE, Event.CONNECTED): State.OPEN,
    (State.IDLE, Event.ENDED): State.IDLE,
    (State.IDLE, Event.TOLD): State.IDLE,
    (State.OPEN, Event.BEGUN): State.BROKEN,
    (State.OPEN, Event.ENDED): State.IDLE,
    (State.IN_DOUBT, Event.BEGUN): State.BROKEN,
    (State.IN_DOUBT, Event.ENDED): State.BROKEN,
    (State.BROKEN, Event.SENT): State.IN_DOUBT,
    (State.BROKEN, Event.CONFIRMED): State.OPEN,
    (State.BROKEN, Event.ENDED): State.BROKEN,
    (State.BROKEN, Event.TOLD): State.IDLE,
    **{(state, Event.CLOSED): State.IDLE for state in State},
}
"""The state after an event. An event that has no row here must not happen in that state.

Each operation assumes the worst before it begins, and takes that back when it has worked. So an
exception at any line leaves a state that is true."""


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
        guard: Gets a sentinel for a connection.
    """

    def __init__(
        self,
        settings: ClientSettings,
        destination: Destination,
        stop: Stop,
        connect: Callable[[], Connection],
        guard: Callable[[Connection], Sentinel | None],
    ) -> None:
        self._settings = settings
        self._destination = destination
        self._stop = stop
        self._connect = connect
        self._guard = guard
        self._evidence = Evidence(destination, stop)

    @property
    def level(self) -> str:
        """The level in use; for ``auto``, the level for what is known about the receiver."""
        if self._settings.confirm != "auto":
            return self._settings.confirm
        return LEVEL_BY_ANSWER[self._destination.half_close.known]

    @property
    def trail(self) -> float:
        """Seconds by which a checkpoint must trail behind what is confirmed."""
        is_weak = self._settings.confirm == "auto" and self.level in {"acked", "held"}
        return self._destination.timings.acked_trail if is_weak else 0.0

    def prove(self, connection: Connection, sentinel: Sentinel | None) -> Proof:
        """Find out whether the receiver has everything that was sent over a connection.

        Args:
            connection: The connection.
            sentinel: The silent connection beside it; ``None`` if there is none.

        Raises:
            OSError: If the receiver may lack something; the connection cannot be used again.
        """
        return _LEVELS[self.level](self, connection, sentinel)

    def learn_answer(self) -> None:
        """Learn whether the receiver answers half-closes, before logs depend on an answer."""
        if self._settings.confirm == "auto":
            self._destination.half_close.probe_if_unknown(self._probe)

    def _prove_written(self, connection: Connection, _: Sentinel | None) -> Proof:
        connection.drain()
        return Proof.GIVEN

    def _prove_acked(self, connection: Connection, _: Sentinel | None) -> Proof:
        if not TELLS_ACKNOWLEDGED:
            self._destination.warn_once("acked", _NO_ACKNOWLEDGEMENTS)
        connection.await_acknowledgement(self._make_deadline())
        if self._settings.confirm == "auto":
            self._destination.half_close.probe_again(self._probe)
        return Proof.GIVEN

    def _prove_held(self, connection: Connection, sentinel: Sentinel | None) -> Proof:
        """Prove as ``acked`` does, but answer ``NOT_YET`` until the receiver is known to read.

        Raises:
            TimeoutError: If this system can never show that the receiver reads.
        """
        self._prove_acked(connection, sentinel)
        has_been_read = connection.has_been_read()
        if has_been_read is None:  # it will never be known, so do not fill the window
            raise TimeoutError(UNANSWERED)
        if has_been_read and self.level == "held":
            self._destination.half_close.judge_reading(self._probe)
        return Proof.GIVEN if self.level == "acked" else Proof.NOT_YET

    def _prove_consumed(self, connection: Connection, sentinel: Sentinel | None) -> Proof:
        half_close, timings = self._destination.half_close, self._destination.timings
        seconds = self._settings.timeout
        is_unknown = self._settings.confirm == "auto" and half_close.known is Answer.UNKNOWN
        patience = min(seconds, timings.half_close_patience) if is_unknown else seconds
        try:
            self._await_end(connection, sentinel, patience)
        except TimeoutError as error:
            if not is_unknown or self._stop.requested:
                raise
            half_close.probe_if_unknown(self._probe)
            if self.level == "held" or (
                self.level == "acked" and connection.count_unacknowledged()
            ):
                raise TimeoutError(error if isinstance(error, TalkError) else UNANSWERED) from None
            if self.level == "consumed":
                self._await_end(connection, sentinel, seconds)
        return Proof.GIVEN_BY_END

    def _await_end(self, connection: Connection, sentinel: Sentinel | None, seconds: float) -> None:
        """Half-close, and wait until the receiver ends the connection; learn from how it does.

        Raises:
            TimeoutError: If it does not end it.
            ConnectionResetError: If it ends it by a reset.
            OSError: If its end proves nothing.
        """
        half_close = self._destination.half_close
        try:
            end = self._evidence.await_end(connection, sentinel, seconds)
        except TimeoutError:
            if not self._stop.requested:
                half_close.mark_silent()
            raise
        if end is End.RESET:
            if self._settings.confirm == "auto":
                half_close.probe_reset(self._probe)
            raise ConnectionResetError(errno.ECONNRESET, _RESET)
        half_close.mark_answered()

    def _probe(self) -> Answer:
        """Half-close a second connection, over which nothing was sent, and wait for the answer.

        A process that completes a TLS handshake is alive. Over plain TCP, silence proves nothing:
        the kernel accepts connections even if the process hangs.
        """
        try:
            probe = self._connect()
        except ConnectError:
            return Answer.UNKNOWN
        sentinel = self._guard(probe)
        try:
            end = self._evidence.await_end(
                probe, sentinel, self._destination.timings.half_close_probe
            )
        except TimeoutError:
            if self._stop.requested:
                return Answer.UNKNOWN
            return Answer.NONE if self._settings.protocol == "tls" else Answer.DOUBTED
        except OSError:
            return Answer.UNKNOWN  # it says nothing, or says it too early
        finally:
            probe.close()
            if sentinel is not None:
                sentinel.leave()
        return Answer.GIVEN if end is End.CLEAN else Answer.RESET

    def _make_deadline(self) -> Deadline:
        return Deadline(self._settings.timeout, self._stop)


_NO_ACKNOWLEDGEMENTS = (
    "this system does not tell what was acknowledged, so 'acked' proves no more than 'written'"
)

_RESET = "the receiver has reset the connection, so it may not have read everything"

_LEVELS: dict[str, Callable[[Confirmation, Connection, Sentinel | None], Proof]] = {
    "written": Confirmation._prove_written,
    "acked": Confirmation._prove_acked,
    "held": Confirmation._prove_held,
    "consumed": Confirmation._prove_consumed,
}
