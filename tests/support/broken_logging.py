"""A user's logging handler that raises at each line."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["InterruptError", "RaisingHandler", "handling"]


class InterruptError(BaseException):
    """What a handler raises to end a program or a thread; no ``Exception``."""


class RaisingHandler(logging.Handler):
    """Raises at each line, and counts them.

    Args:
        kind: What it raises.
    """

    def __init__(self, kind: type[BaseException] = ValueError) -> None:
        super().__init__()
        self.lines = 0
        self._kind = kind

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += 1
        raise self._kind("the handler is broken")


@contextmanager
def handling(handler: logging.Handler, name: str = "") -> Iterator[None]:
    """Give a logger this handler until the block ends; without a name, the root logger."""
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
