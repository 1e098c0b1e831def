"""The only module that replaces parts of the SDK; ``PATCHES`` lists each part and the reason.

Each replacement is an attribute of one object of one worker; the SDK's classes stay as they are.
A replacement must not skip logs, and must not raise what the SDK cannot handle.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any, NamedTuple, Protocol, cast

from aliyun.log.consumer import ConsumerWorker
from aliyun.log.consumer.tasks import (  # type: ignore[attr-defined]  # its stub lacks them
    FetchTaskResult,
    InitTaskResult,
    ProcessTaskResult,
)
from aliyun.log.logexception import LogException
from aliyun.log.pulllog_response import PullLogResponse

from sls_syslog.consumer.adapter import REQUEST_SECONDS, SlsAdapter
from sls_syslog.consumer.backfill import Backfill
from sls_syslog.consumer.first_look import FirstLook
from sls_syslog.consumer.mistakes import check_processor
from sls_syslog.consumer.refresh import SharedRefresh
from sls_syslog.consumer.refusals import Refusals
from sls_syslog.consumer.sdk import (
    CheckpointTracker,
    ConsumerClient,
    HeartBeat,
    LogClient,
    Processor,
    PullResponse,
    ShardConsumer,
    Worker,
    WorkerLoop,
)
from sls_syslog.consumer.start import read_end
from sls_syslog.consumer.steady_clock import SteadyTime, WakingTime, with_steady_clock
from sls_syslog.delivery.ledger import ShipperStats
from sls_syslog.errors import short_repr
from sls_syslog.logs.groups import SentBatch
from sls_syslog.logs.protobuf import LogGroupList
from sls_syslog.safe_logger import SafeLogger
from sls_syslog.throttle import throttle

__all__ = [
    "PATCHES",
    "POOL_SIZE",
    "Beginning",
    "FetchListener",
    "HardenedWorker",
    "Patch",
    "PreparedWorker",
    "get_current_worker",
    "hide_arguments",
    "listen",
    "patch_client",
    "patch_tracker",
    "stop_listening",
]

logger = SafeLogger("sls_syslog.consumer", caught=BaseException)


class Patch(NamedTuple):
    """One replaced attribute: its owner, the replacement, and the hazards that it prevents."""

    owner: type
    attribute: str
    replacement: str
    hazards: str


PATCHES = (
    # By patch_tracker and patch_client, when a processor begins, also without run_worker().
    Patch(CheckpointTracker, "flush_check_point", "_ReportingFlush", "L6 S1"),
    Patch(ConsumerClient, "pull_logs", "_ListenedPull", "L3 L7 L11 S19 S20"),
    Patch(ConsumerClient, "get_end_cursor", "FirstLook", "L7"),
    Patch(ConsumerClient, "heartbeat", "_SteadyHeartbeat", "S11"),
    Patch(LogClient, "_send", "Refusals", "S22 S30"),
    Patch(LogClient, "_replace_credentials", "SharedRefresh", "S12 S29"),
    Patch(LogClient, "_session", "the same, with SlsAdapter as its only adapter", "S25 S27 S28"),
    # By PreparedWorker, which make_worker() makes.
    Patch(ConsumerClient, "ensure_consumer_group_created", "nothing: the group exists", "S24"),
    # By hide_arguments, when our processor is made in the worker's thread.
    Patch(Worker, "process_args", "_HiddenArguments", "S5"),
    Patch(Worker, "process_kwargs", "_HiddenKeywords", "S5"),
    # By HardenedWorker, under run_worker() only.
    Patch(LogClient, "timeout", "10 s for each wait; SlsAdapter bounds the request", "S10 S27"),
    Patch(HeartBeat, "daemon", "True", "S4"),
    Patch(HeartBeat, "run", "the same, with_steady_clock", "S29"),
    Patch(WorkerLoop, "run", "the same, with_steady_clock", "S29 S31"),
    Patch(WorkerLoop, "_need_stop", "False: Backfill knows when all is done", "L8"),
    Patch(WorkerLoop, "_get_shard_consumer", "_SteadyShards", "S29"),
    Patch(ShardConsumer, "fetch_data", "the same, with_steady_clock", "S29"),
    Patch(ShardConsumer, "_sample_log_error", "the same, with_steady_clock", "S29"),
    Patch(ShardConsumer, "executor", "_WakingExecutor", "S31"),
    Patch(Worker, "make_processor", "_ProcessorFactory", "S5"),
    Patch(Worker, "process_args", "empty: the SDK logs them, passwords included", "S5"),
    Patch(Worker, "process_kwargs", "empty: the SDK logs them, passwords included", "S5"),
    Patch(Worker, "shutdown_and_wait", "_shut_down_together", "S15"),
)
"""Every replaced attribute. Hazards are rows of ``docs/explanation/hazards.md``."""

POOL_SIZE = 128
"""Threads of one worker, and its connections to SLS. All shards share them for fetching, shipping
and shutting down. Shipping may wait for the receiver, so a large number keeps one slow shard from
holding up another. A thread starts only when there is work for it."""

# Most fetches in one call while SLS answers that the cursor has expired.
_FETCH_ATTEMPTS = 3
# The headers that PullLogResponse requires, for an answer without logs.
_EMPTY_HEADERS = {"x-log-count": "0", "x-log-bodyrawsize": "0", "x-log-end-of-cursor": "1"}
# Seconds between two steps of a shutdown; each step is cheap.
_SHUTDOWN_INTERVAL = 0.02

# Longest pause of the SDK's loop, in seconds, that is cut short when there is work: our default.
# Who sets a longer one wants fewer requests.
_LONGEST_CUT = 0.1
# Raw bytes, or groups, of a batch after which the SDK waits less than half a second for the next
# one (``shard_worker.py``): the shard has a backlog.
_BACKLOG_BYTES, _BACKLOG_GROUPS = 1024 * 1024, 100

_patching = threading.Lock()  # the shards of a worker begin at the same time


class Beginning(NamedTuple):
    """Where a shard began.

    Attributes:
        cursor: The cursor of the first log.
        is_saved: Whether this is a checkpoint of the consumer group.
    """

    cursor: str
    is_saved: bool


class FetchListener(Protocol):
    """Gets a call for each fetch of one shard by the SDK. No method may raise."""

    @property
    def beginning(self) -> Beginning | None:
        """Where the shard began; ``None`` before that."""
        ...

    @property
    def takes_bytes(self) -> bool:
        """Whether ``process()`` may get a ``SentBatch`` instead of the SDK's ``LogGroupList``."""
        ...

    @property
    def is_behind(self) -> bool:
        """Whether SLS may have more logs than are fetched."""
        ...

    def note_shard_end(self, cursor: str) -> None:
        """Note the cursor after the last log that SLS has now."""
        ...

    def choose_start(self, cursor: str) -> tuple[str, bool]:
        """Return the cursor to fetch from instead of ``cursor``, and whether to fetch now."""
        ...

    def note_fetch(
        self, cursor: str, start: str, end: str, batch: LogGroupList | None, is_at_end: bool
    ) -> None:
        """Note a fetch that has worked.

        Args:
            cursor: The cursor from which the SDK wanted to fetch.
            start: The cursor from which it fetched.
            end: The cursor from which it will fetch next.
            batch: What ``process()`` will get; ``None`` if no logs lie between start and end.
            is_at_end: Whether SLS has no logs after ``end``.
        """
        ...

    def note_fetch_failure(self, problem: str) -> None:
        """Note that a fetch has failed."""
        ...

    def note_expiry(self) -> None:
        """Note that logs have expired: SLS continues at a later log than requested."""
        ...


