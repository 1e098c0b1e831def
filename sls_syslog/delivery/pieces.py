"""``Pieces``: how much of a window to send before a confirmation, after failures.

Sans-I/O: it counts failures and successes, and must not send.
"""

from __future__ import annotations

import sys

__all__ = ["Pieces"]

# Most pieces of a window, and their least size in bytes: each piece costs a connection.
_MOST_PARTS = 16
_LEAST_BYTES = 64 * 1024
# Failures in a row before the hunt for one message begins; fewer are a receiver that restarts.
_SEVERAL = 3
# Factor by which the hunt shrinks a piece until a first piece has worked.
_SHRINK = 8


class Pieces:
    """Sizes of the pieces of one window.

    From the second failure in a row on, each failure halves the pieces; each success doubles them.

    If the smallest pieces fail as well, the receiver may refuse one message, and the hunt for it
    begins. It shrinks the piece down to one message until a piece works. Perhaps that shows only
    that an outage is over, so the rest of the window is tried next. If that fails, some of its
    messages are suspect: their first half is tried, then the rest of them, until one is left.

    Note only failures after something was sent: a refused connection says nothing about sizes.
    """

    def __init__(self) -> None:
        self._parts = 1
        self._failures = 0  # in a row
        self._is_hunting = False
        self._has_worked = False  # whether a piece has worked since the hunt began
        self._most = sys.maxsize  # messages in a piece
        self._suspects = 0  # messages at the head of the window; one of them may be refused

    @property
    def are_wanted(self) -> bool:
        """Whether to confirm each piece before sending the next."""
        return self._parts > 1 or self._is_hunting

    @property
    def has_one_message(self) -> bool:
        """Whether the first message of the window has failed alone."""
        return self._is_hunting and self._failures > 0 and self._suspects == 1

    def choose_size(self, window: int) -> tuple[int, int]:
        """Choose the size of the next piece.

        Args:
            window: The bytes that are left in the window.

        Returns:
            The most bytes, and the most messages; one message is always allowed.
        """
        return max(-(-window // self._parts), _LEAST_BYTES), self._most

    def note_failure(self, messages: int, size: int) -> None:
        """Note that a piece failed after it, or a part of it, was sent.

        Args:
            messages: The number of its messages.
            size: Its bytes.
        """
        self._failures += 1
        is_smallest = self._parts == _MOST_PARTS or size <= _LEAST_BYTES
        if self._is_hunting or (self._failures >= _SEVERAL and is_smallest):
            self._is_hunting = True
            self._suspects = messages
            self._most = max(1, messages // (2 if self._has_worked else _SHRINK))
        elif self._failures > 1 and not is_smallest:
            self._parts *= 2

    def note_success(self, messages: int) -> None:
        """Note that the receiver has confirmed a piece.

        Args:
            messages: The number of its messages.
        """
        self._failures = 0
        self._parts = max(1, self._parts // 2)
        if not self._is_hunting:
            return
        if self._has_worked:
            self._suspects = max(0, self._suspects - messages)
            self._most = self._suspects or 2 * messages
        else:
            self._has_worked = True
            self._most, self._suspects = sys.maxsize, 0

    def lose_place(self) -> None:
        """Note that the window will begin with other messages."""
        self._suspects = 0
