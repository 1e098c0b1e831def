"""Limits log lines to one per cause and minute. Sans-I/O except for the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

__all__ = ["Throttle", "throttle"]

_INTERVAL = 60.0
"""Seconds between two lines of one cause."""

_MAX_CAUSES = 1000
"""Most causes to remember; a cause may be a message that a receiver refuses."""


class Throttle:
    """Lets each cause through once a minute.

    Args:
        clock: Returns seconds, counted from any origin.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._last: dict[int, float] = {}  # by the hash of a cause, which may be of any size

    def is_due(self, *cause: object) -> bool:
        """Whether a line for this cause is due; a true answer starts the next minute."""
        now, key = self._clock(), hash(cause)
        with self._lock:
            last = self._last.get(key)
            due = last is None or now - last >= _INTERVAL
            if due:
                self._last[key] = now
            if len(self._last) > _MAX_CAUSES:
                self._last = self._list_recent(now)
        return due

    def _list_recent(self, now: float) -> dict[int, float]:
        """List the causes that must still wait; none if even these are too many."""
        recent = {key: last for key, last in self._last.items() if now - last < _INTERVAL}
        return recent if len(recent) <= _MAX_CAUSES else {}

    def forget(self) -> None:
        """Forget every cause: the next line of each is due."""
        with self._lock:
            self._last.clear()


throttle = Throttle()
"""The throttle of this process: all shards share it, so they do not repeat each other."""