def get_current_worker() -> Worker | None:
    """Return the worker that makes a processor now; the SDK does so in the worker's thread."""
    thread = threading.current_thread()
    return thread if isinstance(thread, ConsumerWorker) else None


def hide_arguments() -> None:
    """Hide the arguments of the processor that is made now, in this thread's worker.

    If that fails, the SDK logs them (``worker.py``), and a plain dict of settings shows a password.
    """
    worker = get_current_worker()
    if worker is not None and worker.process_args:
        worker.process_args = _HiddenArguments(worker.process_args)
    if worker is not None and worker.process_kwargs:
        worker.process_kwargs = _HiddenKeywords(worker.process_kwargs)


def patch_tracker(tracker: CheckpointTracker, listener: FetchListener) -> None:
    """Patch a shard's checkpoint tracker and its client, and tell a listener about fetches."""
    if not isinstance(tracker.flush_check_point, _ReportingFlush):
        _replace(tracker, "flush_check_point", _ReportingFlush(tracker))
    listen(tracker.consumer_group_client, tracker.shard_id, listener)


def listen(client: ConsumerClient, shard: int, listener: FetchListener) -> None:
    """Tell a listener about the fetches for one shard."""
    patch_client(client).listeners[shard] = listener


def stop_listening(tracker: CheckpointTracker) -> None:
    """Stop telling the shard's listener about fetches: another consumer gets the shard."""
    patch_client(tracker.consumer_group_client).listeners.pop(tracker.shard_id, None)


