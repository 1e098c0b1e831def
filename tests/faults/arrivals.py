"""Which ids have arrived, and when: read from the file that a receiver writes.

It must never count a line before its end is there: a killed server may leave half of one.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

ID = re.compile(rb"\|\|n=(\d+);")
LOOK_SECONDS = 0.02


class Arrivals:
    """Follows a file in a thread of its own, from the beginning of the block to its end.

    Attributes:
        first: When each id came first, by `time.monotonic`, within `LOOK_SECONDS`.
        total: How many ids came, repeated ones included.
        looks: When something came.
    """

    def __init__(self, path: Path) -> None:
        self.first: dict[int, float] = {}
        self.total = 0
        self.looks: list[float] = []
        self._path = path
        self._at = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="arrivals", daemon=True)

    def __enter__(self) -> Arrivals:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._end.wait(LOOK_SECONDS):
            if self._path.exists():
                self._look()

    def _look(self) -> None:
        with self._path.open("rb") as file:
            file.seek(self._at)
            whole = file.read().rpartition(b"\n")[0]
        if not whole:
            return
        self._at += len(whole) + 1
        now = time.monotonic()
        found = ID.findall(whole)
        for number in found:
            self.first.setdefault(int(number), now)
        self.total += len(found)
        if found:
            self.looks.append(now)

    def quiet_since(self, start: float) -> float:
        """Seconds in which nothing has come, counted from `start` at the earliest."""
        return time.monotonic() - max([start, *self.looks[-1:]])

    def longest_wait(self, marks: list[float]) -> float:
        """The longest time from one of these moments to the next arrival; 0 where none came."""
        waits = (next((at - mark for at in self.looks if at >= mark), 0.0) for mark in marks)
        return max(waits, default=0.0)

    def longest_gap(self, since: float) -> float:
        """The longest time after `since` without a new id, while any was still to come."""
        new = [since, *sorted(at for at in self.first.values() if at > since)]
        return max((b - a for a, b in pairwise(new)), default=0.0)


def until(condition: Callable[[], bool], timeout: float) -> bool:
    """Whether a condition came true in time."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(LOOK_SECONDS)
    return True
