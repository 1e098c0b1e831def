"""One line when a receiver fails, one when it is back, however many shards ship to it."""

from __future__ import annotations

import logging
import time
from threading import Lock

__all__ = ["OutageLog", "outage"]

logger = logging.getLogger(__name__)


class OutageLog:
    """Remembers, for all shards of this process, since when which receiver has failed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._since: dict[str, float] = {}

    def began(self, destination: str, error: Exception) -> None:
        """A delivery failed; the first failure of an outage is a WARNING."""
        with self._lock:
            if destination in self._since:
                return
            self._since[destination] = time.monotonic()
        logger.warning("delivery fails, trying again until it works: %s", error)

    def ended(self, destination: str) -> None:
        """A delivery worked; the end of an outage is an INFO."""
        if destination not in self._since:  # without the lock: nearly always so
            return
        with self._lock:
            since = self._since.pop(destination, None)
        if since is not None:
            seconds = time.monotonic() - since
            logger.info("%s takes logs again after %.1f s", destination, seconds)


outage = OutageLog()
"""The log of this process: shards that ship to one receiver share one outage."""
