"""A range of logs: exactly it is shipped, and then the worker ends by itself."""

from __future__ import annotations

import logging
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from aliyun.log.consumer import ConsumerWorker

from sls_syslog import (
    SettingsError,
    run_worker,
)
from sls_syslog.consumer.start import format_time
from sls_syslog.logs.event_ids import read_cursor
from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.support.processes import ROOT, program
from tests.support.receipts import Store
from tests.support.shipping import GROUP, make_worker, numbers
from tests.support.waiting import eventually

LIMIT_SECONDS = 120.0
SHIP_TO_SIEM = str(ROOT / "examples" / "ship_to_siem.py")
START = 1_700_000_000
END = START + 100
RANGE: dict[str, Any] = {"start": format_time(START), "end": format_time(END)}
MOMENTS = [START - 50, START - 0.01, START, START + 0.5, END - 1, END - 0.01, END, END + 0.5]
"""When SLS receives the log of each number, from 0 on."""
INSIDE = [n for n, moment in enumerate(MOMENTS) if START <= moment < END]


def put_range(emulator: Store, shard: int = 0, first: int = 0) -> list[int]:
    """Receive logs before, in and after the range; return the numbers of those in it."""
    for number, moment in enumerate(MOMENTS, first):
        emulator.put(number, moment, shard)
    return [first + number for number in INSIDE]


@contextmanager
def started(
    emulator: SlsEmulator, settings: Any, **options: Any
) -> Iterator[tuple[ConsumerWorker, Future[None]]]:
    """``run_worker`` in a thread; it does not outlive the block."""
    worker = make_worker(emulator, settings, **{**RANGE, **options})
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(run_worker, worker)
        try:
            yield worker, run
        finally:
            worker.shutdown()


def ship(emulator: SlsEmulator, receiver: SyslogReceiver, **options: Any) -> None:
    """Ship a range; return when the worker has ended by itself."""
    with started(emulator, receiver.settings(), **options) as (_, run):
        run.result(LIMIT_SECONDS)


# Which logs, and when it ends


