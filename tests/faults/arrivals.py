"""Read which ids arrived, and when, from the file that a receiver writes.

It must not count a line without its end: a killed server may leave half a line.
"""

from __future__ import annotations

import re
import threading
import time
from itertools import pairwise
from pathlib import Path

ID = re.compile(rb"\|\|n=(\d+);")
LOOK_SECONDS = 0.02  # poll interval of the file, so also the error of each arrival time


class Arrivals:
    """A context manager that follows a file in a thread while the block runs.

    Attributes:
        first: The time of each id's first arrival, by `time.monotonic`, within `LOOK_SECONDS`.
        total: The number of ids that came, including repeated ones.
        looks: The times at which ids came.
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

    def measure_silence(self, start: float) -> float:
        """Return the seconds since the last arrival, or since `start` if that is later."""
        return time.monotonic() - max([start, *self.looks[-1:]])

    def find_longest_wait(self, marks: list[float]) -> float:
        """Return the longest time from one of these moments to the next arrival; 0 if none came."""
        waits = (next((at - mark for at in self.looks if at >= mark), 0.0) for mark in marks)
        return max(waits, default=0.0)

    def find_longest_gap(self, since: float) -> float:
        """Return the longest time after `since` between two new ids."""
        new = [since, *sorted(at for at in self.first.values() if at > since)]
        return max((b - a for a, b in pairwise(new)), default=0.0)
