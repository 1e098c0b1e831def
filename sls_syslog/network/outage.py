"""One line when a receiver fails, one when it is back, however many shards ship to it.

A receiver that comes and goes is told of once a minute.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from sls_syslog.throttle import Throttle

__all__ = ["OutageLog", "outage"]

logger = logging.getLogger("sls_syslog.network")


@dataclass
class _Outage:
    since: float
    told: bool = False


class OutageLog:
    """Remembers, for all shards of this process, since when which receiver has failed.

    Args:
        clock: Seconds, from any origin.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._throttle = Throttle(clock)
        self._outages: dict[str, _Outage] = {}

    def began(self, destination: str, error: Exception) -> None:
        """A delivery failed; an outage is a WARNING, once."""
        with self._lock:
            outage = self._outages.setdefault(destination, _Outage(self._clock()))
            if outage.told or not self._throttle.is_due(destination):
                return
            outage.told = True
        logger.warning("delivery fails, trying again until it works: %s", error)

    def ended(self, destination: str) -> None:
        """A delivery worked; the end of an outage that was told is an INFO."""
        if destination not in self._outages:  # without the lock: nearly always so
            return
        with self._lock:
            outage = self._outages.pop(destination, None)
        if outage is not None and outage.told:
            seconds = self._clock() - outage.since
            logger.info("%s takes logs again after %.1f s", destination, seconds)


outage = OutageLog()
"""The log of this process: shards that ship to one receiver share one outage."""
