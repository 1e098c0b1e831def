"""``Fetches``: what was fetched of one shard, and from where.

Pure. The SDK's fetching and processing go on side by side, and either may be set back: a batch
is to be taken only if it begins where the last one ended.
"""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["Fetches"]

# The SDK holds three batches of a shard at most, and those that it has dropped are not heard of.
_REMEMBERED = 16


class Fetches:
    """The stretches of a shard between cursors: batches, and gaps where no logs are for us.

    Any thread may add one.
    """

    def __init__(self) -> None:
        self._begins: OrderedDict[int, str] = OrderedDict()
        self._gaps: OrderedDict[str, str] = OrderedDict()

    def add_batch(self, batch: object, start: str) -> None:
        """A batch was fetched from ``start``."""
        self._begins[id(batch)] = start  # the SDK hands on this very object
        _trim(self._begins)

    def add_gap(self, start: str, end: str) -> None:
        """Nothing lies between two cursors."""
        if start != end:
            self._gaps[start] = end
            _trim(self._gaps)

    def begin_of(self, batch: object) -> str | None:
        """Where a batch begins; ``None`` when it was fetched unseen."""
        return self._begins.pop(id(batch), None)

    def across_gaps(self, cursor: str) -> str:
        """The cursor behind all gaps that begin at this one."""
        while cursor in self._gaps:
            cursor = self._gaps.pop(cursor)
        return cursor


def _trim(stretches: OrderedDict[int, str] | OrderedDict[str, str]) -> None:
    while len(stretches) > _REMEMBERED:
        stretches.popitem(last=False)
