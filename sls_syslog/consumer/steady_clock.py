"""``with_steady_clock``: a method of the SDK whose ``time.time()`` nobody can set.

The SDK measures its pauses with the machine's clock. If that is set back by an hour, a pause lasts
an hour longer. This module must not change the SDK's modules: other workers use them too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from types import FunctionType, MethodType
from typing import Any, TypeVar

__all__ = ["SteadyTime", "WakingTime", "with_steady_clock"]

_Method = TypeVar("_Method", bound=Callable[..., Any])

# Shortest pause in seconds; 100 checks of 64 shards take 0.004 s of CPU.
_SHORTEST_PAUSE = 0.01


class SteadyTime:
    """Stands in for the module ``time``.

    Its ``time()`` starts at the machine's, because the SDK compares it with what it noted before.
    """

    def __init__(self) -> None:
        self._origin = time.time() - time.monotonic()

    def time(self) -> float:
        """Return seconds since 1970, as if nobody had set the clock since this was made."""
        return self._origin + time.monotonic()

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


class WakingTime(SteadyTime):
    """The same, for a loop whose pauses can be cut short; such a pause counts as slept in full.

    The pause after one that was cut short is short as well: the SDK's loop takes a batch that is
    fetched in one round, and hands it to its processor in the next.

    Args:
        get_interval: Returns the seconds of a whole pause, which the loop sleeps in pieces.
    """

    def __init__(self, get_interval: Callable[[], float]) -> None:
        super().__init__()
        self._get_interval = get_interval
        self._event = Event()
        self._goes_on = False  # whether the last pause was cut short
        self._skipped = 0.0

    def wake(self) -> None:
        """Cut the pause short; any thread may call it."""
        self._event.set()

    def time(self) -> float:
        """Return the time, which is later by an interval for each pause that was cut short."""
        return super().time() + self._skipped

    def sleep(self, seconds: float) -> None:
        """Pause, until ``wake`` is called, but not for less than the shortest pause."""
        end = time.monotonic() + seconds
        time.sleep(min(seconds, _SHORTEST_PAUSE))
        goes_on = self._goes_on
        self._goes_on = self._event.wait(0 if goes_on else max(0.0, end - time.monotonic()))
        self._event.clear()
        if goes_on or self._goes_on:
            self._skipped += self._get_interval()


def with_steady_clock(method: _Method, clock: SteadyTime | None = None) -> _Method:
    """Return a bound method that does the same, and gets its time from the monotonic clock.

    What is no method of a class, or does not read the clock as ``time.time()``, is returned as it
    is: a method that is replaced already, or one of a subclass of the user's own.

    Args:
        method: A bound method.
        clock: Stands in for the module ``time`` in it; ``None`` for a new one.
    """
    function = getattr(method, "__func__", None)
    if not isinstance(function, FunctionType) or function.__globals__.get("time") is not time:
        return method
    names = {**function.__globals__, "time": clock or SteadyTime()}
    steady = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    steady.__kwdefaults__ = function.__kwdefaults__
    return MethodType(steady, method.__self__)  # type: ignore[attr-defined,return-value]  # is bound
