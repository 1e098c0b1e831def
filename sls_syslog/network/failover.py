"""Several receivers: the next one when one fails, the first again after a while.

Nothing that was sent is moved from one receiver to another here: what was unconfirmed when a
receiver failed is in doubt, and the error says so to whoever can send it again.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Lock

from sls_syslog.errors import ConnectError, SendError, TransportError, UnconfirmedError
from sls_syslog.network.deadline import Stop
from sls_syslog.network.stream import StreamTransport
from sls_syslog.network.transport import Transport
from sls_syslog.network.udp import UdpTransport
from sls_syslog.settings.client import ClientSettings

__all__ = ["FAIL_BACK_SECONDS", "FailoverTransport", "open_transport"]

logger = logging.getLogger("sls_syslog.network")

FAIL_BACK_SECONDS = 60.0
"""How long a later receiver is used before the first is tried again, in seconds."""

# A first receiver that lets itself be connected to and then fails is tried less and less often.
_LONGEST_FAIL_BACK_SECONDS = 3600.0
# The later receiver works: looking for the first must not hold the logs up.
_LOOK_SECONDS = 3.0


def open_transport(
    settings: ClientSettings, stop: Stop | None = None, connect_seconds: float = math.inf
) -> Transport:
    """The transport that ``settings`` ask for; nothing is connected yet.

    Args:
        settings: Where to and how.
        stop: Ends every wait when requested; ``None`` when nobody will.
        connect_seconds: The longest that connecting to one receiver may take, where that is
            less than the setting ``timeout``.
    """
    stop = stop or Stop()
    if len(settings.receivers) > 1:
        return FailoverTransport(settings, stop, connect_seconds)
    return _transport_to(settings, stop, connect_seconds)


def _transport_to(receiver: ClientSettings, stop: Stop, connect_seconds: float) -> Transport:
    kind = UdpTransport if receiver.protocol == "udp" else StreamTransport
    return kind(receiver, stop, min(receiver.timeout, connect_seconds))


class FailoverTransport:
    """One receiver of several at a time.

    The one in use stays until it fails. The error is raised, and the operation after that goes
    to the next receiver, around and around. After a while, and with nothing unconfirmed, the
    first is tried again.

    Args:
        settings: Where to, and how; with more than one receiver.
        stop: Ends every wait when requested.
        connect_seconds: The longest that connecting to one of them may take.
        fail_back_seconds: How long a later receiver is used before the first is tried again.
        clock: Seconds, from any origin.
    """

    def __init__(
        self,
        settings: ClientSettings,
        stop: Stop,
        connect_seconds: float,
        *,
        fail_back_seconds: float = FAIL_BACK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        receivers = settings.receivers
        self._settings = settings
        self._names = [receiver.destination for receiver in receivers]
        self._transports = [_transport_to(one, stop, connect_seconds) for one in receivers]
        # The first one's own transport would wait as long for it as if there were no other.
        self._look = _transport_to(receivers[0], stop, min(_LOOK_SECONDS, connect_seconds))
        self._clock = clock
        self._at = 0
        self._shortest_stay = self._stay = fail_back_seconds
        self._back_since: float | None = None  # when the first in use was returned to
        self._look_again = math.inf  # when it is to be tried again
        self._unconfirmed = False
        self._broken: str | None = None  # the receiver that failed with something unconfirmed
        self._failures: dict[int, str] = {}  # of those before the one in use, until that works
        self._sent = self._settled = False  # what the one in use has shown so far

    def connect(self) -> None:
        """Make a connection where there is none.

        Raises:
            TransportError: If there is none before the deadline; the next call goes to the
                next receiver.
        """
        transport = self._current()
        with self._leaving_on_failure():
            transport.connect()

    def send(self, frames: Iterable[bytes]) -> None:
        """Send all frames to the receiver in use.

        Raises:
            MessageTooLongError: If a frame is larger than a datagram can be.
            ConnectError: If there is no connection before the deadline.
            TransportError: If it fails otherwise; everything since the last confirmation is
                then in doubt. Either way the next call goes to the next receiver.
        """
        transport = self._current()
        before, self._unconfirmed = self._unconfirmed, True
        with self._leaving_on_failure():
            try:
                transport.send(frames)
            except ConnectError:
                self._unconfirmed = before  # nothing of it has gone out
                raise
        if self._sent:
            self._settle()
        self._sent = True

    def confirm(self, *, watched: bool = False) -> bool:
        """Find out whether the receivers have all that was sent since the last confirmation.

        Args:
            watched: Make the next connection before this one ends.

        Raises:
            UnconfirmedError: If it is not known of everything; send it again. It is raised
                once, also for what was in doubt when a receiver failed.
            SendError: If datagrams were refused.
        """
        if self._broken:
            broken, self._broken = self._broken, None
            raise UnconfirmedError(broken, self._settings.confirm, "the connection has broken")
        if not self._unconfirmed:
            return True
        self._unconfirmed = False  # if this fails, whoever is told so sends it again
        with self._leaving_on_failure():
            confirmed = self._transports[self._at].confirm(watched=watched)
        self._unconfirmed = not confirmed
        if confirmed:
            self._settle()
        return confirmed

    def watch(self) -> None:
        """See whether the receiver in use is still there, connecting where that is not known.

        Raises:
            TransportError: If it is not.
            SendError: If another is to be used from now on: this one can no longer be watched.
        """
        before = self._names[self._at]
        transport = self._current()
        if self._names[self._at] != before:
            now = self._names[self._at]
            raise SendError(before, f"what it may hold in memory only is sent to {now} as well")
        with self._leaving_on_failure():
            transport.watch()

    def retire(self) -> None:
        """End the connection to the receiver in use if it has rested or lived for too long.

        Raises:
            TransportError: If the receiver is not known to have all that went over it.
        """
        with self._leaving_on_failure():
            self._transports[self._at].retire()

    def close(self) -> None:
        """End the connection and forget what is unconfirmed."""
        self._unconfirmed, self._broken = False, None
        self._transports[self._at].close()

    def _current(self) -> Transport:
        if self._at and not self._unconfirmed and self._clock() >= self._look_again:
            self._try_first()
        return self._transports[self._at]

    def _try_first(self) -> None:
        try:
            self._look.connect()
        except TransportError:
            self._look_again = self._clock() + self._stay
        else:
            self._transports[self._at].close()
            self._failures.clear()
            self._use(0)
            self._back_since = self._clock()
        finally:
            self._look.close()

    @contextmanager
    def _leaving_on_failure(self) -> Iterator[None]:
        try:
            yield
        except TransportError as error:
            if self._unconfirmed or self._has_failed(error):
                self._leave(error)
            raise

    def _has_failed(self, error: TransportError) -> bool:
        # A stream that ends with nothing unconfirmed on it was closed for being idle, perhaps.
        return self._settings.protocol == "udp" or not isinstance(error, SendError)

    def _leave(self, error: TransportError) -> None:
        name = self._names[self._at]
        self._transports[self._at].close()
        if self._unconfirmed:
            self._unconfirmed, self._broken = False, name
        self._failures[self._at] = str(error)
        if self._at == 0:
            self._plan_return()
        self._use((self._at + 1) % len(self._names))

    def _plan_return(self) -> None:
        now = self._clock()
        since, self._back_since = self._back_since, None
        if since is None or (self._settled and now - since >= self._stay):
            self._stay = self._shortest_stay
        else:  # it was too soon
            self._stay = max(self._stay, min(2 * self._stay, _LONGEST_FAIL_BACK_SECONDS))
        self._look_again = now + self._stay

    def _use(self, at: int) -> None:
        self._at = at
        self._sent = self._settled = False

    def _settle(self) -> None:
        """The receiver in use works; until it did, there was nothing to tell."""
        if not self._settled:
            self._settled = True
            _in_use.now(self._settings.destination, self._names, self._at, self._failures)
            self._failures.clear()


class _InUse:
    """Which receivers this process uses; its shards change one by one, and one line is enough."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._at: dict[str, int] = {}

    def now(self, group: str, names: list[str], at: int, failures: dict[int, str]) -> None:
        """One of ``names`` works for somebody, to whom those in ``failures`` have failed."""
        with self._lock:
            before = self._at.get(group, 0)
            failure = failures.get(before)
            if at == before or (at and not failure):
                return
            self._at[group] = at
        if failure:
            logger.warning("%s; from now on %s takes the logs", failure, names[at])
        else:
            logger.info("%s takes the logs again, instead of %s", names[at], names[before])


_in_use = _InUse()