@pytest.mark.parametrize("shards", [1, 3])
def test_exactly_the_logs_of_the_range_are_shipped_and_the_worker_ends(
    shards: int, syslog_receiver: SyslogReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sls_syslog")
    with Store(shards=shards) as emulator:
        expected = put_range(emulator)  # the other shards have no logs
        # On a busy machine, shards that are lost and taken up again would be counted twice.
        ship(emulator, syslog_receiver, heartbeat_interval=20)
        assert set(emulator.checkpoints(GROUP)) == set(range(shards))
    assert numbers(syslog_receiver) == expected
    start, end = RANGE.values()
    begins = f"begins with the first log that SLS received at {start} or later; this applies only"
    assert caplog.text.count(begins) == 1
    assert "and group siem has none yet" in caplog.text
    shipped = rf"shipped all logs that SLS received from {re.escape(start)} on and before "
    shipped += rf"{re.escape(end)}; this worker: 4 received, 4 confirmed, 0 filtered, "
    assert re.search(rf"{shipped}0 dropped; in \d+ s", caplog.text), caplog.text


def test_without_a_start_the_range_begins_with_the_oldest_log(
    syslog_receiver: SyslogReceiver,
) -> None:
    with Store() as emulator:
        put_range(emulator)
        ship(emulator, syslog_receiver, start=None)
    assert numbers(syslog_receiver) == [0, 1, *INSIDE]


def test_a_range_without_logs_ends_too(syslog_receiver: SyslogReceiver) -> None:
    with Store(shards=2) as emulator:
        emulator.put(1, END, shard=1)
        ship(emulator, syslog_receiver)
    assert syslog_receiver.frames == []


@pytest.mark.parametrize("in_order", [False, True])
def test_split_shards_are_shipped_to_the_end_of_the_range(
    in_order: bool, syslog_receiver: SyslogReceiver
) -> None:
    """A parent, its children, and children of the time after the range, which nobody is given."""
    with Store() as emulator:
        for number, moment in enumerate([START - 1, START, START + 1]):
            emulator.put(number, moment, shard=0)
        children = emulator.split(START + 2)
        for child in children:
            emulator.put(10 + child, START + 3, child)
            emulator.put(20 + child, END - 1, child)
        for grandchild in emulator.split(END + 1, children[0]):
            emulator.put(30 + grandchild, END + 2, grandchild)
        emulator.put(40, END, children[1])
        ship(emulator, syslog_receiver, in_order=in_order)
    assert numbers(syslog_receiver) == [1, 2, 11, 12, 21, 22]


@pytest.mark.parametrize("in_order", [False, True])
def test_merged_shards_are_shipped_to_the_end_of_the_range(
    in_order: bool, syslog_receiver: SyslogReceiver
) -> None:
    with Store(shards=4) as emulator:
        for shard in range(4):
            emulator.put(shard, START, shard)
        child = emulator.merge(START + 1, 0)
        emulator.put(10, START + 2, child)
        emulator.put(11, END, child)
        late = emulator.merge(END + 1, 2)
        emulator.put(12, END + 2, late)
        ship(emulator, syslog_receiver, in_order=in_order)
    assert numbers(syslog_receiver) == [0, 1, 2, 3, 10]


@pytest.mark.gate
def test_an_end_in_the_future_is_waited_for(
    syslog_receiver: SyslogReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    """The SDK asks for the end once: it fetched nothing that came after that."""
    caplog.set_level(logging.INFO, "sls_syslog")
    end = int(time.time()) + 1000
    with Store() as emulator:
        emulator.put(0, START, shard=0)
        # The group's timeout is longer than the jump of the clock below.
        span = {"end": format_time(end), "heartbeat_interval": 600}
        with started(emulator, syslog_receiver.settings(), **span) as (_, run):
            syslog_receiver.wait_for(1)
            assert "the end is in the future, so it waits until then" in caplog.text
            emulator.put_logs([{"n": "1"}], shard=0)
            syslog_receiver.wait_for(2)
            assert not run.done()
            emulator.put(2, end - 0.5, shard=0)
            emulator.put(3, end, shard=0)
            emulator.clock.offset = end + 60 - time.time()
            run.result(LIMIT_SECONDS)
    assert numbers(syslog_receiver) == [0, 1, 2]


@pytest.mark.gate
def test_it_does_not_end_before_everything_is_confirmed(
    syslog_receiver: SyslogReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    """The SDK ends a worker whose last batch fails again and again, after a minute."""
    settings = {**syslog_receiver.settings(), "timeout": 2, "retry_seconds": 0.2}
    with Store() as emulator:
        put_range(emulator)
        syslog_receiver.stop_listening()
        with started(emulator, settings) as (_, run):
            # The SDK would end it after three heartbeats without logs.
            beats = emulator.calls["ConsumerGroupHeartBeat"] + 6
            eventually(lambda: emulator.calls["ConsumerGroupHeartBeat"] >= beats)
            assert not run.done()
            syslog_receiver.listen_again()
            run.result(LIMIT_SECONDS)
    assert numbers(syslog_receiver) == INSIDE


def test_a_question_that_fails_is_asked_again(
    syslog_receiver: SyslogReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    with Store() as emulator:
        put_range(emulator)
        emulator.fail("ListShards", status=400, code="Wrong", times=2)
        emulator.fail("GetCursor", status=400, code="Wrong", times=3)
        ship(emulator, syslog_receiver)
    assert "cannot ask SLS whether the range is done" in caplog.text
    assert numbers(syslog_receiver) == INSIDE


def test_what_has_expired_is_no_reason_to_ship_later_logs(
    syslog_receiver: SyslogReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    """The oldest log of a shard may be after the range."""
    with Store() as emulator:
        put_range(emulator)
        worker = make_worker(emulator, syslog_receiver.settings(), **RANGE)
        client: Any = worker.consumer_client
        first = client.get_cursor(0, START)
        client.update_check_point(0, "before", first)  # as an earlier run has left it
        emulator.expire(0, MOMENTS.index(END) + 1)
        ship(emulator, syslog_receiver)
    assert syslog_receiver.frames == []
    assert "logs expired before they were shipped" in caplog.text


# Several consumers


@pytest.mark.gate
def test_two_consumers_end_when_their_group_has_shipped_all(
    syslog_receiver: SyslogReceiver,
) -> None:
    """One of them has nothing to do any more, but is there if the other one dies."""
    settings = {**syslog_receiver.settings(), "timeout": 2, "retry_seconds": 0.2}
    with Store(shards=2) as emulator, SyslogReceiver() as away:
        expected = [*put_range(emulator), *put_range(emulator, 1, len(MOMENTS))]
        away.stop_listening()
        stuck = {**settings, **away.settings()}
        with started(emulator, stuck, heartbeat_interval=2) as (_, late):
            eventually(lambda: len(emulator.checkpoints(GROUP)) == 2)
            with started(emulator, settings, heartbeat_interval=2) as (_, early):
                eventually(lambda: len(syslog_receiver.frames) >= len(INSIDE))
                looks = emulator.calls["ListShards"] + 3
                eventually(lambda: emulator.calls["ListShards"] >= looks, LIMIT_SECONDS)
                assert not early.done()
                assert not late.done()
                away.listen_again()
                early.result(LIMIT_SECONDS)
                late.result(LIMIT_SECONDS)
        arrived = {*numbers(syslog_receiver), *numbers(away)}
    assert sorted(arrived) == expected


def test_a_consumer_without_shards_ends_with_the_others(syslog_receiver: SyslogReceiver) -> None:
    with Store() as emulator:
        put_range(emulator)
        with (
            started(emulator, syslog_receiver.settings()) as (_, first),
            started(emulator, syslog_receiver.settings()) as (_, second),
        ):
            first.result(LIMIT_SECONDS)
            second.result(LIMIT_SECONDS)
    assert numbers(syslog_receiver) == INSIDE


# A group that has checkpoints


def save_checkpoint(emulator: Store, moment: float) -> None:
    """Let the group be where SLS received a log at that moment."""
    worker = make_worker(emulator, {"host": "siem"})
    client: Any = worker.consumer_client
    client.update_check_point(0, "before", client.get_cursor(0, int(moment)))


@pytest.mark.parametrize(
    ("moment", "expected"), [(START, INSIDE), (END - 1, [4, 5]), (END, []), (END + 9, [])]
)
def test_a_group_continues_at_its_checkpoint(
    moment: int, expected: list[int], syslog_receiver: SyslogReceiver
) -> None:
    with Store() as emulator:
        put_range(emulator)
        save_checkpoint(emulator, moment)
        before = emulator.checkpoints(GROUP)
        ship(emulator, syslog_receiver)
        cursors = [read_cursor(saved[0]) or 0 for saved in (before, emulator.checkpoints(GROUP))]
        assert cursors == sorted(cursors)
    assert numbers(syslog_receiver) == expected


def test_a_group_that_has_not_reached_the_range_is_refused(
    syslog_receiver: SyslogReceiver,
) -> None:
    """Else logs before the range would be shipped."""
    with Store() as emulator:
        put_range(emulator)
        save_checkpoint(emulator, START - 60)
        problem = f"^SLS_CG: shard 0: the checkpoint of group {GROUP} is before the start of the r"
        with pytest.raises(SettingsError, match=problem):
            ship(emulator, syslog_receiver)
    assert syslog_receiver.frames == []


# By hand, and as programs


def test_several_workers_of_one_program_end_each_on_its_own(
    syslog_receiver: SyslogReceiver,
) -> None:
    with Store() as emulator:
        emulator.create_logstore("other")
        put_range(emulator)
        emulator.put(100, START + 5, logstore="other")
        workers = [
            make_worker(emulator, syslog_receiver.settings(), logstore=name, **RANGE)
            for name in ("logs", "other")
        ]
        with ThreadPoolExecutor(1) as pool:
            pool.submit(run_worker, *workers).result(LIMIT_SECONDS)
    assert numbers(syslog_receiver) == [*INSIDE, 100]


def run_example(emulator: SlsEmulator, receiver: SyslogReceiver, **variables: str) -> Any:
    environ = {**emulator.environ(GROUP), **receiver.environ(), **variables}
    span = {f"SLS_{name.upper()}": value for name, value in RANGE.items()}
    return program(SHIP_TO_SIEM, environ={**environ, **span})


def test_the_example_ends_with_status_0_and_says_what_was_shipped(
    syslog_receiver: SyslogReceiver,
) -> None:
    with Store(shards=2) as emulator:
        expected = put_range(emulator)
        with run_example(emulator, syslog_receiver) as shipper:
            assert shipper.wait(LIMIT_SECONDS) == 0, shipper.output()
            said = shipper.output()
    assert numbers(syslog_receiver) == expected
    assert said.count("4 received, 4 confirmed, 0 filtered, 0 dropped; in ") == 1
    assert len(said.splitlines()) <= 12, said


def test_the_example_fails_if_a_signal_stops_it_before_the_end(
    syslog_receiver: SyslogReceiver,
) -> None:
    """A supervisor of jobs takes the status 0 for a range that is done."""
    syslog_receiver.stop_listening()
    with Store() as emulator:
        put_range(emulator)
        with run_example(emulator, syslog_receiver) as shipper:
            eventually(lambda: "delivery fails" in shipper.output())
            shipper.process.send_signal(signal.SIGTERM)
            assert shipper.wait(LIMIT_SECONDS) == 1, shipper.output()
            assert "stopped before its range was done" in shipper.output()


@pytest.mark.gate
def test_a_killed_program_that_is_started_again_ships_the_rest_and_no_more(
    syslog_receiver: SyslogReceiver,
) -> None:
    logs = range(6000)  # several fetches of each shard
    with Store(shards=2) as emulator:
        for n in logs:
            emulator.put(n, START + n / len(logs) * 90, n % 2)
        for n in range(100):
            emulator.put(len(logs) + n, END + n, n % 2)
        # With the same name, the next start gets the shards back at once.
        with run_example(emulator, syslog_receiver, SLS_CONSUMER="shipper") as shipper:
            syslog_receiver.wait_for(100, timeout=LIMIT_SECONDS)
            shipper.process.send_signal(signal.SIGKILL)
            shipper.wait()
        with run_example(emulator, syslog_receiver, SLS_CONSUMER="shipper") as shipper:
            assert shipper.wait(LIMIT_SECONDS) == 0, shipper.output()
    assert numbers(syslog_receiver) == list(logs)
