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
from requests import PreparedRequest, RequestException, Response
from requests.adapters import HTTPAdapter

from sls_syslog.consumer.patches import guard_client
from sls_syslog.errors import SettingsError, WorkerError

__all__ = ["consumer_config", "run_worker"]

logger = logging.getLogger("sls_syslog.consumer")

# The documented program's variables, and the arguments of LogHubConfig that they fill.
_VARIABLES = {
    "endpoint": "SLS_ENDPOINT",
    "access_key_id": "SLS_AK_ID",
    "access_key": "SLS_AK_KEY",
    "project": "SLS_PROJECT",
    "logstore": "SLS_LOGSTORE",
    "consumer_group_name": "SLS_CG",
}
_CREDENTIALS = ("access_key_id", "access_key")
# Fetching, shipping and shutting down of all shards share one pool, and shipping may wait for
# the receiver: with threads to spare, one slow shard never holds up another. Threads are only
# started when there is work for them.
_POOL_SIZE = 128
# Seconds. The SDK takes one batch per interval and shard: its default of 2 is 0.5 batches/s.
_FETCH_INTERVAL = 0.1
# Seconds. The SDK's own 120 keep a thread, the heartbeat's too, for minutes.
_HTTP_TIMEOUT = 10
_HTTP_TIMEOUT_WHEN_STOPPING = 2
_SERVER_ERROR = 500
# Seconds between two looks at the workers.
_WATCH_INTERVAL = 0.1
# Seconds without a shard after which one wonders.
_SHARDS_AWAITED = 10


def consumer_config(**options: Any) -> LogHubConfig:
    """The SDK's ``LogHubConfig``, with values that are safe for shipping.

    By default it takes ``SLS_ENDPOINT``, ``SLS_AK_ID``, ``SLS_AK_KEY``, ``SLS_PROJECT``,
    ``SLS_LOGSTORE`` and ``SLS_CG`` (the consumer group) from the environment; a consumer
    name that no other process has; the oldest log as start of a new consumer group;
    a fetch interval and a thread pool under which a backlog drains fast.

    SLS hands a consumer's shards to others only when it has been silent for twice the
    heartbeat interval, so a restarted program waits for 40 seconds, unless it comes back
    under the same name: set ``SLS_CONSUMER`` to one where no two processes can have it at
    once, the name of a StatefulSet's pod say.

    Args:
        **options: Arguments of ``LogHubConfig`` (``aliyun/log/consumer/config.py``); they
            override both.

    Raises:
        SettingsError: If a variable is missing, or ``LogHubConfig`` does not know an option.
    """
    environment = {name: os.environ.get(variable, "") for name, variable in _VARIABLES.items()}
    given: dict[str, Any] = {**environment, **options}
    needless = _CREDENTIALS if given.get("credentials_refresher") else ()
    missing = [
        variable
        for name, variable in _VARIABLES.items()
        if not given[name] and name not in needless
    ]
    if missing:
        raise SettingsError(", ".join(missing), "environment variable not set")
    name = os.environ.get("SLS_CONSUMER") or _unique_name(given["consumer_group_name"])
    given.setdefault("consumer_name", name)
    given.setdefault("cursor_position", CursorPosition.BEGIN_CURSOR)
    given.setdefault("data_fetch_interval", _FETCH_INTERVAL)
    given.setdefault("worker_pool_size", _POOL_SIZE)
    try:
        return LogHubConfig(**given)
    except TypeError as error:
        raise SettingsError("consumer_config", str(error)) from None


