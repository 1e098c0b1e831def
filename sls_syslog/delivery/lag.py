"""How far a receiver is behind SLS, in seconds, for one shard.

Sans-I/O: it makes no request. It knows when an answer of SLS reached the end of the shard, and what
the logs tell of their time. Cursors tell no time: they number the groups of a shard.
"""

from __future__ import annotations

__all__ = ["Lag"]

# Seconds for which "SLS has no more logs" holds. A shard at its end is asked every half second, and
# a request takes at most 10 s: after a longer silence nobody knows if it is still at its end.
_FRESH_SECONDS = 15.0
_NEVER = float("-inf")


class Lag:
    """Latest SLS receive time up to which the receiver has every log.

    All times are seconds since 1970.

    Args:
        now: When the shard began: the lag counts from here until more is known.
    """

    def __init__(self, now: float) -> None:
        self._until = now
        self._is_known = False
        self._end = ("", now)
        self._at_end = _NEVER

    def note_pending(self, oldest: float) -> None:
        """Take note that a batch waits for its confirmation.

        Args:
            oldest: When SLS received its oldest log; of the first batch, this is the first lag.
        """
        self._at_end = _NEVER
        if not self._is_known:
            self._until, self._is_known = oldest, True

    def note_confirmed(self, newest: float, now: float) -> None:
        """Take note that the receiver has every log that SLS had received at ``newest``."""
        self._until = max(self._until, min(newest, now))  # a log's time may be in the future

    def note_end(self, cursor: str, now: float) -> None:
        """Take note that SLS has no logs behind a cursor."""
        self._end = (cursor, now)

    def note_drained(self, cursor: str) -> None:
        """Take note that the receiver has every log before a cursor, and none is pending."""
        end, seen = self._end
        if cursor == end:
            self._until, self._at_end, self._is_known = max(self._until, seen), seen, True

    def compute(self, now: float, pending: int) -> float:
        """Compute the lag in seconds, never below zero.

        Args:
            now: The time.
            pending: The number of pending logs.
        """
        if not pending and now - self._at_end < _FRESH_SECONDS:
            return 0.0
        return max(0.0, now - self._until)
