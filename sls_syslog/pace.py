"""How fast: messages spread evenly over time, however many threads send them.

Pure: it neither sleeps nor reads a clock; whoever sends does.
"""

from __future__ import annotations

from threading import Lock

__all__ = ["Pace"]

# Seconds that a message may be early, and that one who woke late may make up for. Both together
# are the largest burst. No wait is shorter than one of them: finer timing would only cost CPU.
_SLACK = 0.005


class Pace:
    """Gives each message its moment; any thread may ask."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._next = float("-inf")

    def wait(self, now: float, rate: float) -> float:
        """Seconds to wait before the next message is sent, often zero; its moment is then taken.

        Args:
            now: The time on any clock that only goes forward, in seconds.
            rate: Messages a second.
        """
        with self._lock:
            moment = max(self._next, now - _SLACK)
            self._next = moment + 1 / rate
        ahead = moment - now
        return ahead if ahead > _SLACK else 0.0
