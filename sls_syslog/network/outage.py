"""``Outage``: one line when a receiver fails and one when it is back, however many shards ship.

A receiver that comes and goes is reported once a minute. Sans-I/O but for the clock.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Lock

from sls_syslog.throttle import Throttle

__all__ = ["Outage"]

logger = logging.getLogger("sls_syslog.network")


class Outage:
    """Since when one receiver fails; all shards that ship to it share this object.

    Args:
        destination: The receiver, for log lines.
        clock: Seconds, from any origin.
    """

    def __init__(self, destination: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._destination = destination
        self._clock = clock
        self._lock = Lock()
        self._throttle = Throttle(clock)
        self._since: float | None = None
        self._is_reported = False

    def begin(self, error: Exception) -> None:
        """Note that a delivery failed; an outage is a WARNING, once."""
        with self._lock:
            if self._since is None:
                self._since = self._clock()
            if self._is_reported or not self._throttle.is_due("outage"):
                return
            self._is_reported = True
        logger.warning("delivery fails, trying again until it works: %s", error)

    def end(self) -> None:
        """Note that a delivery worked; the end of a reported outage is an INFO."""
        if self._since is None:  # without the lock: nearly always so
            return
        with self._lock:
            since, self._since = self._since, None
            was_reported, self._is_reported = self._is_reported, False
        if was_reported:
            logger.info(
                "%s takes logs again after %.1f s", self._destination, self._clock() - since
            )