def patch_client(client: ConsumerClient) -> _ListenedPull:
    """Patch a worker's client once; return its ``pull_logs``."""
    with _patching:
        pull = client.pull_logs
        if not isinstance(pull, _ListenedPull):
            adapter = SlsAdapter(POOL_SIZE)
            refusals = Refusals(client)
            pull = _ListenedPull(client, adapter, refusals)
            _replace(client, "get_end_cursor", pull.first_look)
            _replace(client, "heartbeat", _SteadyHeartbeat(client))
            refresh = SharedRefresh(client.mclient, lambda: adapter.is_impatient)
            _replace(client.mclient, "_replace_credentials", refresh)
            _replace(client.mclient, "_send", refusals)
            # One assignment: the heartbeat's thread may be about to choose an adapter.
            client.mclient._session.adapters = {"https://": adapter, "http://": adapter}
            _replace(client, "pull_logs", pull)  # last: if anything fails, all is done again
        return pull


def _replace(owner: object, attribute: str, replacement: object) -> None:
    """Replace a method on one object of the SDK."""
    setattr(owner, attribute, replacement)


class _HiddenArguments(tuple[Any, ...]):
    """A tuple that hides its values in log lines."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "(hidden)"


class _HiddenKeywords(dict[str, Any]):
    """A dict that hides its values in log lines."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "{hidden}"


def _steady(owner: object, *methods: str, clock: SteadyTime | None = None) -> None:
    """Replace methods by the same ones with a clock that nobody sets."""
    for name in methods:
        _replace(owner, name, with_steady_clock(getattr(owner, name), clock))


class _ReportingFlush:
    """``flush_check_point`` that reports an error instead of raising it.

    The SDK also calls it without us. An exception there ends the worker's thread
    (``shard_worker.py``, when a shard has been idle) or drops a batch (``tasks.py``).
    The next flush saves what this one could not.
    """

    def __init__(self, tracker: CheckpointTracker) -> None:
        self._flush = tracker.flush_check_point
        self._shard = tracker.shard_id

    def __call__(self) -> None:
        try:
            self._flush()
        except Exception as error:
            if throttle.is_due("checkpoint", type(error)):
                logger.warning(
                    "shard %s: checkpoint not saved (%s), will retry", self._shard, error
                )


class _SteadyHeartbeat:
    """``heartbeat`` that returns ``False``, which means "failed", instead of raising.

    After ``False`` the SDK pauses, and gives the shards up in time. After an exception it sends the
    next heartbeat at once (``heart_beat.py``): a million per minute.
    """

    def __init__(self, client: ConsumerClient) -> None:
        self._heartbeat = client.heartbeat

    def __call__(self, shards: list[int], responce: list[int] | None = None) -> bool:
        try:
            return self._heartbeat(shards, responce)
        except Exception as error:
            if throttle.is_due("heartbeat", type(error)):
                logger.warning(
                    "heartbeat to SLS failed (%s: %s), will retry", type(error).__name__, error
                )
            return False


class _ListenedPull:
    """``pull_logs`` that tells each shard's listener, and never skips readable logs.

    If a cursor is invalid, the SDK continues at the end of the shard and reports nothing
    (``tasks.py``). This ``pull_logs`` continues at the oldest log, and reports the loss.

    Attributes:
        listeners: The listeners by shard.
        adapter: The connections of the client.
        refusals: What SLS refuses.
        backfill: Says where to end; ``None`` to ship for ever, and without ``run_worker``.
        first_look: Knows where the group was when the worker came.
    """

    def __init__(self, client: ConsumerClient, adapter: SlsAdapter, refusals: Refusals) -> None:
        self.backfill: Backfill | None = None
        self.first_look = FirstLook(client)
        self.adapter = adapter
        self.refusals = refusals
        self._client = client
        self._pull = client.pull_logs
        self.listeners: dict[int, FetchListener] = {}

    def __call__(self, shard_id: int, cursor: str, *args: Any, **options: Any) -> PullResponse:
        listener = self.listeners.get(shard_id)
        start, is_due = listener.choose_start(cursor) if listener else (cursor, True)
        # If there is an end cursor, the SDK reads an empty answer as the end, and stops.
        if not is_due and (self.backfill or not options.get("end_cursor")):
            return _make_empty_response(cursor)
        try:
            response = self._pull_from_oldest(shard_id, start, *args, **options)
            batch = _take_batch(response, listener.takes_bytes) if listener else None
        except Exception as error:
            if listener:
                listener.note_fetch_failure(_describe(error))
            raise
        if listener:
            end = response.get_next_cursor() or start
            is_empty = not response.get_loggroup_count()
            # If SLS does not send this header, an empty answer counts as the end.
            is_last = response.get_header("x-log-end-of-cursor")
            is_at_end = is_last == "1" if is_last else is_empty and end == start
            listener.note_fetch(cursor, start, end, None if is_empty else batch, is_at_end)
        return response

    def _pull_from_oldest(
        self, shard_id: int, cursor: str, *args: Any, **options: Any
    ) -> PullResponse:
        start = cursor
        for _ in range(_FETCH_ATTEMPTS):
            if self.backfill is not None:
                options["end_cursor"] = self.backfill.find_end(shard_id, start)
                # SLS is not asked: what it answers if the end is before the start is unknown.
                if options["end_cursor"] is None:
                    return _make_empty_response(start)
            try:
                return self._pull(shard_id, start, *args, **options)
            except LogException as error:
                if "invalidcursor" not in error.get_error_code().lower():
                    raise
                start = self._client.get_begin_cursor(shard_id)
                self._report_expiry(shard_id, cursor, start)
        # After the error's own code the SDK would skip to the end; after this code it retries.
        raise LogException(
            "OldestCursorExpires", f"shard {shard_id}: logs expire faster than they are read"
        )

    def _report_expiry(self, shard: int, cursor: str, oldest: str) -> None:
        if shard in self.listeners:
            self.listeners[shard].note_expiry()
        if throttle.is_due("expired", id(self), shard, cursor):
            logger.critical(
                "shard %s: SLS no longer knows cursor %s: logs expired before they were shipped and"
                " are lost; continuing with the oldest log, at cursor %s",
                shard,
                cursor,
                oldest,
            )


