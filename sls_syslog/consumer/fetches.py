"""``Fetches``: where each fetched batch of a shard begins, and which gaps hold no logs.

Sans-I/O. The SDK fetches and processes at the same time, and each of the two may roll back. So a
batch must be delivered only if it begins where the last one ended.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

__all__ = ["Fetches"]

# Most batches, and most gaps, to remember. The SDK holds at most three batches of a shard, and does
# not tell which batches it has dropped.
_REMEMBERED = 16


class Fetches:
    """The batches and gaps between the cursors of one shard; any thread may add one.

    A gap is a part of the shard without logs.
    """

    def __init__(self) -> None:
        self._starts: OrderedDict[int, str] = OrderedDict()
        self._gaps: OrderedDict[str, str] = OrderedDict()

    def add_batch(self, batch: object, start: str) -> None:
        """Remember where a batch begins.

        Args:
            batch: The batch; the SDK hands this same object to ``process()``.
            start: The cursor from which it was fetched.
        """
        self._starts[id(batch)] = start
        _forget_oldest(self._starts)

    def add_gap(self, start: str, end: str) -> None:
        """Remember that no logs lie between two cursors."""
        if start != end:
            self._gaps[start] = end
            _forget_oldest(self._gaps)

    def pop_start(self, batch: object) -> str | None:
        """Return the cursor where a batch begins, and forget it; ``None`` if it is not known."""
        return self._starts.pop(id(batch), None)

    def skip_gaps(self, cursor: str) -> str:
        """Return the cursor after all gaps that begin at ``cursor``."""
        while cursor in self._gaps:
            cursor = self._gaps.pop(cursor)
        return cursor


def _forget_oldest(entries: OrderedDict[Any, Any]) -> None:
    while len(entries) > _REMEMBERED:
        entries.popitem(last=False)
