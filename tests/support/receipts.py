"""An emulator whose receive times a test chooses."""

from __future__ import annotations

import time
from typing import Any

from sls_syslog.testing import SlsEmulator

__all__ = ["SetClock", "Store"]

# Every shard is older than any log of a test.
_CREATED = 1_600_000_000.0


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


class Store(SlsEmulator):
    """A Logstore that receives logs, and splits and merges shards, at any moment."""

    def __init__(self, **options: Any) -> None:
        self.clock = SetClock()
        self.clock.now = _CREATED
        super().__init__(clock=self.clock, **options)
        self.clock.now = None

    def __enter__(self) -> Store:
        super().__enter__()
        return self

    def put(self, number: int, moment: float, shard: int = 0, **options: Any) -> None:
        """Receive one log, the field ``n`` of which is its number."""
        self.clock.now = moment
        self.put_logs([{"n": str(number)}], shard=shard, **options)
        self.clock.now = None

    def split(self, moment: float, shard: int = 0) -> tuple[int, ...]:
        """Split a shard; return the numbers of its children."""
        self.clock.now = moment
        children = self.split_shard(shard)
        self.clock.now = None
        return children

    def merge(self, moment: float, left: int) -> int:
        """Merge two shards; return the number of their child."""
        self.clock.now = moment
        child = self.merge_shards(left)
        self.clock.now = None
        return child
