"""``with_steady_clock``: a method of the SDK whose ``time.time()`` nobody can set.

The SDK measures its pauses with the machine's clock. If that is set back by an hour, a pause lasts
an hour longer. This module must not change the SDK's modules: other workers use them too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any, TypeVar

__all__ = ["with_steady_clock"]

_Method = TypeVar("_Method", bound=Callable[..., Any])


class _SteadyTime:
    """Stands in for the module ``time``.

    Its ``time()`` starts at the machine's, because the SDK compares it with what it noted before.
    """

    def __init__(self) -> None:
        self._origin = time.time() - time.monotonic()

    def time(self) -> float:
        return self._origin + time.monotonic()

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


def with_steady_clock(method: _Method) -> _Method:
    """Return a bound method that does the same, and gets its time from the monotonic clock.

    What is no method of a class, or does not read the clock as ``time.time()``, is returned as it
    is: a method that is replaced already, or one of a subclass of the user's own.

    Args:
        method: A bound method.
    """
    function = getattr(method, "__func__", None)
    if not isinstance(function, FunctionType) or function.__globals__.get("time") is not time:
        return method
    names = {**function.__globals__, "time": _SteadyTime()}
    steady = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    steady.__kwdefaults__ = function.__kwdefaults__
    return MethodType(steady, method.__self__)  # type: ignore[attr-defined,return-value]  # is bound
