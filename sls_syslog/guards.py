"""Guards around the SDK's calls whose failure would end a thread or skip logs.

Each wraps one bound method of one object of the SDK, once; nothing of the SDK's is changed
for anybody else. What they guard against is in the SDK's ``aliyun/log/consumer``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from aliyun.log.logexception import LogException

__all__ = ["guard", "guard_client"]

logger = logging.getLogger(__name__)

_PULLS = 3


def guard(tracker: Any) -> None:
    """Guard a shard's checkpoint tracker, and the client that it shares with other shards."""
    if not isinstance(tracker.flush_check_point, _ReportingFlush):
        tracker.flush_check_point = _ReportingFlush(tracker.flush_check_point, tracker.shard_id)
    guard_client(tracker.consumer_group_client)


def guard_client(client: Any) -> None:
    """Guard a worker's ``ConsumerClient``."""
    if not isinstance(client.pull_logs, _PullFromOldest):
        client.pull_logs = _PullFromOldest(client)
        client.heartbeat = _SteadyHeartbeat(client.heartbeat)


class _ReportingFlush:
    """``flush_check_point`` that reports instead of raising.

    The SDK flushes on its own too, and there an exception ends the worker's thread
    (``shard_worker.py``, when a shard has been idle) or drops a batch (``tasks.py``).
    What was not saved is saved by the next flush.
    """

    def __init__(self, flush: Callable[[], None], shard: int) -> None:
        self._flush = flush
        self._shard = shard

    def __call__(self) -> None:
        try:
            self._flush()
        except Exception as error:
            logger.warning("shard %s: checkpoint not saved, will be: %s", self._shard, error)


class _SteadyHeartbeat:
    """``heartbeat`` that answers "failed" where it would raise.

    The SDK takes a failure for what it is, waits, and gives the shards up in time; an
    exception it meets with another heartbeat at once (``heart_beat.py``), a million a minute.
    """

    def __init__(self, heartbeat: Callable[..., bool]) -> None:
        self._heartbeat = heartbeat

    def __call__(self, shards: list[int], responce: list[int] | None = None) -> bool:
        try:
            return self._heartbeat(shards, responce)
        except Exception as error:
            logger.warning("heartbeat failed: %s: %s", type(error).__name__, error)
            return False


class _PullFromOldest:
    """``pull_logs`` that goes on at the oldest log when a cursor is invalid.

    The SDK would jump to the end of the shard without a word (``tasks.py``).
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._pull = client.pull_logs

    def __call__(self, shard_id: int, cursor: str, *args: Any, **options: Any) -> Any:
        start = cursor
        for _ in range(_PULLS):
            try:
                return self._pull(shard_id, start, *args, **options)
            except LogException as error:
                if "invalidcursor" not in error.get_error_code().lower():
                    raise
                start = self._client.get_begin_cursor(shard_id)
                logger.critical(
                    "shard %s: SLS no longer knows cursor %s: logs that expired before they were"
                    " shipped are gone; going on at the oldest one there is, %s",
                    shard_id,
                    cursor,
                    start,
                )
        # Under its own name the SDK would jump after all; under this one it tries again.
        raise LogException("OldestCursorExpires", f"shard {shard_id} expires while it is read")
