"""The server's side of a consumer group: owners of shards, heartbeats, checkpoints, eviction.

The states of a shard follow aliyun-log-consumer-java, README_EN.md, "Finite state automaton".
Sans-I/O: it must not touch the network, sleep or take a lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from sls_syslog.testing.sls_shard import Shard, SlsError, decode_cursor

__all__ = ["Checkpoint", "ConsumerGroup", "ServerRules", "ShardState"]


@dataclass(frozen=True, kw_only=True)
class ServerRules:
    """Switches for behaviour that the documentation of the real service leaves open.

    Attributes:
        honour_force_success: True stores a checkpoint with forceSuccess from any consumer. False
            refuses it with ConsumerNotMatch unless the consumer owns the shard.
        refuse_expired_cursor: True answers a cursor before the oldest log with InvalidCursor. False
            serves the oldest log instead.
        over_at_heartbeat: True checks at each heartbeat whether a read-only shard is consumed.
            False checks it only when a checkpoint is stored, as the Java README says.
        reads_per_second: Limit of PullLogs per shard and second. Above it the answer is
            ShardReadQuotaExceed. None means no limit (the service has 100).
        most_consumer_groups: Limit of consumer groups of a Logstore. Above it the answer is
            ConsumerGroupQuotaExceed, whose status is not documented.
    """

    honour_force_success: bool = True
    refuse_expired_cursor: bool = True
    over_at_heartbeat: bool = True
    reads_per_second: int | None = None
    most_consumer_groups: int = 30


class ShardState(Enum):
    """The states of a shard in a consumer group."""

    WAIT = "wait"  # its parents are not consumed yet (only in groups with order)
    NOT_ALLOC = "not_alloc"
    ALREADY_ALLOC = "already_alloc"
    TRANSFER = "transfer"  # its owner must release it before the next owner gets it
    OVER = "over"  # read-only, and consumed to its end


@dataclass
class _Assignment:
    state: ShardState = ShardState.WAIT
    owner: str | None = None
    next_owner: str | None = None

    @property
    def destination(self) -> str | None:
        return self.next_owner or self.owner

    def give(self, state: ShardState, owner: str | None = None, heir: str | None = None) -> None:
        self.state, self.owner, self.next_owner = state, owner, heir


@dataclass(frozen=True)
class Checkpoint:
    """A stored checkpoint.

    Attributes:
        cursor: The cursor of the first LogGroup that is not consumed yet.
        updated: The time when it was stored, in seconds since the epoch.
        consumer: The consumer that stored it.
    """

    cursor: str
    updated: float
    consumer: str


class ConsumerGroup:
    """The state of one consumer group of a Logstore.

    Args:
        name: The name of the group.
        timeout: Seconds without a heartbeat after which a consumer is evicted.
        in_order: Whether the children of a split shard wait until the parent is consumed.
        shards: The Logstore's live mapping of shards by number.
        clock: Returns seconds since the epoch.
        rules: The switches.
    """

    def __init__(
        self,
        name: str,
        *,
        timeout: float,
        in_order: bool,
        shards: Mapping[int, Shard],
        clock: Callable[[], float],
        rules: ServerRules,
    ) -> None:
        self.name = name
        self.timeout = timeout
        self.in_order = in_order
        self.checkpoints: dict[int, Checkpoint] = {}
        self._shards = shards
        self._clock = clock
        self._rules = rules
        self._assignments: dict[int, _Assignment] = {}
        self._last_heartbeat: dict[str, float] = {}

    def accept_heartbeat(self, consumer: str, held: Iterable[int]) -> list[int]:
        """Note a consumer's heartbeat and return the shards that it may consume.

        Args:
            consumer: The name of the consumer.
            held: The shards that it has not released yet, its own and others.

        Returns:
            The numbers of its shards, without those that it must hand over.

        Raises:
            SlsError: NotExistConsumerWithBody, if an unknown or evicted consumer holds shards.
        """
        self._evict_silent()
        held = set(held)
        if held and consumer not in self._last_heartbeat:
            raise SlsError(400, "NotExistConsumerWithBody", f"consumer {consumer} does not exist")
        self._last_heartbeat[consumer] = self._clock()
        self._hand_over(consumer, held)
        self._settle()
        return [
            shard
            for shard, at in self._assignments.items()
            if at.owner == consumer and at.state is ShardState.ALREADY_ALLOC
        ]

    def save_checkpoint(self, shard: int, cursor: str, *, consumer: str, force: bool) -> None:
        """Store a shard's checkpoint. If it is the end of a read-only shard, the shard is over.

        Raises:
            SlsError: ShardNotExist or InvalidShardCheckPoint. Without ``force`` also
                ConsumerNotExist or ConsumerNotMatch.
        """
        self.refresh()
        self._require_valid(shard, cursor)
        if not (force and self._rules.honour_force_success):
            self._require_owner(shard, consumer)
        self.checkpoints[shard] = Checkpoint(cursor, self._clock(), consumer)
        if self._assignments[shard].state is ShardState.OVER:
            self._assignments[shard].give(ShardState.NOT_ALLOC)
        self._close_if_consumed(shard)

    def evict(self, consumer: str) -> None:
        """Remove a consumer at once. Free its shards, and cancel transfers to it.

        Raises:
            SlsError: ConsumerNotExist.
        """
        self._require_known(consumer)
        del self._last_heartbeat[consumer]
        for at in self._assignments.values():
            if at.owner == consumer:
                at.give(ShardState.NOT_ALLOC)
            elif at.next_owner == consumer:
                at.give(ShardState.ALREADY_ALLOC, at.owner)

    def refresh(self) -> None:
        """Evict silent consumers and assign free shards, as the server does on its own."""
        self._evict_silent()
        self._settle()

    def list_owners(self) -> dict[int, str | None]:
        """Return the consumer that holds each shard. None means that no consumer holds it."""
        self.refresh()
        return {shard: at.owner for shard, at in self._assignments.items()}

    def list_states(self) -> dict[int, ShardState]:
        """Return the state of each shard."""
        self.refresh()
        return {shard: at.state for shard, at in self._assignments.items()}

    def is_consumed(self, shard: Shard) -> bool:
        """Return whether the stored checkpoint is the shard's end."""
        checkpoint = self.checkpoints.get(shard.id)
        return checkpoint is not None and decode_cursor(checkpoint.cursor) == shard.end

    def _evict_silent(self) -> None:
        deadline = self._clock() - self.timeout
        for consumer, last in list(self._last_heartbeat.items()):
            if last < deadline:
                self.evict(consumer)

    def _hand_over(self, consumer: str, held: set[int]) -> None:
        for shard, at in self._assignments.items():
            if at.state is ShardState.TRANSFER and at.owner == consumer and shard not in held:
                at.give(ShardState.ALREADY_ALLOC, at.next_owner)

    def _settle(self) -> None:
        for shard in self._shards.values():
            self._admit(shard)
        if self._last_heartbeat:
            self._share_out()
            self._balance()

    def _admit(self, shard: Shard) -> None:
        new = shard.id not in self._assignments
        at = self._assignments.setdefault(shard.id, _Assignment())
        if new or self._rules.over_at_heartbeat:
            self._close_if_consumed(shard.id)
        if at.state is ShardState.WAIT and self._is_ready(shard):
            at.give(ShardState.NOT_ALLOC)

    def _is_ready(self, shard: Shard) -> bool:
        return not self.in_order or all(
            self._assignments[parent].state is ShardState.OVER for parent in shard.parents
        )

    def _close_if_consumed(self, number: int) -> None:
        shard = self._shards[number]
        if shard.readonly and self.is_consumed(shard):
            self._assignments[number].give(ShardState.OVER)

    def _share_out(self) -> None:
        for at in self._assignments.values():
            if at.state is ShardState.NOT_ALLOC:
                at.give(ShardState.ALREADY_ALLOC, self._sort_by_load()[0])

    def _balance(self) -> None:
        """Move shards until the counts of any two consumers differ by at most one."""
        while True:
            order = self._sort_by_load()
            loads = self._count_loads()
            poorest, richest = order[0], order[-1]
            if loads[richest] - loads[poorest] <= 1:
                return
            self._move_one(richest, poorest)

    def _sort_by_load(self) -> list[str]:
        loads = self._count_loads()
        return sorted(self._last_heartbeat, key=lambda consumer: (loads[consumer], consumer))

    def _count_loads(self) -> Counter[str | None]:
        return Counter(at.destination for at in self._assignments.values())

    def _move_one(self, giver: str, taker: str) -> None:
        """Move one shard. Prefer to cancel a transfer: then no consumer must release a shard."""
        at = max(
            (at for at in self._assignments.values() if at.destination == giver),
            key=lambda at: (at.owner == taker, at.state is ShardState.TRANSFER),
        )
        if at.owner == taker:
            at.give(ShardState.ALREADY_ALLOC, taker)
        else:
            at.give(ShardState.TRANSFER, at.owner, taker)

    def _require_known(self, consumer: str) -> None:
        if consumer not in self._last_heartbeat:
            raise SlsError(404, "ConsumerNotExist", f"consumer {consumer} does not exist")

    def _require_owner(self, shard: int, consumer: str) -> None:
        self._require_known(consumer)
        if self._assignments[shard].owner != consumer:
            message = f"consumer {consumer} does not hold shard {shard}"
            raise SlsError(400, "ConsumerNotMatch", message)

    def _require_valid(self, number: int, cursor: str) -> None:
        shard = self._shards.get(number)
        if shard is None:
            raise SlsError(404, "ShardNotExist", f"shard {number} does not exist")
        try:
            valid = shard.origin <= decode_cursor(cursor) <= shard.end
        except ValueError:
            valid = False
        if not valid:
            raise SlsError(400, "InvalidShardCheckPoint", f"checkpoint {cursor!r} is invalid")