def _take_batch(response: PullResponse, takes_bytes: bool) -> LogGroupList:
    """Return the batch that ``process()`` will get; it is parsed now unless bytes are taken."""
    body = getattr(response, "_raw_uncompressed_body", None)  # until it is parsed
    if takes_bytes and isinstance(body, bytes):
        # Not the response itself: it would hold the batch, and the batch the response.
        parse = partial(_parse, body, response.get_all_headers())
        batch = SentBatch(body, parse)
        _replace(response, "get_loggroup_list", lambda: batch)
    return response.get_loggroup_list()


def _parse(body: bytes, headers: Mapping[str, str]) -> LogGroupList:
    response: PullResponse = PullLogResponse(body, headers)  # type: ignore[arg-type]  # see below
    try:
        return response.get_loggroup_list()
    except LogException as error:  # its text has the whole batch, in base64
        problem = f"a batch of {len(body)} bytes cannot be parsed"
        raise LogException(error.get_error_code(), problem) from None


def _make_empty_response(cursor: str) -> PullResponse:
    headers = {**_EMPTY_HEADERS, "x-log-cursor": cursor}
    return PullLogResponse(b"", headers)  # type: ignore[arg-type]  # it accepts bytes


class PreparedWorker(ConsumerWorker):
    """A ``ConsumerWorker`` whose constructor sends no request: its consumer group exists.

    The constructor makes its client, and then asks it to make the group. Between them it assigns
    the client to this property.
    """

    @property
    def consumer_client(self) -> ConsumerClient:
        """The requests to SLS of all shards."""
        return self._client

    @consumer_client.setter
    def consumer_client(self, client: ConsumerClient) -> None:
        _replace(client, "ensure_consumer_group_created", lambda *_: None)
        patch_client(client)
        self._client = client


