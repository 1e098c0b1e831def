"""A shard with a backlog need not wait for the rounds of the SDK's loop."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Executor, Future
from types import SimpleNamespace
from typing import Any

import pytest
from aliyun.log.consumer import tasks

from sls_syslog import SyslogShipperProcessor
from sls_syslog.consumer.patches import HardenedWorker, _WakingExecutor
from sls_syslog.consumer.steady_clock import WakingTime, with_steady_clock
from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.support.shipping import make_worker, numbers, shipping
from tests.support.waiting import eventually

SDK: Any = tasks
MIB = 1024 * 1024
LONG = 3600.0  # seconds that no test lasts
NEXT = object()  # a batch that waits


class Loop:
    """Pauses as the SDK's worker does: ``ConsumerWorker.run``."""

    def __init__(self) -> None:
        self.rounds = 0
        self.is_over = False

    def run(self, interval: float) -> None:
        while not self.is_over:
            begun = time.time()
            self.rounds += 1
            left = interval - (time.time() - begun)
            while left > 0 and not self.is_over:
                time.sleep(min(left, 1))
                left = interval - (time.time() - begun)


def test_a_call_ends_a_pause_and_the_next_one() -> None:
    loop, clock = Loop(), WakingTime(lambda: LONG)
    thread = threading.Thread(target=with_steady_clock(loop.run, clock), args=(LONG,))
    thread.start()
    for wakes in range(1, 4):
        eventually(lambda: loop.rounds % 2 == 1)
        clock.wake()
        # The round that takes a batch, and the one that hands it on.
        eventually(lambda wakes=wakes: loop.rounds == 1 + 2 * wakes)  # type: ignore[misc]
    loop.is_over = True
    clock.wake()
    thread.join(30)
    assert not thread.is_alive()
    assert clock.time() > time.time() + 6 * LONG - 60  # each pause counts as slept in full


def test_without_a_call_a_pause_lasts() -> None:
    clock = WakingTime(lambda: LONG)
    begun, at = time.monotonic(), clock.time()
    clock.sleep(0.05)
    assert time.monotonic() - begun >= 0.05
    assert clock.time() - at <= time.monotonic() - begun + 0.01


def test_a_call_that_comes_before_the_pause_is_not_lost() -> None:
    clock = WakingTime(lambda: LONG)
    clock.wake()
    clock.sleep(LONG)


class Direct(Executor):
    """Runs a task in the caller's thread."""

    def submit(self, task: Any, /, *args: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(task(*args, **options))
        except Exception as error:
            future.set_exception(error)
        return future


def fetched(size: int, groups: int) -> Any:
    return SDK.FetchTaskResult(None, groups, "5", size, 0, 0)


@pytest.mark.parametrize(
    ("result", "following", "wakes"),
    [
        (fetched(MIB, 1), None, True),
        (fetched(1, 100), None, True),
        (fetched(MIB - 1, 99), None, False),
        (fetched(0, 0), NEXT, False),
        (SDK.TaskResult(OSError()), NEXT, False),
        (SDK.ProcessTaskResult(None), NEXT, True),
        (SDK.ProcessTaskResult(None), None, False),
        (SDK.ProcessTaskResult("4"), NEXT, False),
        (SDK.InitTaskResult("1", True, None), None, True),
        (OSError(), NEXT, False),
    ],
)
def test_only_a_task_that_makes_work_wakes_the_loop(
    result: Any, following: object | None, wakes: bool
) -> None:
    """A failure that came back at once would be repeated at once, for ever."""
    woken: list[str] = []
    consumer: Any = SimpleNamespace(executor=Direct(), last_fetch_log_group=following)
    executor = _WakingExecutor(consumer, lambda: woken.append("up"))

    def do_task(*, name: str) -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    future = executor.submit(do_task, name="task")
    assert future.done()
    assert bool(woken) is wakes


def test_a_task_that_was_cancelled_wakes_nobody() -> None:
    pending: Future[Any] = Future()
    executor: Any = SimpleNamespace(submit=lambda *_, **__: pending)
    consumer: Any = SimpleNamespace(executor=executor, last_fetch_log_group=NEXT)
    _WakingExecutor(consumer, pytest.fail).submit(print)
    pending.cancel()


@pytest.mark.parametrize(("interval", "is_cut"), [(0.1, True), (0.05, True), (1, False)])
def test_the_pauses_of_who_has_chosen_longer_ones_are_slept_in_full(
    interval: float, is_cut: bool, sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    worker: Any = make_worker(
        sls_emulator, syslog_receiver.settings(), data_fetch_interval=interval
    )
    HardenedWorker(worker)
    consumer = worker._get_shard_consumer(0)
    assert isinstance(consumer.executor, _WakingExecutor) is is_cut
    assert worker._get_shard_consumer(0).executor is consumer.executor


class FirstBatchLengthensPauses(SyslogShipperProcessor):
    """From its first batch on, each pause of the worker's loop is an hour, unless it is cut."""

    def process(self, log_groups: Any, check_point_tracker: Any) -> str | None:
        worker: Any = threads[0]
        worker.option.data_fetch_interval = LONG
        return super().process(log_groups, check_point_tracker)


threads: list[Any] = []  # the worker of the processors above


def test_a_backlog_is_shipped_without_the_pauses_of_the_loop(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    for number in range(1000):
        sls_emulator.put_logs([{"n": str(number)}], shard=0)
    threads.clear()
    with shipping(
        sls_emulator,
        syslog_receiver.settings(),
        FirstBatchLengthensPauses,
        max_fetch_log_group_size=100,
    ) as worker:
        threads.append(worker)
        syslog_receiver.wait_for(1000, timeout=120)
    assert numbers(syslog_receiver) == list(range(1000))
