"""``consumer_config`` and ``run_worker``: configure a ``ConsumerWorker`` safely, and watch it.

It must not replace parts of the SDK: ``patches.py`` does. A worker that dies must be an error.
"""

from __future__ import annotations

import inspect
import os
import platform
import re
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

from aliyun.log.consumer import ConsumerWorker, CursorPosition, LogHubConfig

from sls_syslog.consumer.mistakes import check_workers
from sls_syslog.consumer.patches import POOL_SIZE, HardenedWorker
from sls_syslog.consumer.refusals import REFUSAL_SECONDS
from sls_syslog.consumer.sdk import Worker
from sls_syslog.errors import SettingsError, WorkerError, short_repr
from sls_syslog.safe_logger import SafeLogger
from sls_syslog.settings import readers
from sls_syslog.settings.secret import Secret
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.settings.table import get_rows
from sls_syslog.spelling import did_you_mean

if TYPE_CHECKING:
    from typing_extensions import Unpack  # in typing from Python 3.11 on

__all__ = ["ConsumerOptions", "consumer_config", "run_worker"]

logger = SafeLogger("sls_syslog.consumer")

# The variables of the documented program, by the option of LogHubConfig that each one sets.
_VARIABLES = {
    "endpoint": "SLS_ENDPOINT",
    "access_key_id": "SLS_AK_ID",
    "access_key": "SLS_AK_KEY",
    "project": "SLS_PROJECT",
    "logstore": "SLS_LOGSTORE",
    "consumer_group_name": "SLS_CG",
}
_CREDENTIALS = ("access_key_id", "access_key")
# Options that are one word each. A line feed at the end, as `echo` writes it, would make another
# signature, or another Logstore.
_WORDS = (*_VARIABLES, "consumer_name", "security_token", "region")
_SECRETS = ("access_key", "security_token")
# Options whose default differs from LogHubConfig's.
_DEFAULTS = {
    # The oldest log that SLS still has, so that a new group loses nothing.
    "cursor_position": CursorPosition.BEGIN_CURSOR,
    # Seconds. The SDK fetches one batch per interval and shard: its default of 2 is 0.5 batches/s.
    "data_fetch_interval": 0.1,
    "worker_pool_size": POOL_SIZE,
}
# Seconds between two checks of the workers: a stop or a death is noticed within this time.
_WATCH_INTERVAL = 0.1
# Seconds without a shard until one log line explains it: the time of some heartbeats.
_SHARDS_AWAITED = 10


class ConsumerOptions(TypedDict, total=False):
    """The options of ``LogHubConfig`` (``aliyun/log/consumer/config.py``), with their types."""

    endpoint: str
    access_key_id: str
    access_key: str
    project: str
    logstore: str
    consumer_group_name: str
    consumer_name: str
    cursor_position: CursorPosition | None
    heartbeat_interval: int | None
    data_fetch_interval: float | None
    in_order: bool
    cursor_start_time: int | str | None
    security_token: str | None
    max_fetch_log_group_size: int | None
    worker_pool_size: int | None
    shared_executor: Executor | None
    cursor_end_time: int | str | None
    credentials_refresher: Callable[[], Sequence[str | None]] | None
    auth_version: str
    region: str
    query: str | None
    accept_compress_type: str | None
    processor: str | None


def consumer_config(**options: Unpack[ConsumerOptions]) -> LogHubConfig:
    """Make the SDK's ``LogHubConfig``, with values that are safe for shipping.

    By default it takes ``SLS_ENDPOINT``, ``SLS_AK_ID``, ``SLS_AK_KEY``, ``SLS_PROJECT``,
    ``SLS_LOGSTORE`` and ``SLS_CG`` (the consumer group) from the environment. The consumer name
    is unique. A new consumer group starts at the oldest log. The fetch interval and the thread
    pool let a backlog drain fast.

    SLS gives a consumer's shards to others only after a silence of twice the heartbeat
    interval. So a restarted program waits for 40 seconds, unless it has the same name as before.
    Set ``SLS_CONSUMER`` to a fixed name only if two processes can never have it at the same time,
    for example to the name of a StatefulSet's pod.

    Args:
        **options: Options of ``LogHubConfig``; each overrides the environment and our default.

    Returns:
        The configuration, for ``ConsumerWorker``.

    Raises:
        SettingsError: If a variable is missing, a name or a key holds white space, or
            ``LogHubConfig`` does not know an option. White space around a value is removed.
    """
    _check_options(options)
    variables = {**_VARIABLES, "consumer_name": "SLS_CONSUMER"}
    environment = {
        name: _read_word(variable, os.environ.get(variable, ""), is_secret=name in _SECRETS)
        for name, variable in variables.items()
        if name not in options
    }
    words = {
        name: _read_word(name, value, is_secret=name in _SECRETS) if name in _WORDS else value
        for name, value in options.items()
    }
    given: dict[str, Any] = {**environment, **_DEFAULTS, **words}
    refresher = given.get("credentials_refresher")
    if refresher:
        given["credentials_refresher"] = partial(_refresh, refresher)
    optional = _CREDENTIALS if refresher else ()
    missing = [
        variable
        for name, variable in _VARIABLES.items()
        if not given[name] and name not in optional
    ]
    if missing:
        raise SettingsError(", ".join(missing), "environment variable not set")
    given["consumer_name"] = given["consumer_name"] or _make_unique_name(
        given["consumer_group_name"]
    )
    return LogHubConfig(**given)