class HardenedWorker:
    """A worker that has not started yet, with patches on its objects of the SDK.

    Args:
        worker: The worker.

    Attributes:
        worker: The worker.
        destination: The receivers of its processors, for log lines.
        stats: The ledger of its processors; ``None`` if they have none.
        listeners: The shards that it has, by their numbers.
        refusals: What SLS refuses.
        backfill: Knows when a range is done; ``None`` if the worker has no end.
        first_look: Knows where the group was when the worker came.

    Raises:
        SettingsError: If the settings of a processor are wrong, or the end of a range.
    """

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self._factory = _ProcessorFactory(worker)
        # Make one now: inside the worker, a wrong setting would only be a line in a log.
        processor = self._factory()
        check_processor(processor)
        settings = getattr(processor, "settings", None)
        self.destination = str(getattr(settings, "destination", "its receiver"))
        stats = getattr(processor, "stats", None)
        self.stats = stats if isinstance(stats, ShipperStats) else None
        worker.make_processor, worker.process_args, worker.process_kwargs = self._factory, (), {}
        client = worker.consumer_client
        patched = patch_client(client)
        self._adapter, self.refusals = patched.adapter, patched.refusals
        self.listeners = patched.listeners
        self.first_look = patched.first_look
        client.mclient.timeout = REQUEST_SECONDS
        self.backfill: Backfill | None = None
        if worker.option.cursor_end_time:
            end = read_end("cursor_end_time", worker.option.cursor_end_time)
            self.backfill = Backfill(worker, end, getattr(processor, "stats", None))
        patched.backfill = self.backfill
        worker.heart_beat.daemon = True  # else it keeps a dead worker's process and shards
        _replace(worker, "shutdown_and_wait", lambda: _shut_down_together(worker))
        _steady(worker.heart_beat, "run")
        clock = WakingTime(lambda: worker.option.data_fetch_interval)
        _steady(worker, "run", clock=clock)
        _replace(worker, "_need_stop", lambda: False)
        wake = clock.wake if worker.option.data_fetch_interval <= _LONGEST_CUT else None
        shards = _SteadyShards(cast("WorkerLoop", worker), wake)
        _replace(worker, "_get_shard_consumer", shards)

    @property
    def processor_error(self) -> Exception | None:
        """The error if a processor could not be made; the SDK ends the worker then."""
        return self._factory.error

    def hurry(self) -> None:
        """Make requests to SLS fail soon, because the program is about to stop."""
        self._adapter.hurry()

    def cut_late_requests(self) -> None:
        """Cut each request to SLS whose deadline has passed; call this often."""
        self._adapter.cut_late_requests()


class _SteadyShards:
    """``_get_shard_consumer`` whose shards measure their pauses with a clock that nobody sets.

    Args:
        worker: Their worker.
        wake: Cuts a pause of its loop short; ``None`` if all pauses are to be slept in full.
    """

    def __init__(self, worker: WorkerLoop, wake: Callable[[], None] | None) -> None:
        self._get = worker._get_shard_consumer
        self._wake = wake

    def __call__(self, shard_id: int) -> ShardConsumer | None:
        consumer = self._get(shard_id)
        if consumer is not None and "fetch_data" not in vars(consumer):
            _steady(consumer, "_sample_log_error", "fetch_data")
            if self._wake is not None:
                _replace(consumer, "executor", _WakingExecutor(consumer, self._wake))
        return consumer


class _WakingExecutor:
    """The executor of a shard, which wakes the worker's loop when a task has made work for it.

    Else a batch that is fetched waits for two rounds of the loop until it is shipped, and the next
    one after that. A failure wakes nobody, so that it is not repeated at once.
    """

    def __init__(self, consumer: ShardConsumer, wake: Callable[[], None]) -> None:
        self._consumer = consumer
        self._executor = consumer.executor
        self._wake = wake

    def submit(self, task: Callable[..., Any], *args: Any, **options: Any) -> Future[Any]:
        future = self._executor.submit(task, *args, **options)
        future.add_done_callback(self._note_end)
        return future

    def _note_end(self, future: Future[Any]) -> None:
        if future.cancelled() or future.exception() is not None:
            return
        result = future.result()
        if result.get_exception() is None and self._has_work(result):
            self._wake()

    def _has_work(self, result: Any) -> bool:
        if isinstance(result, FetchTaskResult):
            size, count = result.get_raw_size(), result.get_log_group_count()
            return bool(size >= _BACKLOG_BYTES or count >= _BACKLOG_GROUPS)
        if isinstance(result, ProcessTaskResult):
            is_next = self._consumer.last_fetch_log_group is not None
            return is_next and not result.get_rollback_check_point()
        return isinstance(result, InitTaskResult)


class _ProcessorFactory:
    """Makes a worker's processors, and keeps the error if that fails.

    Attributes:
        error: The last error; ``None`` if there was none.
    """

    def __init__(self, worker: Worker) -> None:
        self._make = worker.make_processor
        self._args = worker.process_args
        self._kwargs = worker.process_kwargs
        self.error: Exception | None = None

    def __call__(self) -> Processor:
        try:
            return self._make(*self._args, **self._kwargs)
        except Exception as error:
            self.error = error
            raise


def _describe(error: Exception) -> str:
    if isinstance(error, LogException):
        message = short_repr(error.get_error_message(), 200)
        return f"SLS: {error.get_error_code()} ({message})"
    return f"SLS: {short_repr(error, 200)}"


def _shut_down_together(worker: Worker) -> None:
    """Shut down all shards at the same time; the SDK does it one by one, a second each."""
    consumers = worker.shard_consumers
    while not all(consumer.is_shutdown() for consumer in consumers.values()):
        for consumer in consumers.values():
            consumer.shut_down()
        time.sleep(_SHUTDOWN_INTERVAL)
    consumers.clear()
