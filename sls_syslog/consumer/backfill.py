"""``Backfill``: ends a worker when its group has delivered every log before a time.

The SDK ends a worker when its own shards have been idle for a minute, even if logs are unconfirmed
or other shards are not done. Here only checkpoints count: they never pass an unconfirmed log.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple

from aliyun.log.consumer import CursorPosition

from sls_syslog.consumer.first_look import read_sls_time
from sls_syslog.consumer.sdk import Answer, Worker
from sls_syslog.consumer.start import format_time, read_start_time
from sls_syslog.delivery.ledger import ShipperStats
from sls_syslog.errors import SettingsError
from sls_syslog.logs.event_ids import read_cursor
from sls_syslog.safe_logger import SafeLogger
from sls_syslog.throttle import throttle

__all__ = ["Backfill"]

logger = SafeLogger("sls_syslog.consumer", caught=BaseException)

# Seconds between two questions to SLS whether all is delivered; each question is two requests. The
# pause grows from the first value to the second, and is short again when a shard is at the end.
_SHORT_PAUSE, _LONG_PAUSE, _GROWTH = 0.5, 10.0, 1.5
# Seconds after the end until its cursors count as final: what SLS received just before may not be
# readable at once.
_SETTLE_SECONDS = 5.0
_COUNTED = ("received", "confirmed", "filtered")


class _End(NamedTuple):
    """Where a range ends in a shard.

    Attributes:
        cursor: The cursor after the last log of the range.
        is_final: Whether SLS can receive no more logs before it.
    """

    cursor: str
    is_final: bool


class Backfill:
    """The end of a range of logs, for one worker that has not started yet.

    Args:
        worker: The worker. All consumers of its group must have the same range.
        end: Logs that SLS received before this time are shipped, in seconds since 1970.
        stats: The ledger of the processors; ``None`` if they have none.

    Attributes:
        is_done: Whether the group has delivered every log of the range.
        problem: Why the range cannot be shipped; ``None`` if it can.
    """

    def __init__(self, worker: Worker, end: int, stats: ShipperStats | None) -> None:
        self.is_done = False
        self.problem: SettingsError | None = None
        self._worker = worker
        self._client = worker.consumer_client
        self._end = end
        self._stats = stats
        self._ends: dict[int, _End] = {}
        self._checked: set[int] = set()
        self._at_end: set[int] = set()  # shards of this worker that are fetched completely
        self._looking: Future[None] | None = None
        self._looked_at = self._begun = time.monotonic()
        self._pause = _SHORT_PAUSE
        self._before = self._count_logs()

    def __str__(self) -> str:
        start = read_start_time(self._worker.option)
        since = f"from {format_time(start)} on and " if start is not None else ""
        return f"{since}before {format_time(self._end)}"

    @property
    def is_future(self) -> bool:
        """Whether SLS still receives logs of the range, by the clock of this machine."""
        return time.time() < self._end

    def find_end(self, shard: int, cursor: str) -> str | None:
        """Return the cursor at which a fetch must end; ``None`` if there is nothing to fetch.

        The SDK asks for it once for each shard. If the end is in the future, SLS answers with the
        present end of the shard, and the SDK never fetches what comes later.

        Args:
            shard: The number of the shard.
            cursor: The cursor from which to fetch.

        Raises:
            LogException: If SLS does not answer.
        """
        if shard not in self._checked:
            self._check_start(shard, cursor)
            self._checked.add(shard)
        if self.problem is not None:
            return None
        known = self._ends.get(shard)
        if known is None or (not known.is_final and _has_reached(cursor, known.cursor)):
            known = self._ask_end(shard)
        if not _has_reached(cursor, known.cursor):
            self._at_end.discard(shard)
            return known.cursor
        if shard not in self._at_end:
            self._at_end.add(shard)
            self._pause = _SHORT_PAUSE
        return None

    def poll(self) -> None:
        """Ask SLS now and then whether all is delivered, in a thread of the worker's pool."""
        now = time.monotonic()
        is_asking = self._looking is not None and not self._looking.done()
        is_behind = bool(set(self._worker.shard_consumers) - self._at_end)
        if is_asking or is_behind or self._worker.shut_down_flag:
            return
        if now < self._looked_at + self._pause:
            return
        self._looked_at = now
        self._pause = min(self._pause * _GROWTH, _LONG_PAUSE)
        with suppress(RuntimeError):  # the worker has just ended, and its pool with it
            self._looking = self._worker.executor.submit(self._look)

    def describe_result(self) -> str:
        """Describe what was shipped."""
        counts = {kind: now - self._before[kind] for kind, now in self._count_logs().items()}
        seconds = time.monotonic() - self._begun
        numbers = ", ".join(f"{number} {kind}" for kind, number in counts.items())
        own = f"; this worker: {numbers}" if self._stats is not None else ""
        return (
            f"the group has shipped all logs that SLS received {self}{own}; in {seconds:.0f} s."
            " Its other consumers count their own logs"
        )

    def _look(self) -> None:
        try:
            self.is_done = self.is_done or self._is_delivered()
        except Exception as error:
            if throttle.is_due("backfill", type(error)):
                logger.warning("cannot ask SLS whether the range is done (%s), will retry", error)

    def _is_delivered(self) -> bool:
        """Return whether each checkpoint of the group is at the end of the range or beyond it.

        Raises:
            LogException: If SLS does not answer.
        """
        client, group = self._client.mclient, self._client.mconsumer_group
        place = self._client.mproject, self._client.mlogstore
        listed = client.list_shards(*place)
        # A shard that appears later holds no log of the range.
        if not self._is_settled(listed):
            return False
        rows = client.get_check_point(*place, group).get_consumer_group_check_points()
        saved: Mapping[int, str] = {row["shard"]: row["checkpoint"] for row in rows}
        for shard in (info["shardID"] for info in listed.get_shards_info()):
            known = self._ends.get(shard)
            end = known if known is not None and known.is_final else self._ask_end(shard)
            # A shard without logs in the range may never be given to a consumer: in a group that
            # keeps the order, until its parent is read to the end, which is not in the range.
            cursor = saved.get(shard) or self._find_start(shard)
            if not (end.is_final and _has_reached(cursor, end.cursor)):
                return False
        return True

    def _ask_end(self, shard: int) -> _End:
        place = self._client.mproject, self._client.mlogstore, shard
        answer = self._client.mclient.get_cursor(*place, self._end)
        end = self._ends[shard] = _End(answer.get_cursor(), self._is_settled(answer))
        return end

    def _find_start(self, shard: int) -> str:
        """Return the cursor where the group begins with a shard."""
        option, client = self._worker.option, self._client
        if option.cursor_position is CursorPosition.BEGIN_CURSOR:
            return client.get_begin_cursor(shard)
        if option.cursor_position is CursorPosition.END_CURSOR:
            return client.get_end_cursor(shard)
        return client.get_cursor(shard, option.cursor_start_time)

    def _check_start(self, shard: int, cursor: str) -> None:
        """Note a problem if the group's checkpoint is before the range.

        Logs before the range would be shipped, and the group may be one that ships for ever.
        """
        if self._worker.option.cursor_position is not CursorPosition.SPECIAL_TIMER_CURSOR:
            return
        start = self._find_start(shard)
        is_before = not _has_reached(cursor, start) and _has_reached(start, cursor)
        # If the range begins with the oldest log, the logs at the checkpoint have expired.
        if not is_before or start == self._client.get_begin_cursor(shard):
            return
        group = self._client.mconsumer_group
        self.problem = SettingsError(
            "SLS_CG",
            f"shard {shard}: the checkpoint of group {group}"
            " is before the start of the range; give the range a consumer group of its own",
        )

    def _is_settled(self, answer: Answer) -> bool:
        """Return whether SLS had every log of the range when it gave an answer, by its clock."""
        return read_sls_time(answer) >= self._end + _SETTLE_SECONDS

    def _count_logs(self) -> dict[str, int]:
        """Count the logs of this group, as the ledger of this process has them."""
        counts = dict.fromkeys((*_COUNTED, "dropped"), 0)
        client = self._client
        group = f"{client.mproject}/{client.mlogstore}/{client.mconsumer_group}/"
        shards = self._stats.snapshot()["shards"] if self._stats is not None else {}
        for name, numbers in shards.items():
            if name.startswith(group):
                counts["dropped"] += sum(numbers["dropped"].values())
                for kind in _COUNTED:
                    counts[kind] += numbers[kind]
        return counts


def _has_reached(cursor: str, end: str) -> bool:
    """Return whether a cursor is at another one or after it; only SLS can compare texts."""
    here, there = read_cursor(cursor), read_cursor(end)
    return cursor == end if here is None or there is None else here >= there
