"""Weighs what the end of a connection proves.

A receiver that has read everything ends its side after ours. But a proxy whose receiver is away
ends it in the same way, after seconds or at once, with everything lost. What tells them apart is a
silent connection: the proxy ends that as well. ``docs/explanation/design.md`` has the table, the
measurements, and what was rejected.
"""

from __future__ import annotations

import errno
import time
from contextlib import suppress
from enum import Enum

from sls_syslog.network.connection import Connection
from sls_syslog.network.deadline import Deadline, Stop
from sls_syslog.network.destination import Destination
from sls_syslog.network.sentinel import Sentinel

__all__ = ["DoubtError", "End", "Evidence"]

_SILENT_ENDED = (
    "the receiver ended the connection as if it had read everything, but then a silent connection"
    " ended as well: the receiver, or the one behind a proxy, has gone away"
)
_ONE_AT_A_TIME = (
    "the receiver serves one connection at a time: it ended this one only after we had closed a"
    " second one, which carries no logs. No log is lost, but the last ones are sent again. From now"
    " on no second connection is opened. To get no duplicates, let the receiver serve connections"
    " in parallel"
)
_LATE = (
    "the receiver ended the connection {:.1f} s after us: too late to be believed, because no"
    " silent connection was opened with it"
)

_ALONE = (
    "it takes no second, silent connection beside the one that carries logs, so each confirmation"
    " waits until the connection is {:.3g} s old"
)


class DoubtError(ConnectionAbortedError):
    """Raised when a connection ended as it should, but something else speaks against it."""


class End(Enum):
    """How a receiver has ended a connection after our half-close."""

    CLEAN = "by an end of stream: it has read everything"
    RESET = "by a reset: it may have read everything, or not"


class Evidence:
    """Finds out how a receiver ends a connection, and whether that is its own answer.

    Args:
        destination: What is known about the receiver.
        stop: Ends every wait when requested.
    """

    def __init__(self, destination: Destination, stop: Stop) -> None:
        self._destination = destination
        self._sentinels = destination.sentinels
        self._timings = destination.timings
        self._stop = stop

    def await_end(self, connection: Connection, sentinel: Sentinel | None, seconds: float) -> End:
        """Half-close a connection, and wait until the receiver ends it.

        Args:
            connection: The connection; everything is sent over it.
            sentinel: The silent connection beside it; ``None`` if there is none.
            seconds: How long silence may last.

        Returns:
            How the receiver has ended it, if that is its own answer.

        Raises:
            TimeoutError: If the receiver does not end it.
            DoubtError: If it ended it, but that proves nothing.
            ConnectionResetError: If it reset it before our half-close.
            OSError: If it ended it before our half-close, or sent an alert.
        """
        is_guarded = sentinel is not None and not sentinel.is_old and sentinel.stands()
        if connection.half_closed_at is None:
            connection.await_refusal(Deadline(seconds, self._stop))
            if not is_guarded:
                self._grow_old(connection)
                if sentinel is None:
                    self._destination.warn_once("alone", _ALONE.format(self._timings.lone_age))
        end = End.CLEAN
        try:
            self._finish(connection, sentinel, seconds)
        except ConnectionResetError:
            if connection.half_closed_at is None:
                raise
            end = End.RESET
        self._weigh(connection, sentinel if is_guarded else None)
        return end

    def _grow_old(self, connection: Connection) -> None:
        """Watch a connection without a sentinel until it is older than a proxy's retries.

        A proxy that cannot reach its receiver ends the connection before that.

        Raises:
            TimeoutError: If a stop leaves no time for that.
            OSError: If the receiver has ended the connection.
        """
        left = self._timings.lone_age - connection.age
        deadline = Deadline(2 * max(left, connection.patience), self._stop)
        connection.stand(max(left, connection.patience), deadline)
        deadline.take_slice()

    def _finish(self, connection: Connection, sentinel: Sentinel | None, seconds: float) -> None:
        """Half-close, and wait for the end.

        A receiver that serves one connection at a time may serve the silent one now.

        Raises:
            DoubtError: If the end came because the sentinel gave way.
            OSError: As ``await_end`` does.
        """
        patience = self._timings.give_way
        if sentinel is not None and patience < seconds:
            seconds -= patience
            with suppress(TimeoutError):
                connection.finish(Deadline(patience, self._stop))
                return
            if not self._stop.requested and sentinel.give_way():
                with suppress(TimeoutError):
                    connection.finish(Deadline(self._timings.prompt_answer, self._stop))
                    raise DoubtError(errno.ECONNABORTED, _ONE_AT_A_TIME)
                self._sentinels.stop_giving_way()
        connection.finish(Deadline(seconds, self._stop))

    def _weigh(self, connection: Connection, sentinel: Sentinel | None) -> None:
        """Weigh an end that came after our half-close.

        Raises:
            DoubtError: If it proves nothing.
        """
        assert connection.half_closed_at is not None  # noqa: S101  # else it has not come
        took = time.monotonic() - connection.half_closed_at
        if took > self._timings.prompt_answer:
            self._sentinels.share_none()
            if sentinel is None or not sentinel.is_twin:
                raise DoubtError(errno.ECONNABORTED, _LATE.format(took))
        if sentinel is not None:
            time.sleep(connection.patience)
            if not sentinel.stands():
                raise DoubtError(errno.ECONNABORTED, _SILENT_ENDED)
