"""Finds out what stands before a receiver, as far as silent connections show it.

Nothing is sent over a silent connection. So if it ends, that says something about the other side.
This module must not judge: ``findings.py`` does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, suppress

from sls_syslog.errors import SyslogError
from sls_syslog.network.connection import Connection
from sls_syslog.network.deadline import Deadline

__all__ = ["Silence"]

# Seconds by which the end of a silent connection may come after the end of the other one.
_STANDING_SECONDS = 0.2
# Longest time to open a silent connection: a receiver that serves one at a time opens no second.
_OPEN_SECONDS = 2.0
# Longest time to watch one after a refusal: HAProxy gives up its receiver after 3 seconds.
_LONE_SECONDS = 4.0
# Seconds to wait for the answer to a half-close: there is nothing to read before it.
_ANSWER_SECONDS = 2.0
# Seconds between two looks at a silent connection.
_LOOK_SECONDS = 0.02


class Silence:
    """The silent connections of one check.

    Args:
        open_one: Opens a connection within this many seconds.
        seconds: The time limit of the check, in seconds.
    """

    def __init__(self, open_one: Callable[[float], Connection], seconds: float) -> None:
        self._open_one = open_one
        self._seconds = seconds
        self._connection: Connection | None = None

    def open(self) -> None:
        """Open the silent connection beside the one that carries the message, if possible."""
        with suppress(SyslogError):
            self._connection = self._open_one(min(_OPEN_SECONDS, self._seconds))

    def close(self) -> None:
        """Close it."""
        if self._connection is not None:
            self._connection.close()

    def has_ended(self) -> bool:
        """Return whether it ends unasked now or within a moment."""
        return self._connection is not None and _watch(self._connection, _STANDING_SECONDS)

    def is_reset(self) -> bool:
        """Half-close it; return whether the answer is a reset, though nothing was sent."""
        if self._connection is None:
            return False
        try:
            self._connection.finish(Deadline(min(_ANSWER_SECONDS, self._seconds)))
        except ConnectionResetError:
            return True
        except OSError:
            return False
        return False

    def measure_life(self) -> float | None:
        """Open one more, alone, and watch it.

        Returns:
            Seconds until it ended unasked; ``None`` if it stands.
        """
        try:
            lone = self._open_one(min(_OPEN_SECONDS, self._seconds))
        except SyslogError:
            return None
        begun = time.monotonic()
        with closing(lone):
            has_ended = _watch(lone, min(_LONE_SECONDS, self._seconds))
            return time.monotonic() - begun if has_ended else None


def _watch(connection: Connection, seconds: float) -> bool:
    """Watch a connection over which nothing was sent; return whether it ends."""
    deadline = Deadline(seconds)
    while True:
        try:
            connection.drain()
        except OSError as error:
            # An alert of TLS has another reason: it refuses our certificate, for example.
            return isinstance(error, (ConnectionAbortedError, ConnectionResetError))
        if not deadline.remaining:
            return False
        time.sleep(min(_LOOK_SECONDS, deadline.remaining))
