"""``SafeLogger``: a logger whose calls never raise: a failing handler must not stop a delivery.

A user's handler or filter may raise anything at any moment. ``Handler.handleError`` covers only
the ``emit`` of handlers that call it. Every log call of this library goes through this module.
"""

from __future__ import annotations

import logging
import traceback
from contextlib import suppress
from functools import partialmethod
from typing import Any

__all__ = ["SafeLogger"]

# The caller's frame, counted from that of `SafeLogger.log`.
_STACK_LEVEL = 2


class SafeLogger:
    """Logs to a logger of the standard library, and drops a line that this refuses to take.

    What went wrong is written to stderr, as ``logging`` does it, unless
    ``logging.raiseExceptions`` is false. An interrupt still passes.

    Args:
        name: The name of the logger.
        caught: What does not pass. ``BaseException`` is for the SDK's threads: an exception
            that passes there ends the worker, and Python interrupts the main thread only.
    """

    def __init__(self, name: str, *, caught: type[BaseException] = Exception) -> None:
        self._logger = logging.getLogger(name)
        self._caught = caught

    def log(self, level: int, text: str, *args: object, **options: Any) -> None:
        """Log a line; take the arguments of ``logging.Logger.log``."""
        try:
            self._logger.log(level, text, *args, stacklevel=_STACK_LEVEL, **options)
        except self._caught:
            if logging.raiseExceptions:
                with suppress(Exception):  # stderr may be closed, or missing
                    traceback.print_exc()

    debug = partialmethod(log, logging.DEBUG)
    info = partialmethod(log, logging.INFO)
    warning = partialmethod(log, logging.WARNING)
    error = partialmethod(log, logging.ERROR)
    critical = partialmethod(log, logging.CRITICAL)
