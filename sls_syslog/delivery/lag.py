"""How far a receiver is behind SLS, in seconds, for one shard.

It makes no request: that an answer of SLS reached the end of the shard, and what a log says of its
time, is all that it uses. Cursors tell no time: they number the groups of a shard.
"""

from __future__ import annotations

__all__ = ["Lag"]

# A shard at its end is asked about every half second, and a request takes 10 s at most: with no
# answer for longer, nobody knows whether it still is at its end.
_FRESH_SECONDS = 15.0
_NEVER = float("-inf")


class Lag:
    """Until when SLS received what the receiver has: all of it, without a gap.

    Args:
        now: When the shard was taken up: the lag counts from here until more is known.
    """

    def __init__(self, now: float) -> None:
        self._until = now
        self._is_known = False
        self._end = ("", now)
        self._at_end = _NEVER

    def waits_since(self, oldest: float) -> None:
        """A batch is on its way; of the first one, the oldest log says how far behind we begin."""
        self._at_end = _NEVER
        if not self._is_known:
            self._until, self._is_known = oldest, True

    def has_until(self, newest: float, now: float) -> None:
        """The receiver has everything up to a log that SLS received at ``newest``."""
        self._until = max(self._until, min(newest, now))  # a log may say that it is of tomorrow

    def ends_at(self, cursor: str, now: float) -> None:
        """SLS has nothing behind a cursor."""
        self._end = (cursor, now)

    def has_before(self, cursor: str) -> None:
        """The receiver has everything before a cursor, and nothing is pending."""
        end, seen = self._end
        if cursor == end:
            self._until, self._at_end, self._is_known = max(self._until, seen), seen, True

    def seconds(self, now: float, pending: int) -> float:
        """The lag, with so many logs pending."""
        if not pending and now - self._at_end < _FRESH_SECONDS:
            return 0.0
        return max(0.0, now - self._until)
