"""The local time zone of this process, which the C library and the library under test follow."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["local_zone"]


@contextmanager
def local_zone(name: str | None) -> Iterator[None]:
    """This process in another zone: a name, or ``:`` and a file. ``None`` changes nothing.

    No other thread may look at the clock meanwhile.
    """
    before = os.environ.get("TZ")
    if name is not None:
        os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ", None)
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()