def _check_options(options: Mapping[str, Any]) -> None:
    """Check the names of the options, before a missing variable is reported instead.

    Raises:
        SettingsError: If one is unknown; it names the nearest, or the class that has it.
    """
    known = {**ConsumerOptions.__annotations__, **inspect.signature(LogHubConfig).parameters}
    for key in options:
        if key not in known:
            nearest = did_you_mean(key, known) or f"; the options are {', '.join(known)}"
            hint = "; only ShipperSettings has it" if key in get_rows(ShipperSettings) else nearest
            raise SettingsError(key, f"unknown option of consumer_config{hint}")


def _read_word(name: str, value: Any, *, is_secret: bool) -> Any:
    """Read an option that is one word; leave what is missing, or no text, to the caller.

    Raises:
        SettingsError: If it cannot be right; a secret is not shown.
    """
    if not isinstance(value, str):
        return value
    if not value.strip():
        return ""
    try:
        word = readers.word(value)
    except ValueError as error:
        got = "a secret" if is_secret else short_repr(value)
        raise SettingsError(name, f"{error}, got {got}") from None
    return Secret(word) if is_secret else word


def _refresh(refresher: Callable[[], Sequence[str | None]]) -> tuple[Any, ...]:
    """Ask the user's ``credentials_refresher``, and read what it returns like other credentials."""
    names = ("access_key_id", "access_key", "security_token")
    return tuple(
        _read_word(f"credentials_refresher ({name})", value, is_secret=name in _SECRETS)
        for name, value in zip(names, refresher(), strict=False)
    )


