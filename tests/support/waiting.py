"""Wait for a condition, with a limit, and never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["eventually", "holds_within"]

_LOOK_SECONDS = 0.02  # poll interval of the condition


def eventually(condition: Callable[[], bool], timeout: float = 30.0) -> None:
    """Wait until a condition holds. Fail the test if it does not within ``timeout`` seconds."""
    assert holds_within(timeout, condition), f"it did not come true within {timeout} s"


def holds_within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Wait for a condition. Return whether it holds in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(_LOOK_SECONDS)
    return True