def _unique_name(group: str) -> str:
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
        WorkerError: If a worker has died; the process should end, so that its supervisor
            starts it anew and the other consumers take over its shards.
    """
    for worker in workers:
        _harden(worker)
    with _stop_signals() as stop:
        try:
            for worker in workers:
                worker.start()
            _watch(workers, stop)
        finally:
            _stop(workers)
    logger.info("stopped; what is not confirmed SLS will serve again")


def _watch(workers: tuple[ConsumerWorker, ...], stop: _Signals) -> None:
    """Return when a stop is requested or all workers have ended.

    Raises:
        WorkerError: If a worker or its heartbeat has died.
    """
    wonder_at = time.monotonic() + _SHARDS_AWAITED
    while not stop.requested:
        running = any(worker.is_alive() for worker in workers)  # before looking who has died
        for worker in workers:
            _raise_if_dead(worker)
            _release(worker)
        if not running or all(worker.shut_down_flag for worker in workers):
            return
        if wonder_at < time.monotonic():
            wonder_at = float("inf")
            for worker in workers:
                _say_if_without_shards(worker)
        time.sleep(_WATCH_INTERVAL)


def _raise_if_dead(worker: ConsumerWorker) -> None:
    factory = worker.make_processor
    if factory.error is not None:  # the SDK has ended the worker, with a line in its log
        raise WorkerError(f"{_name(worker)}: no processor: {factory.error}") from factory.error
    if worker.consumer_client.heartbeat.group_is_gone:
        raise WorkerError(f"{_name(worker)}: its consumer group has been deleted")
    for thread in (worker, worker.heart_beat):
        died = thread.ident is not None and not thread.is_alive()
        if died and not worker.shut_down_flag:
            raise WorkerError(f"{type(thread).__name__} of {_name(worker)} has died")


def _say_if_without_shards(worker: ConsumerWorker) -> None:
    if not worker.shard_consumers:
        logger.info(
            "%s has no shards yet: another consumer of the group has them, and hands some over"
            " within some heartbeats, or has ended, and SLS waits until it has been silent for"
            " %d s; or there are more consumers than shards",
            _name(worker),
            worker.option.consumer_group_time_out,
        )


def _release(worker: ConsumerWorker, *, everything: bool = False) -> None:
    """Make the processors of shards that are to be given up return soon."""
    for consumer in list(worker.shard_consumers.values()):
        if everything or consumer.shutdown:
            stop = getattr(consumer.processor, "request_stop", None)
            if stop is not None:
                stop()


def _stop(workers: tuple[ConsumerWorker, ...]) -> None:
    """End all workers side by side, and wait for it."""
    for worker in workers:
        adapter = worker.consumer_client.mclient._session.get_adapter("https://")
        adapter.impatient = True
        worker.consumer_client.mclient.timeout = _HTTP_TIMEOUT_WHEN_STOPPING
        if not worker.shut_down_flag:
            worker.shutdown()
        _release(worker, everything=True)
    while any(worker.is_alive() for worker in workers):
        for worker in workers:
            _release(worker, everything=True)
        time.sleep(_WATCH_INTERVAL)


class _Signals:
    """Whether SIGTERM or SIGINT has come.

    A plain attribute, not an ``Event``: a signal handler runs in the middle of whatever the
    main thread does, and would wait for ever for a lock which that holds.
    """

    requested = False

    def request(self, *_: object) -> None:
        self.requested = True


@contextmanager
def _stop_signals() -> Iterator[_Signals]:
    """Takes SIGTERM and SIGINT for a request to stop, while this lasts."""
    stop = _Signals()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, stop.request) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _harden(worker: ConsumerWorker) -> None:
    """Take the sharp edges off one worker; it has not been started yet."""
    factory = _ProcessorFactory(worker)
    # Made once to see that it can be: inside the worker a wrong setting is a line in a log.
    settings = getattr(factory(), "settings", None)
    # The SDK logs these arguments when a processor cannot be made; a dict may hold a password.
    worker.make_processor, worker.process_args, worker.process_kwargs = factory, (), {}
    client = worker.consumer_client
    guard_client(client)
    client.mclient.timeout = _HTTP_TIMEOUT
    adapter = _Adapter(pool_maxsize=_POOL_SIZE)  # the SDK's keeps 10 connections alive
    for scheme in ("http://", "https://"):
        client.mclient._session.mount(scheme, adapter)
    worker.heart_beat.daemon = True  # or it would keep a dead worker's process, and its shards
    worker.shutdown_and_wait = lambda: _shut_down_together(worker)  # type: ignore[method-assign]
    destination = getattr(settings, "destination", "its receiver")
    logger.info("%s ships to %s", _name(worker), destination)


class _ProcessorFactory:
    """Makes a worker's processors, and keeps the error when it cannot."""

    def __init__(self, worker: ConsumerWorker) -> None:
        self._make = worker.make_processor
        self._args = worker.process_args
        self._kwargs = worker.process_kwargs
        self.error: Exception | None = None

    def __call__(self) -> Any:
        try:
            return self._make(*self._args, **self._kwargs)
        except Exception as error:
            self.error = error
            raise


class _Adapter(HTTPAdapter):
    """Connections to SLS, on which the SDK does not insist when the program is to end.

    It tries ten times, a second apart, where the error's text names the connection pool or
    the answer is an error of the server (``logclient.py``).
    """

    impatient = False

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        try:
            response = super().send(request, *args, **kwargs)
        except RequestException as error:
            if self.impatient:
                raise RequestException(type(error).__name__) from error
            raise
        if self.impatient and response.status_code >= _SERVER_ERROR:
            raise RequestException(f"status {response.status_code}")
        return response


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