class _Shown(str):
    """A placeholder for a computed default, in the signature that ``help()`` shows."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{self}>"


def _make_signature() -> inspect.Signature:
    """Make the signature of ``consumer_config``: all options with their defaults."""
    computed = {name: _Shown(variable) for name, variable in _VARIABLES.items()}
    computed["consumer_name"] = _Shown("SLS_CONSUMER, or a unique name")
    types = ConsumerOptions.__annotations__
    parameters = [
        parameter.replace(
            kind=inspect.Parameter.KEYWORD_ONLY,
            default={**computed, **_DEFAULTS}.get(name, parameter.default),
            annotation=getattr(types.get(name), "__forward_arg__", parameter.annotation),
        )
        for name, parameter in inspect.signature(LogHubConfig).parameters.items()
    ]
    return inspect.Signature(parameters, return_annotation="LogHubConfig")


consumer_config.__signature__ = _make_signature()  # type: ignore[attr-defined]  # inspect reads it


def _make_unique_name(group: str) -> str:
    """Make a unique consumer name; the process id is not enough, since containers all have 1.

    Two consumers with the same name would both get every shard.
    """
    host = re.sub(r"[^A-Za-z0-9_.-]", "-", platform.node())[:64]
    return f"{group}-{host}-{os.getpid()}-{secrets.token_hex(3)}"


def run_worker(*workers: ConsumerWorker, refusal_seconds: float | None = REFUSAL_SECONDS) -> None:
    """Run workers until SIGTERM or SIGINT, or until all of them have ended.

    After a signal, the workers confirm what is sent and save checkpoints, within seconds. Call
    this in the main thread; in another thread it handles no signals.

    Args:
        *workers: One worker, or one for each Logstore that this process ships.
        refusal_seconds: Seconds for which SLS may refuse what no retry mends: the Logstore or the
            project is deleted, the AccessKey is disabled, a permission is withdrawn. Then this is a
            ``WorkerError``. With ``None`` the worker waits until it works again; an ERROR line
            tells of the refusal once a minute, which becomes a CRITICAL line after 45 seconds.

    Raises:
        SettingsError: If there is no worker, if the processor cannot be made with the arguments
            given to the worker, or if ``refusal_seconds`` is not a number of seconds.
        WorkerError: If a worker has died, or SLS refuses it for good. Let the process end: its
            supervisor restarts it, and other consumers take over its shards meanwhile.
    """
    check_workers(workers)
    patience = _read_patience(refusal_seconds)
    hardened = [HardenedWorker(worker) for worker in workers]
    for one in hardened:
        logger.info("%s ships to %s", _format_name(one.worker), one.destination)
    with _catch_signals() as stop:
        try:
            for worker in workers:
                worker.start()
            _watch(hardened, stop, patience)
        finally:
            _stop(hardened)
    logger.info("stopped; SLS will deliver unconfirmed logs again")


def _read_patience(seconds: float | None) -> float:
    if seconds is None:
        return float("inf")
    try:
        return readers.seconds(zero=True)(seconds)
    except ValueError as error:
        problem = f"{error} or None, got {short_repr(seconds)}"
        raise SettingsError("refusal_seconds", problem) from None


def _watch(workers: list[HardenedWorker], stop: _Signals, patience: float) -> None:
    """Wait until a stop is requested or all workers have ended.

    Raises:
        WorkerError: If a worker or its heartbeat has died, or SLS refuses for good.
    """
    explain_at = time.monotonic() + _SHARDS_AWAITED
    while not stop.requested:
        # Asked first: a worker that dies after _raise_if_dead must not look like a normal end.
        is_any_alive = any(one.worker.is_alive() for one in workers)
        for one in workers:
            _raise_if_dead(one)
            _raise_if_refused(one, patience)
            _release(one.worker)
            one.cut_late_requests()
        if not is_any_alive or all(one.worker.shut_down_flag for one in workers):
            return
        if explain_at < time.monotonic():
            explain_at = float("inf")
            for one in workers:
                _explain_missing_shards(one.worker)
        time.sleep(_WATCH_INTERVAL)


def _raise_if_dead(hardened: HardenedWorker) -> None:
    worker, error = hardened.worker, hardened.processor_error
    name = _format_name(worker)
    if error is not None:  # the SDK has ended the worker, with a line in its log
        raise WorkerError(f"{name}: cannot make a processor: {error}") from error
    for thread in (worker, worker.heart_beat):
        has_died = thread.ident is not None and not thread.is_alive()
        if has_died and not worker.shut_down_flag:
            kind = type(thread).__name__
            raise WorkerError(f"{kind} of {name} has died; restart the program")


def _raise_if_refused(hardened: HardenedWorker, patience: float) -> None:
    name, refusals = _format_name(hardened.worker), hardened.refusals
    if refusals.is_group_deleted:
        raise WorkerError(f"{name}: its consumer group was deleted; a restart creates it again")
    problem = refusals.describe_lasting(patience)
    if problem is not None:
        raise WorkerError(f"{name}: {problem}")


def _explain_missing_shards(worker: Worker) -> None:
    if not worker.shard_consumers:
        logger.info(
            "%s has no shards yet: other consumers of the group have them. They hand some over"
            " within a few heartbeats, unless there are more consumers than shards. If one has"
            " ended, SLS gives its shards away after %d s of silence",
            _format_name(worker),
            worker.option.consumer_group_time_out,
        )


def _release(worker: Worker, *, everything: bool = False) -> None:
    """Make the processors of ending shards return soon; with ``everything``, all processors."""
    for consumer in list(worker.shard_consumers.values()):
        if everything or consumer.shutdown:
            request_stop = getattr(consumer.processor, "request_stop", None)
            if request_stop is not None:
                request_stop()


def _stop(workers: list[HardenedWorker]) -> None:
    """End all workers at the same time, and wait until they have ended."""
    for one in workers:
        one.hurry()
        if not one.worker.shut_down_flag:
            one.worker.shutdown()
        _release(one.worker, everything=True)
    while any(one.worker.is_alive() for one in workers):
        for one in workers:
            _release(one.worker, everything=True)
            one.cut_late_requests()
        time.sleep(_WATCH_INTERVAL)


class _Signals:
    """Whether SIGTERM or SIGINT has come.

    This is a plain attribute and not an ``Event``: a signal handler interrupts the main thread, and
    would wait for ever for a lock that the main thread holds.
    """

    requested = False

    def request(self, *_: object) -> None:
        self.requested = True


@contextmanager
def _catch_signals() -> Iterator[_Signals]:
    """Turn SIGTERM and SIGINT into a request to stop, inside the ``with`` block."""
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


def _format_name(worker: Worker) -> str:
    option = worker.option
    return f"{option.project}/{option.logstore}/{option.consumer_name}"
