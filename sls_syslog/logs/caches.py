"""``LogCache``: keeps what was made from the texts of logs, bounded in bytes.

Whoever writes logs chooses the keys of these caches, their number and their length. All caches of
this kind share one ``Budget``. ``functools.lru_cache`` must not have such keys: it bounds a number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakValueDictionary

__all__ = ["BUDGET", "TOO_LARGE", "Budget", "LogCache", "weigh"]

TOO_LARGE = 2**62
"""The bytes of an entry that no cache keeps."""

_K = TypeVar("_K")
_V = TypeVar("_V")

_ENTRY = 200  # bytes of an entry besides its texts: the place in the dict, tuples, small objects
_TEXT = 100  # bytes of a text besides its characters, and of what is made for it


class Budget:
    """Bytes that some caches may take together.

    If they take more, all of them are emptied, because what one holds often keeps alive what
    another one holds. Threads may share it without a lock: the sum is soft, and each emptying
    starts it again from what the caches hold.

    Args:
        limit: The most bytes, as ``weigh`` estimates them.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._added = 0
        self._caches: WeakValueDictionary[int, LogCache[Any, Any]] = WeakValueDictionary()

    def join(self, cache: LogCache[Any, Any]) -> None:
        """Let a cache take part, for as long as it lives."""
        self._caches[id(cache)] = cache

    def spend(self, size: int) -> bool:
        """Take bytes for an entry.

        Args:
            size: Bytes of the entry.

        Returns:
            Whether to keep the entry.
        """
        if self.is_too_large(size):
            return False
        self._added += size
        if self._added > self.limit:
            # What was added includes what has gone since, with its cache or when that was cleared.
            if self.measure() > self.limit // 2:
                self.clear()
            self._added = self.measure() + size
        return True

    def is_too_large(self, size: int) -> bool:
        """Whether an entry of these bytes is not kept: it would only drive out the others."""
        return size > self.limit // 8

    def measure(self) -> int:
        """Sum up the bytes that the caches hold."""
        return sum(cache.size for cache in self._list_caches())

    def clear(self) -> None:
        """Empty all caches."""
        for cache in self._list_caches():
            cache.clear()

    def _list_caches(self) -> list[LogCache[Any, Any]]:
        found = (reference() for reference in self._caches.valuerefs())
        return [cache for cache in found if cache is not None]


BUDGET = Budget(32 * 1024 * 1024)
"""The budget of this process: enough for 400 kinds of logs with 20 fields in CEF, or ten times as
many in JSON. Most Logstores have a few kinds."""


class LogCache(dict[_K, _V]):
    """A mapping that makes what it does not hold, and keeps it while the budget allows it.

    ``cache[key]`` is as quick as with a ``dict`` if the key is held.

    Args:
        make: Makes the value of a key; it may raise.
        weigh_key: Returns the bytes that a key and its value take.
        budget: The budget to take them from.
    """

    def __init__(
        self,
        make: Callable[[_K], _V],
        weigh_key: Callable[[_K], int],
        budget: Budget | None = None,
    ) -> None:
        self.size = 0
        self._make = make
        self._weigh_key = weigh_key
        self._budget = budget or BUDGET
        self._budget.join(self)

    def __missing__(self, key: _K) -> _V:
        value = self._make(key)
        size = self._weigh_key(key)
        if self._budget.spend(size):
            self.size += size
            self[key] = value
        return value

    def clear(self) -> None:
        """Forget everything."""
        self.size = 0
        super().clear()


def weigh(*parts: Any, times: int = 1, besides: int = 0) -> int:
    """Estimate the bytes of an entry.

    Args:
        parts: Texts, and tuples of texts; anything else has no weight of its own.
        times: How many copies of the texts the key and its value hold.
        besides: Bytes of the objects that the value holds besides the texts.

    Returns:
        The bytes.
    """
    return _ENTRY + besides + times * sum(map(_weigh_part, parts))


def _weigh_part(part: Any) -> int:
    if isinstance(part, tuple):
        return sum(map(_weigh_part, part))
    return _TEXT + len(part) if isinstance(part, (str, bytes)) else 0
