"""Clocks that a test sets."""

from __future__ import annotations

import time

__all__ = ["Jumping"]


class Jumping:
    """A timer, which a test sets forward: so a minute passes."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead
