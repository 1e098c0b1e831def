"""``Pace``: spreads the messages of all threads evenly over time.

Sans-I/O: it neither sleeps nor reads a clock; the sender does.
"""

from __future__ import annotations

from threading import Lock

__all__ = ["Pace"]

# Seconds that a message may be early, and that a sender that woke late may catch up. Both together
# limit a burst. No wait is shorter than this: finer timing would only cost CPU.
_SLACK_SECONDS = 0.005


class Pace:
    """Gives each message its moment; any thread may call it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._next = float("-inf")

    def reserve(self, now: float, rate: float) -> float:
        """Reserve the next moment; return the seconds to wait for it, often zero.

        Args:
            now: The time on any clock that only goes forward, in seconds.
            rate: Messages a second.
        """
        with self._lock:
            moment = max(self._next, now - _SLACK_SECONDS)
            self._next = moment + 1 / rate
        ahead = moment - now
        return ahead if ahead > _SLACK_SECONDS else 0.0
