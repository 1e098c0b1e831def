"""``FailoverTransport``: if a receiver fails, use the next; after a while, try the first again.

It must not move logs from one receiver to another. If a receiver fails, what is unconfirmed is in
doubt, and an error tells the caller to send it again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from sls_syslog.errors import SendError, TransportError, UnconfirmedError
from sls_syslog.network.confirmation import State
from sls_syslog.network.deadline import Stop
from sls_syslog.network.destination import Destination, Destinations, known_destinations
from sls_syslog.network.relp import RelpTransport
from sls_syslog.network.stream import StreamTransport
from sls_syslog.network.transport import Transport
from sls_syslog.network.udp import UdpTransport
from sls_syslog.safe_logger import SafeLogger
from sls_syslog.settings.client import ClientSettings

__all__ = ["FailoverTransport", "open_transport"]

logger = SafeLogger("sls_syslog.network")


def open_transport(
    settings: ClientSettings,
    stop: Stop | None = None,
    connect_seconds: float = math.inf,
    destinations: Destinations = known_destinations,
) -> Transport:
    """Make the transport for these settings; nothing is connected yet.

    Args:
        settings: The receivers and how to reach them.
        stop: Ends every wait when requested; ``None`` if it will never be requested.
        connect_seconds: Time limit in seconds for connecting to one receiver, if it is less than
            the setting ``timeout``.
        destinations: Keeps what is learnt about receivers; by default for the whole process.
    """
    stop = stop or Stop()
    if len(settings.receivers) > 1:
        return FailoverTransport(settings, stop, connect_seconds, destinations)
    return _make_transport(settings, stop, connect_seconds, destinations)


_KINDS: dict[str, Callable[[ClientSettings, Destination, Stop, float], Transport]] = {
    "udp": UdpTransport,
    "relp": RelpTransport,
    "relp+tls": RelpTransport,
}
"""What is not a stream, by the value of the setting ``protocol``."""


def _make_transport(
    receiver: ClientSettings, stop: Stop, connect_seconds: float, destinations: Destinations
) -> Transport:
    kind = _KINDS.get(receiver.protocol, StreamTransport)
    destination = destinations.find(receiver.destination)
    return kind(receiver, destination, stop, min(receiver.timeout, connect_seconds))


class FailoverTransport:
    """Several receivers; one is in use.

    A receiver stays in use until it fails. Then the error is raised, and the next operation uses
    the next receiver; after the last comes the first. After a while, when nothing is in doubt, the
    first receiver is tried again.

    Args:
        settings: The receivers, more than one, and how to reach them.
        stop: Ends every wait when requested.
        connect_seconds: Time limit in seconds for connecting to one of them.
        destinations: Keeps what is learnt about receivers.
        clock: Returns seconds, counted from any origin.
    """

    def __init__(
        self,
        settings: ClientSettings,
        stop: Stop,
        connect_seconds: float,
        destinations: Destinations = known_destinations,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        receivers = settings.receivers
        self._settings = settings
        self._names = [receiver.destination for receiver in receivers]
        self._destination = destinations.find(settings.destination)
        self._timings = self._destination.timings
        self._transports = [
            _make_transport(one, stop, connect_seconds, destinations) for one in receivers
        ]
        # A transport of its own, because the first one has the full time limit for connecting.
        trial_seconds = min(self._timings.fail_back_trial, connect_seconds)
        self._trial = _make_transport(receivers[0], stop, trial_seconds, destinations)
        self._clock = clock
        self._at = 0
        self._stay = self._timings.fail_back
        self._back_since: float | None = None  # when the first receiver came back into use
        self._try_first_at = math.inf
        self._lost: str | None = None  # the receiver that failed with something in doubt
        self._acknowledged: int | None = None  # by the receiver that failed, before it did
        # Of the receivers before the one in use, until that one works.
        self._failures: dict[int, str] = {}
        # Of the receiver in use.
        self._has_sent = self._has_worked = False

    @property
    def state(self) -> State:
        """The state of the receiver in use; ``BROKEN`` if one has failed with logs in doubt."""
        return State.BROKEN if self._lost else self._transports[self._at].state

    @property
    def destination(self) -> Destination:
        """What this process knows about this list of receivers."""
        return self._destination

    @property
    def level(self) -> str:
        """The level of confirmation of the receiver in use."""
        return self._transports[self._at].level

    @property
    def acknowledged(self) -> int:
        """How many of the first frames since the last confirmation need not be sent again."""
        if self._acknowledged is not None:
            return self._acknowledged
        return self._transports[self._at].acknowledged

    @property
    def trail(self) -> float:
        """Seconds for which the receiver in use must stand after a confirmation."""
        return self._transports[self._at].trail

    def connect(self) -> None:
        """Connect, unless there is a connection.

        Raises:
            TransportError: If there is no connection before the deadline. The next call uses the
                next receiver.
        """
        transport = self._choose_transport()
        with self._fail_over_on_error():
            transport.connect()

    def send(self, frames: Iterable[bytes]) -> None:
        """Send all frames to the receiver in use.

        Raises:
            MessageTooLongError: If a frame is larger than a datagram can be.
            ConnectError: If there is no connection before the deadline.
            TransportError: If sending fails otherwise. Everything since the last confirmation is
                then in doubt. After each of these errors, the next call uses the next receiver.
        """
        transport = self._choose_transport()
        with self._fail_over_on_error():
            transport.send(frames)
        if self._has_sent:
            self._note_success()
        self._has_sent = True

    def confirm(self, *, watched: bool = False) -> bool:
        """Find out whether the receivers have all that was sent since the last confirmation.

        Args:
            watched: Make the next connection before this one ends.

        Raises:
            UnconfirmedError: If one may lack something; send everything again. This error is
                raised once, also for what was in doubt when a receiver failed.
            TransportError: If datagrams were refused.
        """
        transport = self._transports[self._at]
        if self._lost:
            if self._is_broken():
                transport.close()
            with self._end_doubt():
                problem = "the connection has broken"
                raise UnconfirmedError(self._lost, self._settings.confirm, problem)
        if transport.state in {State.IDLE, State.OPEN}:
            return True
        self._lost = self._names[self._at]  # an interrupt must not end the doubt
        try:
            with self._fail_over_on_error():
                is_confirmed = transport.confirm(watched=watched)
        except TransportError:
            with self._end_doubt():
                raise
        self._lost = None
        if is_confirmed:
            self._note_success()
        return is_confirmed

    def watch(self) -> None:
        """Check that the receiver in use is still there; connect if there is no connection.

        Raises:
            TransportError: If it is not there.
            SendError: If another receiver is used from now on, so that this one cannot be watched.
        """
        before = self._names[self._at]
        transport = self._choose_transport()
        if self._names[self._at] != before:
            now = self._names[self._at]
            raise SendError(
                before, f"failing over to {now}; logs that are not safe at {before} are sent again"
            )
        with self._fail_over_on_error():
            transport.watch()

    def retire(self) -> None:
        """Close the connection to the receiver in use if it was idle or open for too long.

        Raises:
            TransportError: If the receiver may lack something that was sent over it.
        """
        with self._fail_over_on_error():
            self._transports[self._at].retire()

    def close(self) -> None:
        """Close the connection and forget what is unconfirmed."""
        self._lost = self._acknowledged = None
        self._transports[self._at].close()

    def _choose_transport(self) -> Transport:
        if self._at and not self._is_in_doubt() and self._clock() >= self._try_first_at:
            self._try_first()
        return self._transports[self._at]

    def _try_first(self) -> None:
        try:
            self._trial.connect()
        except TransportError:
            self._try_first_at = self._clock() + self._stay
        else:
            self._transports[self._at].close()
            self._failures.clear()
            self._use(0)
            self._back_since = self._clock()
        finally:
            self._trial.close()

    @contextmanager
    def _end_doubt(self) -> Iterator[None]:
        """End the doubt when an error is on its way to the sender, and not before."""
        try:
            yield
        finally:
            self._lost = None

    @contextmanager
    def _fail_over_on_error(self) -> Iterator[None]:
        try:
            yield
        except TransportError as error:
            if self._is_broken() or self._has_failed(error):
                self._fail_over(error)
            raise

    def _is_in_doubt(self) -> bool:
        return self._transports[self._at].state in {State.IN_DOUBT, State.BROKEN}

    def _is_broken(self) -> bool:
        return self._transports[self._at].state is State.BROKEN

    def _has_failed(self, error: TransportError) -> bool:
        # If a stream ends with nothing in doubt, perhaps it was only idle for too long.
        return self._settings.protocol == "udp" or not isinstance(error, SendError)

    def _fail_over(self, error: TransportError) -> None:
        if self._is_broken():
            self._lost = self._names[self._at]
        self._acknowledged = self._transports[self._at].acknowledged
        self._transports[self._at].close()
        self._failures[self._at] = str(error)
        if self._at == 0:
            self._plan_fail_back()
        self._use((self._at + 1) % len(self._names))

    def _plan_fail_back(self) -> None:
        now = self._clock()
        since, self._back_since = self._back_since, None
        if since is None or (self._has_worked and now - since >= self._stay):
            self._stay = self._timings.fail_back
        else:  # the trial of the first receiver came too soon
            self._stay = max(self._stay, min(2 * self._stay, self._timings.longest_fail_back))
        self._try_first_at = now + self._stay

    def _use(self, at: int) -> None:
        self._at = at
        self._has_sent = self._has_worked = False

    def _note_success(self) -> None:
        """Note that the receiver in use works, and report the change once."""
        if not self._has_worked:
            self._has_worked = True
            self._destination.in_use.mark(self._names, self._at, self._failures)
            self._failures.clear()
