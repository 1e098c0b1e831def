"""``Fetches``: where each fetched batch of a shard begins, and which gaps hold no logs.

Sans-I/O. The SDK fetches and processes at the same time, and each of the two may roll back. So a
batch must be delivered only if it begins where the last one ended.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, TypeAlias

from sls_syslog.logs.protobuf import LogGroupList

__all__ = ["Fetched", "Fetches"]

Fetched: TypeAlias = "tuple[LogGroupList, bytes | None]"
"""A batch, and the bytes from which the SDK parsed it, if they are known."""

# Most batches, and most gaps, to remember. The SDK holds at most three batches of a shard, and does
# not tell which batches it has dropped.
_REMEMBERED = 16
# Most bodies to keep: of the batch that is fetched, and of the one that waits.
_BODIES = 2


class Fetches:
    """The batches and gaps between the cursors of one shard; any thread may add one.

    A gap is a part of the shard without logs.
    """

    def __init__(self) -> None:
        self._starts: OrderedDict[int, str] = OrderedDict()
        self._gaps: OrderedDict[str, str] = OrderedDict()
        # With their batches, so that no other object gets the identity of one.
        self._bodies: OrderedDict[int, tuple[object, bytes]] = OrderedDict()

    def add_batch(self, batch: object, start: str) -> None:
        """Remember where a batch begins.

        Args:
            batch: The batch; the SDK hands this same object to ``process()``.
            start: The cursor from which it was fetched.
        """
        self._starts[id(batch)] = start
        _forget_oldest(self._starts)

    def add_body(self, batch: object, body: bytes) -> None:
        """Keep the bytes from which the SDK parsed a batch, until a few batches later."""
        self._bodies[id(batch)] = (batch, body)
        _forget_oldest(self._bodies, _BODIES)

    def pop_body(self, batch: object) -> bytes | None:
        """Return the bytes of a batch, and forget them; ``None`` if they are not known."""
        kept, body = self._bodies.pop(id(batch), (None, None))
        return body if kept is batch else None

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


def _forget_oldest(entries: OrderedDict[Any, Any], most: int = _REMEMBERED) -> None:
    while len(entries) > most:
        entries.popitem(last=False)
