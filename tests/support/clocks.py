"""A clock for the emulator: it shows the true time, or the one that a test sets."""

from __future__ import annotations

import time

__all__ = ["SetClock"]


class SetClock:
    """The true time, until a test sets another.

    Attributes:
        now: What it shows, in seconds since 1970; ``None`` for the true time.
        offset: How many seconds it is ahead of the true time.
    """

    def __init__(self) -> None:
        self.now: float | None = None
        self.offset = 0.0

    def __call__(self) -> float:
        return time.time() + self.offset if self.now is None else self.now
