"""Running the SDK's ``ConsumerWorker``: its configuration, and the guard around it."""

from __future__ import annotations

import logging
import os
import platform
import re
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aliyun.log.consumer import ConsumerWorker, CursorPosition, LogHubConfig
from aliyun.log.logexception import LogException
from requests.adapters import HTTPAdapter

from sls_syslog.errors import SettingsError, WorkerError
from sls_syslog.shipper import SyslogShipperProcessor

__all__ = ["consumer_config", "run_worker"]

logger = logging.getLogger(__name__)

# The documented program's variables, and the arguments of LogHubConfig that they fill.
_VARIABLES = {
    "endpoint": "SLS_ENDPOINT",
    "access_key_id": "SLS_AK_ID",
    "access_key": "SLS_AK_KEY",
    "project": "SLS_PROJECT",
    "logstore": "SLS_LOGSTORE",
    "consumer_group_name": "SLS_CG",
}
# Fetching, shipping and shutting down of all shards share one pool, and shipping may wait for
# the receiver: with threads to spare, one slow shard never holds up another. Threads are only
# started when there is work for them.
_POOL_SIZE = 128
# Seconds. The SDK takes one batch per interval and shard: its default of 2 is 0.5 batches/s.
_FETCH_INTERVAL = 0.1
# Seconds. The SDK's own 120 keep a thread, the heartbeat's too, for minutes.
_HTTP_TIMEOUT = 15
# Seconds between two looks at the worker.
_WATCH_INTERVAL = 0.1


def consumer_config(**options: Any) -> LogHubConfig:
    """The SDK's ``LogHubConfig``, with values that are safe for shipping.

    By default it takes ``SLS_ENDPOINT``, ``SLS_AK_ID``, ``SLS_AK_KEY``, ``SLS_PROJECT``,
    ``SLS_LOGSTORE`` and ``SLS_CG`` (the consumer group) from the environment; a consumer
    name that no other process has; the oldest log as start of a new consumer group;
    a fetch interval and a thread pool under which a backlog drains fast.

    Args:
        **options: Arguments of ``LogHubConfig`` (``aliyun/log/consumer/config.py``); they
            override both.

    Raises:
        SettingsError: If a variable is missing, or ``LogHubConfig`` does not know an option.
    """
    environment = {name: os.environ.get(variable) for name, variable in _VARIABLES.items()}
    given: dict[str, Any] = {**environment, **options}
    missing = [variable for name, variable in _VARIABLES.items() if not given.get(name)]
    if missing:
        raise SettingsError(", ".join(missing), "environment variable not set")
    given.setdefault("consumer_name", _unique_consumer_name(given["consumer_group_name"]))
    given.setdefault("cursor_position", CursorPosition.BEGIN_CURSOR)
    given.setdefault("data_fetch_interval", _FETCH_INTERVAL)
    given.setdefault("worker_pool_size", _POOL_SIZE)
    try:
        return LogHubConfig(**given)
    except TypeError as error:
        raise SettingsError("consumer_config", str(error)) from None


def _unique_consumer_name(group: str) -> str:
    """A name of its own for each call: in a container, the process id is 1 every time.

    Two consumers of one name would both be given every shard.
    """
    host = re.sub(r"[^A-Za-z0-9_.-]", "-", platform.node())[:64]
    return f"{group}-{host}-{os.getpid()}-{secrets.token_hex(3)}"


def run_worker(*workers: ConsumerWorker) -> None:
    """Run workers until SIGTERM or SIGINT, or until they end by themselves.

    A signal ends them cleanly: what is being sent is confirmed, checkpoints are saved, all
    within seconds. Call it in the main thread; in another one it handles no signals.

    Args:
        *workers: One, or one for each Logstore that this process ships.

    Raises:
        SettingsError: If the processor cannot be made with the arguments given to the worker.
        WorkerError: If a thread of a worker has died; the process should end, so that its
            supervisor starts it anew and the other consumers take over its shards.
    """
    for worker in workers:
        # Made once to see that it can be: inside the worker a wrong setting is a line in a log.
        worker.make_processor(*worker.process_args, **worker.process_kwargs)
        _harden(worker)
    with _stop_requests() as stop_requested:
        for worker in workers:
            worker.start()
        try:
            _watch(workers, stop_requested)
        finally:
            _stop(workers)


def _watch(workers: tuple[ConsumerWorker, ...], stop_requested: threading.Event) -> None:
    """Return when a stop is requested or all workers have ended.

    Raises:
        WorkerError: If a thread has died.
    """
    running = True
    while running and not stop_requested.wait(_WATCH_INTERVAL):
        running = any(worker.is_alive() for worker in workers)  # before looking who has died
        for worker in workers:
            for thread in (worker, worker.heart_beat):
                if _has_died(thread) and not worker.shut_down_flag:
                    raise WorkerError(f"{type(thread).__name__} of {_name(worker)} has died")


def _has_died(thread: threading.Thread) -> bool:
    return thread.ident is not None and not thread.is_alive()


def _stop(workers: tuple[ConsumerWorker, ...]) -> None:
    """End all workers side by side, and wait for it."""
    for worker in workers:
        if not worker.shut_down_flag:
            worker.shutdown()
    while any(worker.is_alive() for worker in workers):
        for worker in workers:
            for consumer in list(worker.shard_consumers.values()):
                if isinstance(consumer.processor, SyslogShipperProcessor):
                    consumer.processor.request_stop()
        time.sleep(_WATCH_INTERVAL)


@contextmanager
def _stop_requests() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set, while this lasts."""
    requested = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield requested
        return
    signals = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: requested.set()) for number in signals]
    try:
        yield requested
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def _harden(worker: ConsumerWorker) -> None:
    """Take the sharp edges off one worker; it has not been started yet."""
    client = worker.consumer_client
    client.mclient.timeout = _HTTP_TIMEOUT
    for scheme in ("http://", "https://"):  # the default keeps 10 connections alive
        client.mclient._session.mount(scheme, HTTPAdapter(pool_maxsize=_POOL_SIZE))
    client.pull_logs = _PullFromOldest(client)
    worker.heart_beat.daemon = True  # or it would keep a dead worker's process, and its shards
    worker.shutdown_and_wait = lambda: _shut_down_together(worker)  # type: ignore[method-assign]


class _PullFromOldest:
    """``ConsumerClient.pull_logs`` that goes on at the oldest log when a cursor is invalid.

    The SDK would jump to the end of the shard without a word (``tasks.py``).
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._pull = client.pull_logs

    def __call__(self, shard: int, cursor: str, *args: Any, **options: Any) -> Any:
        try:
            return self._pull(shard, cursor, *args, **options)
        except LogException as error:
            if "invalidcursor" not in error.get_error_code().lower():
                raise
            oldest = self._client.get_begin_cursor(shard)
            logger.critical(
                "shard %s: SLS no longer knows cursor %s: logs that expired before they were"
                " shipped are gone; going on at the oldest one there is, %s",
                shard,
                cursor,
                oldest,
            )
            return self._pull(shard, oldest, *args, **options)


def _shut_down_together(worker: ConsumerWorker) -> None:
    """Shut all shards down side by side; the SDK takes a second for each, one by one."""
    consumers = worker.shard_consumers
    while not all(consumer.is_shutdown() for consumer in consumers.values()):
        for consumer in consumers.values():
            consumer.shut_down()
        time.sleep(0.02)
    consumers.clear()


def _name(worker: ConsumerWorker) -> str:
    option = worker.option
    return f"{option.project}/{option.logstore}/{option.consumer_name}"
