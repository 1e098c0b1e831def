"""``Turns``: spreads the confirmations of all shards of a process over time.

Sans-I/O: it neither sleeps nor reads a clock; ``Delivery`` does.
"""

from __future__ import annotations

from collections import Counter
from threading import Lock

__all__ = ["Turns"]

# Most confirmations that are planned for one second. Each may cost a connection, whose end stays
# in the kernel's tables for a minute: 1,200 of them at most.
_MOST_A_SECOND = 20


class Turns:
    """Gives each window the moment to confirm it; any thread may call it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._planned: Counter[int] = Counter()  # by the second

    def reserve(self, now: float, wanted: float) -> float:
        """Reserve the first free moment.

        Args:
            now: The time on any clock that only goes forward, in seconds.
            wanted: The earliest moment, not before ``now``.

        Returns:
            The moment. It is later than ``wanted`` if many windows are planned for that second.
        """
        with self._lock:
            second = self._take_second(int(now), int(wanted))
        return max(wanted, float(second))

    def _take_second(self, now: int, wanted: int) -> int:
        for second in [second for second in self._planned if second < now]:
            del self._planned[second]
        second = wanted
        while self._planned[second] >= _MOST_A_SECOND:
            second += 1
        self._planned[second] += 1
        return second
