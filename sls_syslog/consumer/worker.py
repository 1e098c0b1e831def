"""``run_worker``: runs the SDK's ``ConsumerWorker`` until a signal or its end, and watches it.

It must not replace parts of the SDK: ``patches.py`` does. A worker that dies must be an error.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from aliyun.log.consumer import ConsumerWorker

from sls_syslog.consumer.mistakes import check_workers, read_patience
from sls_syslog.consumer.patches import HardenedWorker
from sls_syslog.consumer.refusals import REFUSAL_SECONDS
from sls_syslog.consumer.reports import Reports, format_name
from sls_syslog.consumer.sdk import Worker
from sls_syslog.consumer.start import describe_scope, describe_start
from sls_syslog.delivery.ledger import count_given_back
from sls_syslog.errors import WorkerError
from sls_syslog.safe_logger import SafeLogger

__all__ = ["run_worker"]

logger = SafeLogger("sls_syslog.consumer")

# Seconds between two checks of the workers: a stop or a death is noticed within this time.
_WATCH_INTERVAL = 0.1
# Longest wait for what the first log line says of the group; shipping begins without it.
_LOOK_SECONDS = 2.0
# Seconds without a shard until one log line explains it: the time of some heartbeats.
_SHARDS_AWAITED = 10


def run_worker(*workers: ConsumerWorker, refusal_seconds: float | None = REFUSAL_SECONDS) -> None:
    """Run workers until SIGTERM or SIGINT, or until all of them have ended.

    A worker with an end (``consumer_config(end=...)``) ends when its whole consumer group has
    shipped every log before it.

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
            given to the worker, if ``refusal_seconds`` is not a number of seconds, or if the group
            has a checkpoint before the range that it is to ship.
        WorkerError: If a worker has died, or SLS refuses it for good, or a signal has stopped it
            before the end of its range. Let the process end: its supervisor restarts it, and other
            consumers take over its shards meanwhile.
    """
    check_workers(workers)
    patience = read_patience("refusal_seconds", refusal_seconds)
    hardened = [HardenedWorker(worker) for worker in workers]
    for one in hardened:
        logger.info("%s ships to %s", format_name(one.worker), one.destination)
        _announce_span(one)
    with _catch_signals() as stop:
        try:
            for worker in workers:
                worker.start()
            _watch(hardened, stop, patience)
        finally:
            before = _count_given_back(hardened)
            _stop(hardened)
    _report_end(hardened, _count_given_back(hardened) - before)
    if stop.requested:
        _raise_if_unfinished(hardened)


def _watch(workers: list[HardenedWorker], stop: _Signals, patience: float) -> None:
    """Wait until a stop is requested or all workers have ended.

    Raises:
        SettingsError: If the consumer group of a range is not one for it.
        WorkerError: If a worker or its heartbeat has died, or SLS refuses for good.
    """
    explain_at = time.monotonic() + _SHARDS_AWAITED
    reports = [Reports(one) for one in workers]
    while not stop.requested:
        # Asked first: a worker that dies after _raise_if_dead must not look like a normal end.
        is_any_alive = any(one.worker.is_alive() for one in workers)
        for one in workers:
            _raise_if_dead(one)
            _raise_if_refused(one, patience)
            _release(one.worker)
            one.cut_late_requests()
            _end_if_done(one)
        for report in reports:
            report.look()
        if not is_any_alive or all(one.worker.shut_down_flag for one in workers):
            return
        if explain_at < time.monotonic():
            explain_at = float("inf")
            for one in workers:
                _explain_missing_shards(one.worker)
        time.sleep(_WATCH_INTERVAL)


def _end_if_done(hardened: HardenedWorker) -> None:
    """End a worker whose range is done.

    Raises:
        SettingsError: If its group is not one for this range.
    """
    backfill = hardened.backfill
    if backfill is None:
        return
    if backfill.problem is not None:
        raise backfill.problem
    backfill.poll()
    if backfill.is_done and not hardened.worker.shut_down_flag:
        hardened.worker.shutdown()


def _count_given_back(workers: list[HardenedWorker]) -> int:
    """Count the logs that were not confirmed when workers gave up their shards, so far."""
    ledgers = {id(one.stats): one.stats for one in workers if one.stats is not None}
    return sum(map(count_given_back, ledgers.values()))


def _report_end(workers: list[HardenedWorker], unconfirmed: int) -> None:
    """Log what was shipped of each range, and what happens to the rest."""
    is_rest = False
    for one in workers:
        if one.backfill is not None and one.backfill.is_done:
            logger.info("%s: %s", format_name(one.worker), one.backfill.describe_result())
        else:
            is_rest = True
    if not is_rest:
        return
    if unconfirmed:
        number = "1 log is" if unconfirmed == 1 else f"{unconfirmed} logs are"
        again = "it" if unconfirmed == 1 else "them"
        logger.info("stopped; %s not confirmed, SLS will deliver %s again", number, again)
    elif any(one.stats is None for one in workers):  # a processor that counts nothing
        logger.info("stopped; SLS will deliver unconfirmed logs again")
    else:
        logger.info("stopped; all logs that were sent are confirmed")


def _raise_if_unfinished(workers: list[HardenedWorker]) -> None:
    """Let a program that a signal has stopped fail if its range is not done: it is no success.

    Raises:
        WorkerError: If there is such a range.
    """
    for one in workers:
        if one.backfill is not None and not one.backfill.is_done:
            problem = "stopped before its range was done; started again, it continues"
            raise WorkerError(f"{format_name(one.worker)}: {problem}")


def _raise_if_dead(hardened: HardenedWorker) -> None:
    worker, error = hardened.worker, hardened.processor_error
    name = format_name(worker)
    if error is not None:  # the SDK has ended the worker, with a line in its log
        raise WorkerError(f"{name}: cannot make a processor: {error}") from error
    for thread in (worker, worker.heart_beat):
        has_died = thread.ident is not None and not thread.is_alive()
        if has_died and not worker.shut_down_flag:
            kind = type(thread).__name__
            raise WorkerError(f"{kind} of {name} has died; restart the program")


def _raise_if_refused(hardened: HardenedWorker, patience: float) -> None:
    name, refusals = format_name(hardened.worker), hardened.refusals
    if refusals.is_group_deleted:
        raise WorkerError(f"{name}: its consumer group was deleted; a restart creates it again")
    problem = refusals.describe_lasting(patience)
    if problem is not None:
        raise WorkerError(f"{name}: {problem}")


def _announce_span(hardened: HardenedWorker) -> None:
    """Log where the worker begins, and where it ends."""
    worker, backfill = hardened.worker, hardened.backfill
    logger.info(
        "%s begins with %s; this applies only %s, and group %s has %s",
        format_name(worker),
        describe_start(worker.option),
        describe_scope(worker.option),
        worker.option.consumer_group_name,
        _describe_checkpoints(hardened),
    )
    if backfill is not None:
        logger.info(
            "%s ends when its group has shipped all logs that SLS received %s%s",
            format_name(worker),
            backfill,
            "; the end is in the future, so it waits until then" if backfill.is_future else "",
        )


def _describe_checkpoints(hardened: HardenedWorker) -> str:
    try:
        looking = hardened.worker.executor.submit(hardened.first_look.look)
        shards = looking.result(_LOOK_SECONDS).shards
    except Exception:
        return "an unknown number: SLS has not answered yet"
    return f"one for {shards} shard{'' if shards == 1 else 's'}" if shards else "none yet"


def _explain_missing_shards(worker: Worker) -> None:
    if not worker.shard_consumers:
        logger.info(
            "%s has no shards yet: other consumers of the group have them. They hand some over"
            " within a few heartbeats, unless there are more consumers than shards. If one has"
            " ended, SLS gives its shards to others after %d s of silence",
            format_name(worker),
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
