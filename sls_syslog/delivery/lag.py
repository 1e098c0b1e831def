"""``Lag``: how many seconds a receiver is behind SLS, for one shard.

Sans-I/O: it must not make requests. It uses the time of each log, and the moments at which SLS said
that there were no more logs. It cannot use cursors: they are numbers of groups, not times.
"""

from __future__ import annotations

__all__ = ["FRESH_SECONDS", "Lag"]

FRESH_SECONDS = 15.0
"""Seconds for which "SLS has no more logs" stays true. A shard at its end is asked every half
second, and a request takes at most 10 s. After a longer silence, SLS may have new logs."""

_NEVER = float("-inf")


class Lag:
    """Latest SLS receive time up to which the receiver has every log.

    All times are seconds on one clock that nobody sets. The caller converts the times of logs.

    Args:
        now: When the shard began; the lag counts from here until more is known.
    """

    def __init__(self, now: float) -> None:
        self._until = now
        self._is_known = False
        self._end = ("", now)
        self._at_end = _NEVER

    def note_pending(self, oldest: float) -> None:
        """Note that a batch waits for its confirmation.

        Args:
            oldest: When SLS received its oldest log. The lag counts from the first such time.
        """
        self._at_end = _NEVER
        if not self._is_known:
            self._until, self._is_known = oldest, True

    def note_confirmed(self, newest: float, now: float) -> None:
        """Note that the receiver has every log that SLS had received at ``newest``."""
        self._until = max(self._until, min(newest, now))  # a log's time may be in the future

    def note_end(self, cursor: str, now: float) -> None:
        """Note that SLS has no logs after a cursor."""
        self._end = (cursor, now)

    def note_drained(self, cursor: str) -> None:
        """Note that the receiver has every log before a cursor, and no log is pending."""
        end, seen = self._end
        if cursor == end:
            self._until, self._at_end, self._is_known = max(self._until, seen), seen, True

    def compute(self, now: float, pending: int) -> float:
        """Compute the lag in seconds, never below zero.

        Args:
            now: The time.
            pending: The number of pending logs.
        """
        if not pending and now - self._at_end < FRESH_SECONDS:
            return 0.0
        return max(0.0, now - self._until)
