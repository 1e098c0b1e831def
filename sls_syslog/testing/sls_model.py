"""The state of the emulated service: Logstores with their shards and consumer groups.

One lock guards all of it. The caller takes the lock: ``with model.changed:``. Sans-I/O: it must not
touch the network, sleep or log.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise
from typing import TypeVar

from sls_syslog.testing.sls_consumer_group import ConsumerGroup, ServerRules
from sls_syslog.testing.sls_shard import KEY_SPACE_END, Shard, SlsError, decode_cursor

__all__ = ["Logstore", "SlsModel"]

_T = TypeVar("_T")
_K = TypeVar("_K")


class Logstore:
    """One Logstore.

    Args:
        name: The name of the Logstore.
        shards: The number of shards. They divide the hash keys evenly.
        clock: Returns seconds since the epoch.
        rules: The switches.

    Raises:
        ValueError: If ``shards`` is less than one.
    """

    def __init__(
        self, name: str, shards: int, clock: Callable[[], float], rules: ServerRules
    ) -> None:
        if shards < 1:
            raise ValueError(f"shards: expected at least one, got {shards}")
        self.name = name
        self.shards: dict[int, Shard] = {}
        self.consumer_groups: dict[str, ConsumerGroup] = {}
        self.clock = clock
        self._rules = rules
        self._puts = 0
        self._reads: dict[int, tuple[int, int]] = {}
        bounds = [KEY_SPACE_END * number // shards for number in range(shards + 1)]
        for begin, end in pairwise(bounds):
            self._add_shard(begin, end)

    def get_shard(self, number: int) -> Shard:
        """Return a shard.

        Raises:
            SlsError: ShardNotExist.
        """
        return _look_up(self.shards, number, "ShardNotExist", "shard")

    def get_consumer_group(self, name: str) -> ConsumerGroup:
        """Return a consumer group.

        Raises:
            SlsError: ConsumerGroupNotExist.
        """
        return _look_up(self.consumer_groups, name, "ConsumerGroupNotExist", "consumer group")

    def put(self, log_group: bytes, shard: int | None = None) -> int:
        """Store one LogGroup.

        Args:
            log_group: The encoded group. It is stored unchanged.
            shard: The number of the shard. None takes the writable shards in turn.

        Returns:
            The number of the shard that stores the group.

        Raises:
            SlsError: ShardNotExist, or ShardNotWritable for a read-only shard.
        """
        target = self._pick_writable() if shard is None else self.get_shard(shard)
        if target.readonly:
            raise SlsError(400, "ShardNotWritable", f"shard {target.id} is read-only")
        target.append(log_group, self.clock())
        return target.id

    def find_shard_by_key(self, key: int) -> Shard:
        """Return the writable shard of a hash key (for PutLogs with a route key)."""
        key = min(key, KEY_SPACE_END - 1)
        return next(shard for shard in self.shards.values() if shard.covers(key))

    def pull(
        self, number: int, cursor: str, count: int, end_cursor: str | None = None
    ) -> tuple[int, list[bytes]]:
        """Read LogGroups.

        Args:
            number: The number of the shard.
            cursor: The cursor of the first group to read.
            count: The largest number of groups.
            end_cursor: The cursor of the first group not to read. None reads to the end.

        Returns:
            The position of the first group read, and the groups.

        Raises:
            SlsError: ShardNotExist, InvalidCursor, ShardReadQuotaExceed.
        """
        shard = self.get_shard(number)
        self._count_read(number)
        position = self.find_position(shard, cursor)
        end = None if end_cursor is None else self.find_position(shard, end_cursor)
        return position, shard.read(position, count, end)

    def split(self, number: int, key: int | None = None) -> list[Shard]:
        """Split a writable shard in two. It becomes read-only.

        Args:
            number: The number of the shard.
            key: The first hash key of the second child. None halves the range.

        Returns:
            The shard and its two children.

        Raises:
            SlsError: ShardNotExist; ParameterInvalid for a read-only shard or a key outside it.
        """
        shard = self.get_shard(number)
        middle = (shard.begin_key + shard.end_key) // 2 if key is None else key
        if shard.readonly or not shard.begin_key < middle < shard.end_key:
            raise SlsError(400, "ParameterInvalid", f"shard {number} cannot be split there")
        shard.readonly = True
        bounds = ((shard.begin_key, middle), (middle, shard.end_key))
        return [shard, *(self._add_shard(*pair, parents=(number,)) for pair in bounds)]

    def merge(self, number: int) -> list[Shard]:
        """Merge a writable shard with the one to the right of it. Both become read-only.

        Args:
            number: The number of the left shard.

        Returns:
            The new shard and its two parents.

        Raises:
            SlsError: ShardNotExist; ParameterInvalid if there are no two such shards.
        """
        left = self.get_shard(number)
        writable = {shard.begin_key: shard for shard in self.shards.values() if not shard.readonly}
        right = writable.get(left.end_key)
        if left.readonly or right is None:
            raise SlsError(400, "ParameterInvalid", f"shard {number} cannot be merged")
        left.readonly = right.readonly = True
        parents = (left.id, right.id)
        return [self._add_shard(left.begin_key, right.end_key, parents), left, right]

    def add_consumer_group(self, name: str, *, timeout: float, in_order: bool) -> None:
        """Create a consumer group.

        Raises:
            SlsError: ConsumerGroupAlreadyExist, ConsumerGroupQuotaExceed.
        """
        if name in self.consumer_groups:
            raise SlsError(400, "ConsumerGroupAlreadyExist", f"consumer group {name} exists")
        if len(self.consumer_groups) >= self._rules.most_consumer_groups:
            message = f"at most {self._rules.most_consumer_groups} consumer groups"
            raise SlsError(400, "ConsumerGroupQuotaExceed", message)
        self.consumer_groups[name] = ConsumerGroup(
            name,
            timeout=timeout,
            in_order=in_order,
            shards=self.shards,
            clock=self.clock,
            rules=self._rules,
        )

    def _add_shard(self, begin: int, end: int, parents: tuple[int, ...] = ()) -> Shard:
        shard = Shard(len(self.shards), begin, end, self.clock(), parents)
        self.shards[shard.id] = shard
        return shard

    def _pick_writable(self) -> Shard:
        writable = [shard for shard in self.shards.values() if not shard.readonly]
        self._puts += 1
        return writable[(self._puts - 1) % len(writable)]

    def find_position(self, shard: Shard, cursor: str) -> int:
        """Return the position in a shard that a cursor names.

        Raises:
            SlsError: InvalidCursor, if it is not a cursor, or outside of the shard's logs.
        """
        try:
            position = decode_cursor(cursor)
        except ValueError:
            position = -1
        if shard.origin <= position < shard.begin and not self._rules.refuse_expired_cursor:
            return shard.begin
        if not shard.begin <= position <= shard.end:
            raise SlsError(400, "InvalidCursor", "this cursor is invalid")
        return position

    def _count_read(self, number: int) -> None:
        second, limit = int(self.clock()), self._rules.reads_per_second
        last, count = self._reads.get(number, (second, 0))
        count = count + 1 if last == second else 1
        self._reads[number] = (second, count)
        if limit is not None and count > limit:
            raise SlsError(403, "ShardReadQuotaExceed", "shard read qps exceed quota limits")


class SlsModel:
    """The Logstores of one project.

    Args:
        clock: Returns seconds since the epoch.
        rules: The switches.
    """

    def __init__(self, clock: Callable[[], float], rules: ServerRules) -> None:
        # The lock of everything below. Wait on it for a change, for example of a checkpoint.
        self.changed = threading.Condition()
        self.logstores: dict[str, Logstore] = {}
        self.clock = clock
        self._rules = rules

    def create_logstore(self, name: str, shards: int) -> None:
        """Create a Logstore.

        Raises:
            SlsError: LogStoreAlreadyExist.
        """
        if name in self.logstores:
            raise SlsError(400, "LogStoreAlreadyExist", f"logstore {name} already exists")
        self.logstores[name] = Logstore(name, shards, self.clock, self._rules)

    def get_logstore(self, name: str) -> Logstore:
        """Return a Logstore.

        Raises:
            SlsError: LogStoreNotExist.
        """
        return _look_up(self.logstores, name, "LogStoreNotExist", "logstore")


def _look_up(table: dict[_K, _T], key: _K, code: str, kind: str) -> _T:
    try:
        return table[key]
    except KeyError:
        raise SlsError(404, code, f"{kind} {key} does not exist") from None
