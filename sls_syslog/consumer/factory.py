"""``make_worker``: makes the SDK's ``ConsumerWorker``, with one sentence for what SLS refuses.

The SDK's own constructor makes the consumer group: it tries ten times without a word, and raises
its own errors. This module must take no shard.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from aliyun.log.consumer import ConsumerWorker, LogHubConfig

from sls_syslog.consumer import sdk
from sls_syslog.consumer.adapter import REQUEST_SECONDS
from sls_syslog.consumer.endpoint import check_endpoint
from sls_syslog.consumer.mistakes import (
    check_arguments,
    check_config,
    check_processor,
    read_patience,
)
from sls_syslog.consumer.once import OnceAdapter, make_client, run_apart, send
from sls_syslog.consumer.patches import PreparedWorker
from sls_syslog.consumer.source import Trouble, TroubleError, explain_timeout, format_place
from sls_syslog.safe_logger import SafeLogger

__all__ = ["START_SECONDS", "make_worker"]

logger = SafeLogger("sls_syslog.consumer")

START_SECONDS = 300.0
"""Seconds for which a start is retried. A restart of a router or a DNS server ends within them; a
longer outage shall be seen by who starts the program."""

# Seconds for which a name that does not exist is looked up again. A container may start before its
# DNS knows all names; a typing mistake shall be an error soon.
_NAME_SECONDS = 8.0
# Seconds before the second try; twice as long before each further one, up to the longest.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 10.0
_EXISTS = "ConsumerGroupAlreadyExist"


def make_worker(
    make_processor: Callable[..., Any],
    consumer_option: LogHubConfig,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    start_seconds: float | None = START_SECONDS,
) -> ConsumerWorker:
    """Make a worker, as the SDK's ``ConsumerWorker(...)`` does, with errors of one sentence.

    Create the consumer group in SLS if it does not exist. What SLS refuses is an error at once.
    While SLS cannot be reached, try again: a WARNING line says so once, and then an error. Mistakes
    in the arguments are found before any request is sent.

    Args:
        make_processor: The class of the processor.
        consumer_option: The configuration; ``consumer_config()`` makes it.
        args: The arguments for each processor.
        kwargs: The keyword arguments for each processor.
        start_seconds: Seconds for which to try again while SLS cannot be reached, each time for
            ten seconds at most. A host name that does not exist is tried for eight seconds.
            ``None`` means for ever.

    Returns:
        A worker for ``run_worker``.

    Raises:
        SettingsError: If an argument is wrong, or the endpoint is none.
        SourceError: If SLS refuses a request, or cannot be reached.
        KeyboardInterrupt: If Ctrl-C ends the wait for SLS.
    """
    check_config(consumer_option)
    check_arguments(make_processor, args or (), kwargs or {})
    check_endpoint(consumer_option.endpoint)
    patience = read_patience("start_seconds", start_seconds)
    # Make one now: a wrong setting or a misspelt hook shall be found before SLS is asked.
    check_processor(make_processor(*(args or ()), **(kwargs or {})))
    logger.info("connecting to SLS: %s", format_place(consumer_option, with_group=True))
    try:
        with _obey_sigterm():
            _connect(consumer_option, patience)
            return _construct(make_processor, consumer_option, args, kwargs)
    except KeyboardInterrupt:
        raise KeyboardInterrupt from None  # without the frames of what was waited for


@contextmanager
def _obey_sigterm() -> Iterator[None]:
    """End the program at SIGTERM while it waits, also as process 1 of a container.

    The kernel ignores a signal to process 1 that has no handler.

    Raises:
        SystemExit: If SIGTERM comes.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if os.getpid() != 1 or not is_main or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)  # as a shell has it

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _connect(config: LogHubConfig, patience: float) -> None:
    """Make the consumer group; try again while SLS cannot be reached.

    Raises:
        SourceError: If SLS refuses a request, or for too long cannot be reached.
    """
    place = format_place(config, with_group=True)
    began = time.monotonic()
    unknown_since: float | None = None
    pause, has_warned = _FIRST_PAUSE, False
    while True:
        trouble = _try_once(config)
        now = time.monotonic()
        if trouble is None:
            if has_warned:
                logger.info("SLS is reached after %.0f s: %s", now - began, place)
            return
        left = began + patience - now
        if trouble.is_unknown_name:
            unknown_since = unknown_since or now
            left = min(left, unknown_since + _NAME_SECONDS - now) if left < float("inf") else left
        if not trouble.may_mend or left <= 0:
            raise trouble.make_error(place)
        if not has_warned:
            has_warned = True
            limit = f"{left:.0f} s" if left < float("inf") else "as long as it takes"
            logger.warning("%s. Trying again for %s", trouble.describe(place), limit)
        time.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_PAUSE)


def _try_once(config: LogHubConfig) -> Trouble | None:
    """Make the consumer group; return what has failed."""
    adapter = OnceAdapter(seconds=REQUEST_SECONDS)
    try:
        run_apart(lambda: _ensure_group(config, adapter), adapter, REQUEST_SECONDS)
    except TroubleError as error:
        return error.trouble
    except TimeoutError:
        return explain_timeout(config)
    return None


def _ensure_group(config: LogHubConfig, adapter: OnceAdapter) -> None:
    """Create the consumer group or update it, with the requests of the SDK's constructor.

    Raises:
        TroubleError: If a request fails.
    """
    client = make_client(config, adapter)
    names = _list_groups(client, config)
    group = (
        config.project,
        config.logstore,
        config.consumer_group_name,
        config.consumer_group_time_out,
        config.in_order,
    )
    if config.consumer_group_name not in (names or ()):
        try:
            send(config, ["CreateConsumerGroup"], client.create_consumer_group, *group)
            return
        except TroubleError as error:
            if error.trouble.code != _EXISTS:
                raise TroubleError(_add_groups(error.trouble, names)) from None
    send(config, ["UpdateConsumerGroup"], client.update_consumer_group, *group)


def _list_groups(client: sdk.LogClient, config: LogHubConfig) -> list[str] | None:
    """List the consumer groups of the Logstore; ``None`` if the policy does not allow that.

    Raises:
        TroubleError: If it fails for another reason.
    """
    place = config.project, config.logstore
    try:
        answer = send(config, ["ListConsumerGroup"], client.list_consumer_group, *place)
    except TroubleError as error:
        if error.trouble.step != "RAM":
            raise
        return None  # the SDK does without it: it tries to create the group
    return sorted(group.get_consumer_group_name() for group in answer.get_consumer_groups())


def _add_groups(trouble: Trouble, names: list[str] | None) -> Trouble:
    """Add the names of the groups that exist to an error that is about their number."""
    if trouble.step != "group" or not names:
        return trouble
    return replace(trouble, advice=f"{trouble.advice}: {', '.join(names)}")


def _construct(*arguments: Any) -> ConsumerWorker:
    """Call the SDK's constructor, which looks up the name of SLS without a deadline."""
    worker = run_apart(lambda: PreparedWorker(*arguments), OnceAdapter())
    # Threads inherit this from the one that makes them.
    worker.daemon = worker.heart_beat.daemon = threading.current_thread().daemon
    return worker
