"""``Outage``: logs one line when a receiver fails and one when it is back, for all shards.

A receiver that comes and goes is reported once a minute. Sans-I/O except for the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from sls_syslog.safe_logger import SafeLogger
from sls_syslog.throttle import Throttle

__all__ = ["Outage"]

logger = SafeLogger("sls_syslog.network")


class Outage:
    """The current outage of one receiver; all shards that ship to it share this object.

    Args:
        destination: The receiver, for log lines.
        clock: Returns seconds, counted from any origin.
    """

    def __init__(self, destination: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._destination = destination
        self._clock = clock
        self._lock = Lock()
        self._throttle = Throttle(clock)
        self._since: float | None = None
        self._is_reported = False

    def begin(self, error: Exception) -> None:
        """Note that a delivery failed; log a WARNING once per outage."""
        with self._lock:
            if self._since is None:
                self._since = self._clock()
            if self._is_reported or not self._throttle.is_due("outage"):
                return
            self._is_reported = True
        logger.warning("delivery fails, will retry until it works: %s", error)

    def end(self) -> None:
        """Note that a delivery worked; log an INFO at the end of a reported outage."""
        if self._since is None:  # nearly always, so test it without the lock
            return
        with self._lock:
            since, self._since = self._since, None
            was_reported, self._is_reported = self._is_reported, False
        if was_reported:
            logger.info(
                "%s takes logs again after %.1f s", self._destination, self._clock() - since
            )
