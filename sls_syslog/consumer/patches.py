"""Guards around the SDK's calls whose failure would end a thread or skip logs.

Each wraps one bound method of one object of the SDK, once; nothing of the SDK's is changed
for anybody else. What they guard against is in the SDK's ``aliyun/log/consumer``.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from aliyun.log.consumer import ConsumerWorker
from aliyun.log.logexception import LogException
from aliyun.log.pulllog_response import PullLogResponse

from sls_syslog.throttle import throttle

__all__ = ["Fetching", "current_worker", "guard", "guard_client", "listen", "unguard"]

logger = logging.getLogger("sls_syslog.consumer")

_PULLS = 3
# The headers that the SDK looks for, of an answer without logs.
_NOTHING = {"x-log-count": "0", "x-log-bodyrawsize": "0"}
# Seconds for which a token that was just fetched is taken to be good.
_FRESH_TOKEN = 20.0


_guarding = threading.Lock()  # the shards of a worker begin side by side


class Fetching(Protocol):
    """What a shard's processor is told of the SDK's fetching."""

    def before_fetch(self, cursor: str) -> tuple[str, bool]:
        """The SDK is about to fetch from a cursor; answer from where it should, and if now."""
        ...

    def fetched(self, cursor: str, start: str, end: str, batch: Any, at_end: bool) -> None:
        """It has, and will go on at another; ``batch`` is ``None`` where nothing lies between.

        ``at_end``: SLS has nothing more.
        """
        ...

    def logs_expired(self) -> None:
        """SLS goes on at a later log than it was asked for."""
        ...


def current_worker() -> ConsumerWorker | None:
    """The worker that is making a processor now: the SDK does so in the worker's own thread."""
    thread = threading.current_thread()
    return thread if isinstance(thread, ConsumerWorker) else None


def guard(tracker: Any, processor: Fetching) -> None:
    """Guard a shard's checkpoint tracker, and the client that it shares with other shards."""
    if not isinstance(tracker.flush_check_point, _ReportingFlush):
        tracker.flush_check_point = _ReportingFlush(tracker.flush_check_point, tracker.shard_id)
    listen(tracker.consumer_group_client, tracker.shard_id, processor)


def listen(client: Any, shard: int, processor: Fetching) -> None:
    """Tell a processor of the fetching of its shard."""
    guard_client(client)
    client.pull_logs.processors[shard] = processor


def unguard(tracker: Any) -> None:
    """Tell the shard's processor no more: another consumer has the shard from now on."""
    tracker.consumer_group_client.pull_logs.processors.pop(tracker.shard_id, None)


def guard_client(client: Any) -> None:
    """Guard a worker's ``ConsumerClient``."""
    with _guarding:
        if not isinstance(client.pull_logs, _WatchedPull):
            client.pull_logs = _WatchedPull(client)
            client.heartbeat = _SteadyHeartbeat(client)
            client.mclient._replace_credentials = _SharedRefresh(client.mclient)


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
            if throttle.is_due("checkpoint", type(error)):
                logger.warning("shard %s: checkpoint not saved, will be: %s", self._shard, error)


class _SteadyHeartbeat:
    """``heartbeat`` that answers "failed" where it would raise.

    The SDK takes a failure for what it is, waits, and gives the shards up in time; an
    exception it meets with another heartbeat at once (``heart_beat.py``), a million a minute.
    """

    def __init__(self, client: Any) -> None:
        self._heartbeat: Callable[..., bool] = client.heartbeat
        self._beat = client.mclient.heart_beat
        client.mclient.heart_beat = self._watched_beat
        self.group_is_gone = False

    def __call__(self, shards: list[int], responce: list[int] | None = None) -> bool:
        try:
            return self._heartbeat(shards, responce)
        except Exception as error:
            if throttle.is_due("heartbeat", type(error)):
                logger.warning("heartbeat failed: %s: %s", type(error).__name__, error)
            return False

    def _watched_beat(self, *args: Any) -> Any:
        try:
            return self._beat(*args)
        except LogException as error:
            # The SDK makes the group when a worker is made, and then warns for ever.
            self.group_is_gone |= error.get_error_code() == "ConsumerGroupNotExist"
            raise


class _SharedRefresh:
    """``_replace_credentials`` by one thread for all that have met an expired token.

    The SDK would have each other thread, the heartbeat's too, sleep for five minutes
    (``logclient.py``).
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._refresh = client._replace_credentials
        self._refreshing = threading.Lock()

    def __call__(self) -> None:
        if not self._refreshing.acquire(timeout=1):
            return  # the SDK tries again, by then with the new token
        try:
            if time.time() - self._client._last_refresh < _FRESH_TOKEN:
                time.sleep(1)
            else:
                self._client._last_refresh = 0  # it is old enough, whatever the SDK says
                self._refresh()
        finally:
            self._refreshing.release()


class _WatchedPull:
    """``pull_logs`` that tells the shard's processor, and never skips logs unsaid.

    When a cursor is invalid the SDK would jump to the end of the shard without a word
    (``tasks.py``); this goes on at the oldest log there is.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._pull = client.pull_logs
        self.processors: dict[int, Fetching] = {}

    def __call__(self, shard_id: int, cursor: str, *args: Any, **options: Any) -> Any:
        processor = self.processors.get(shard_id)
        start, now = processor.before_fetch(cursor) if processor else (cursor, True)
        # With an end cursor the SDK would take an empty answer for the end, and stop.
        if not now and not options.get("end_cursor"):
            headers = {**_NOTHING, "x-log-cursor": cursor}
            return PullLogResponse(b"", headers)  # type: ignore[arg-type]  # bytes, in truth
        response = self._pull_from_oldest(shard_id, start, *args, **options)
        if processor:
            batch = response.get_loggroup_list()  # parsed: from here on nothing can fail
            end = response.get_next_cursor() or start
            empty = not response.get_loggroup_count()
            # Said with every answer; a server that does not has at least nothing here.
            told = response.get_header("x-log-end-of-cursor")
            at_end = told == "1" if told else empty and end == start
            processor.fetched(cursor, start, end, None if empty else batch, at_end)
        return response

    def _pull_from_oldest(self, shard_id: int, cursor: str, *args: Any, **options: Any) -> Any:
        start = cursor
        for _ in range(_PULLS):
            try:
                return self._pull(shard_id, start, *args, **options)
            except LogException as error:
                if "invalidcursor" not in error.get_error_code().lower():
                    raise
                start = self._client.get_begin_cursor(shard_id)
                if shard_id in self.processors:
                    self.processors[shard_id].logs_expired()
                if throttle.is_due("expired", id(self), shard_id, cursor):
                    logger.critical(
                        "shard %s: SLS no longer knows cursor %s: logs that expired before they"
                        " were shipped are gone; going on at the oldest one there is, %s",
                        shard_id,
                        cursor,
                        start,
                    )
        # Under its own name the SDK would jump after all; under this one it tries again.
        raise LogException("OldestCursorExpires", f"shard {shard_id} expires while it is read")
