"""Limits log lines to one per cause and minute. Sans-I/O except for the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

__all__ = ["Throttle", "throttle"]

_INTERVAL = 60.0
"""Seconds between two lines of one cause."""


class Throttle:
    """Lets each cause through once a minute.

    Args:
        clock: Returns seconds, counted from any origin.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._last: dict[tuple[object, ...], float] = {}

    def is_due(self, *cause: object) -> bool:
        """Whether a line for this cause is due; a true answer starts the next minute."""
        now = self._clock()
        with self._lock:
            last = self._last.get(cause)
            due = last is None or now - last >= _INTERVAL
            if due:
                self._last[cause] = now
        return due

    def forget(self) -> None:
        """Forget every cause: the next line of each is due."""
        with self._lock:
            self._last.clear()


throttle = Throttle()
"""The throttle of this process: all shards share it, so they do not repeat each other."""
