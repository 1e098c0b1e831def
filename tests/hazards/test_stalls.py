"""S1-S25, what stalls, kills or leaks: the naive way shows it here, ours is unharmed."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from aliyun.log.consumer.exceptions import ClientWorkerException
from shipping import GROUP, eventually, numbers

from hazards import naive
from hazards.ways import (
    NAIVE,
    OURS,
    PLAIN,
    Signer,
    Way,
    hazard,
    make,
    missing,
    outage,
    put,
    quick,
    service,
    within,
)
from sls_syslog import SyslogShipperProcessor, WorkerError
from sls_syslog.testing import SlsEmulator, SyslogReceiver

CHECKPOINT = "ConsumerGroupUpdateCheckPoint"
HEARTBEAT = "ConsumerGroupHeartBeat"
LONG = 30.0  # what must come true may take its time on a busy machine
A_WHILE = 3.0  # what must not come true is watched for so long


def beats(emulator: SlsEmulator, count: int) -> None:
    """Wait for further heartbeats."""
    last = emulator.calls[HEARTBEAT] + count
    eventually(lambda: emulator.calls[HEARTBEAT] >= last)


def refuse_checkpoints(emulator: SlsEmulator) -> None:
    """Every save, with an error that the SDK does not try again."""
    emulator.fail(CHECKPOINT, status=403, code="ProjectForbidden", times=None)


@hazard(NAIVE, PLAIN, OURS)
def test_s1_a_checkpoint_error_while_idle_ends_no_thread(way: Way) -> None:
    with service() as (emulator, receiver), way.run(emulator, quick(receiver)) as worker:
        put(emulator, 0, 1)
        emulator.wait_until_drained(GROUP)
        if way.safe:  # the naive one saves the next in memory only, being quick
            refuse_checkpoints(emulator)
        put(emulator, 1, 2)
        receiver.wait_for(2)
        time.sleep(0.5)  # for process() to return
        if not way.safe:
            refuse_checkpoints(emulator)
        # The 30 seconds after which the SDK flushes by itself.
        worker.shard_consumers[0].last_success_fetch_time_with_data -= 31
        pulls = emulator.calls["PullLogs"]
        eventually(lambda: emulator.calls["PullLogs"] >= pulls + 2 or not worker.is_alive())
        assert worker.is_alive() is way.safe
        emulator.clear_faults()
        put(emulator, 2, 3)
        assert within(LONG if way.safe else A_WHILE, lambda: emulator.drained(GROUP)) is way.safe
        beats(emulator, 2)
        eventually(lambda: emulator.owners(GROUP) == {0: "shipper"})  # nobody else gets the shard


class Exits(SyslogShipperProcessor):
    """A hook that tries to end the program, once."""

    exits = True

    def format_message(self, log: Any) -> str | None:
        if self.exits:
            self.exits = False
            raise SystemExit("from a hook")
        return super().format_message(log)


@hazard(NAIVE, PLAIN, OURS)
def test_s2_an_exit_in_process_ends_no_thread(way: Way) -> None:
    with (
        service() as (emulator, receiver),
        way.run(emulator, quick(receiver), naive.Exits, Exits) as worker,
    ):
        put(emulator, 0, 10)
        assert within(LONG if way.safe else A_WHILE, lambda: emulator.drained(GROUP)) is way.safe
        assert worker.is_alive() is way.safe
        beats(emulator, 2)
        eventually(lambda: emulator.owners(GROUP) == {0: "shipper"})


class Forgetful(SyslogShipperProcessor):
    """Its author forgot ``super().__init__()``."""

    def __init__(self, settings: Any) -> None:
        pass


@hazard(NAIVE, OURS)
def test_s3_a_worker_that_dies_is_an_error(way: Way) -> None:
    with service() as (emulator, receiver), ExitStack() as expected:
        if way.safe:
            expected.enter_context(pytest.raises(WorkerError, match="has died"))
        with way.run(emulator, quick(receiver), naive.Forgetful, Forgetful) as worker:
            eventually(lambda: not worker.is_alive())
            if way.safe:
                eventually(lambda: not worker.heart_beat.is_alive())
            else:
                beats(emulator, 2)
                eventually(lambda: emulator.owners(GROUP) == {0: "shipper"})


@hazard(NAIVE, OURS)
def test_s4_a_process_whose_worker_has_died_ends(way: Way) -> None:
    with (
        service() as (emulator, receiver),
        way.program(emulator, receiver, FORGETFUL="1", JOIN="1") as shipper,
    ):
        if way.safe:
            assert shipper.wait() == 1
            assert "WorkerError" in shipper.output()
        else:
            eventually(lambda: "the end of the program" in shipper.output())
            beats(emulator, 3)
            assert shipper.process.poll() is None
            eventually(lambda: emulator.owners(GROUP) == {0: "shipper"})


@hazard(NAIVE, PLAIN, OURS)
def test_s5_a_receiver_that_is_down_when_a_processor_is_made_ends_no_worker(way: Way) -> None:
    with service() as (emulator, receiver):
        down = ExitStack()  # which ends before the worker does, or a naive one never would
        down.enter_context(outage(receiver))
        with way.run(emulator, quick(receiver), naive.ConnectsAtOnce) as worker, down:
            put(emulator, 0, 10)
            eventually(lambda: emulator.calls["PullLogs"] >= 1 or worker.shut_down_flag)
            assert worker.shut_down_flag is not way.safe
            down.close()
            drained = within(LONG if way.safe else 1, lambda: emulator.drained(GROUP))
            assert drained is way.safe


@hazard(NAIVE, PLAIN, OURS)
def test_s6_a_stop_is_over_soon_although_the_receiver_is_down(way: Way) -> None:
    with service() as (emulator, receiver):
        down = ExitStack()  # which ends before the worker does, or a naive one never would
        down.enter_context(outage(receiver))
        put(emulator, 0, 10)
        with way.run(emulator, quick(receiver), naive.Insists) as worker, down:
            eventually(lambda: emulator.calls["PullLogs"] >= 1)
            time.sleep(0.5)  # for process() to begin
            worker.shutdown()
            worker.join(LONG if way.safe else A_WHILE)
            assert worker.is_alive() is not way.safe
            down.close()


@hazard(NAIVE, PLAIN, OURS)
def test_s7_an_evicted_consumer_comes_back_although_the_receiver_is_down(way: Way) -> None:
    with service(shards=2) as (emulator, receiver):
        down = ExitStack()
        down.enter_context(outage(receiver))
        put(emulator, 0, 10)
        with way.run(emulator, quick(receiver), naive.Insists, timeout=2), down:
            eventually(lambda: emulator.calls["PullLogs"] >= 2)
            time.sleep(1)  # for process() to begin
            emulator.evict(GROUP, "shipper")
            back = within(
                LONG if way.safe else 6,  # 3 seconds after which the SDK gives its shards up
                lambda: None not in emulator.owners(GROUP).values(),
            )
            assert back is way.safe
            down.close()
            emulator.wait_until_drained(GROUP)


@hazard(NAIVE, OURS)
def test_s8_shards_that_are_held_up_do_not_hold_up_others(way: Way) -> None:
    over = threading.Event()
    held_up = threading.Semaphore(0)

    def wait(shard: int) -> None:
        if shard < 2:
            held_up.release()
            over.wait(60)

    class Waits(naive.Documented):
        def deliver(self, log_groups: Any) -> None:
            wait(self.shard_id)
            super().deliver(log_groups)

    class OursWaits(SyslogShipperProcessor):
        def format_message(self, log: Any) -> str | None:
            wait(self.shard_id)
            return super().format_message(log)

    pool: dict[str, Any] = {} if way.safe else {"worker_pool_size": None}  # the SDK's default
    with (
        service(shards=4) as (emulator, receiver),
        way.run(emulator, quick(receiver), Waits, OursWaits, **pool),
    ):
        eventually(lambda: emulator.calls["PullLogs"] >= 4)
        for n in (0, 1):
            put(emulator, n, n + 1, shard=n)
            assert held_up.acquire(timeout=LONG)
        for n in (2, 3):
            put(emulator, n, n + 1, shard=n)
        arrived = within(LONG if way.safe else A_WHILE, lambda: numbers(receiver) == [2, 3])
        over.set()
        assert arrived is way.safe
        emulator.wait_until_drained(GROUP)


@hazard(NAIVE, PLAIN, OURS)
def test_s9_a_connection_that_breaks_once_costs_nothing(way: Way) -> None:
    with service() as (emulator, receiver):
        with way.run(emulator, quick(receiver), naive.SavesFirst):
            put(emulator, 0, 1)
            emulator.wait_until_drained(GROUP)
            saves = emulator.calls[CHECKPOINT]
            for operation in (CHECKPOINT, "PullLogs", HEARTBEAT):
                emulator.fail(operation, drop=True)
            put(emulator, 1, 2)
            eventually(lambda: emulator.calls[CHECKPOINT] > saves)
            put(emulator, 2, 3)
            emulator.wait_until_drained(GROUP)
        assert missing(receiver, 3) == ([] if way.safe else [1])


@hazard(NAIVE, OURS)
def test_s10_a_request_that_hangs_is_over_before_sls_gives_the_shards_away(way: Way) -> None:
    with (
        service() as (emulator, receiver),
        way.run(emulator, quick(receiver), heartbeat_interval=None, timeout=None) as worker,
    ):
        beats(emulator, 0)
        deadline = worker.consumer_client.mclient.timeout
        assert (deadline < worker.option.consumer_group_time_out) is way.safe


@contextmanager
def silent(name: str) -> Iterator[None]:
    """A logger of the SDK, whose call is itself an error, says nothing."""
    logger = logging.getLogger(name)
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = False


@hazard(NAIVE, OURS)
def test_s11_a_heartbeat_that_raises_does_not_spin(way: Way) -> None:
    with (
        service() as (emulator, receiver),
        silent("aliyun.log.consumer.heart_beat"),
        way.run(emulator, quick(receiver)) as worker,
    ):
        eventually(lambda: emulator.calls["PullLogs"] >= 2)
        signer = Signer(worker.consumer_client.mclient, "heartbeat")
        eventually(lambda: signer.refusals > 0)
        time.sleep(0.5)
        signer.broken = False
        assert (signer.refusals < 5) is way.safe
        beats(emulator, 1)


@hazard(NAIVE, OURS)
def test_s12_an_expired_token_holds_up_no_shard(way: Way) -> None:
    with service(shards=2) as (emulator, receiver):
        for n in (0, 1):
            put(emulator, n, n + 1, shard=n)
        for late in (0, 1):  # so that the second thread hears of it when the first has a new one
            emulator.fail("PullLogs", status=401, code="SecurityTokenExpired", delay=late)
        with way.program(emulator, receiver, REFRESH="1"):
            receiver.wait_for(1, timeout=LONG)
            assert within(2 * A_WHILE, lambda: not missing(receiver, 2)) is way.safe


def stopped_by(way: Way, number: signal.Signals) -> tuple[int | None, bool]:
    """The exit status, ``None`` if it has none, and whether all that had arrived was saved."""
    with service() as (emulator, receiver), way.program(emulator, receiver) as shipper:
        put(emulator, 0, 1)
        emulator.wait_until_drained(GROUP)
        put(emulator, 1, 2)  # within the three seconds in which the SDK saves in memory only
        receiver.wait_for(2)
        shipper.process.send_signal(number)
        within(LONG, lambda: shipper.process.poll() is not None)
        return shipper.process.poll(), emulator.drained(GROUP)


@hazard(NAIVE, OURS)
def test_s13_sigterm_ends_with_a_checkpoint(way: Way) -> None:
    assert stopped_by(way, signal.SIGTERM) == ((0, True) if way.safe else (-15, False))


@hazard(NAIVE, OURS)
def test_s14_ctrl_c_ends_with_a_checkpoint(way: Way) -> None:
    _, saved = stopped_by(way, signal.SIGINT)
    assert saved is way.safe


@hazard(NAIVE, OURS)
def test_s15_thirty_two_shards_are_shut_down_in_seconds(way: Way) -> None:
    with (
        service(shards=32) as (emulator, receiver),
        way.program(emulator, receiver, HANDLER="1") as shipper,
    ):
        for n in range(32):
            put(emulator, n, n + 1, shard=n)
        receiver.wait_for(32, timeout=LONG)
        shipper.process.terminate()
        seconds = 15 if way.safe else A_WHILE
        assert within(seconds, lambda: shipper.process.poll() is not None) is way.safe


@hazard(NAIVE, OURS)
def test_s16_the_shutdown_saves_what_was_in_memory(way: Way) -> None:
    with service() as (emulator, receiver):
        with way.run(emulator, quick(receiver), naive.NoLastSave):
            put(emulator, 0, 1)
            emulator.wait_until_drained(GROUP)
            put(emulator, 1, 2)
            receiver.wait_for(2)
        assert emulator.drained(GROUP) is way.safe


@hazard(NAIVE, OURS)
def test_s17_a_batch_that_cannot_be_decoded_is_not_passed_and_stalls_its_shard_alone(
    way: Way,
) -> None:
    """Both ways: it can be seen from outside, not mended."""
    with service(shards=2) as (emulator, receiver):
        emulator.put_group(b"\xff\xff\xff", shard=0)
        put(emulator, 0, 1, shard=0)
        with way.program(emulator, receiver) as shipper:
            eventually(lambda: "BadResponse" in shipper.output())
            put(emulator, 1, 2, shard=1)
            eventually(lambda: numbers(receiver) == [1])
            assert not within(A_WHILE, lambda: len(numbers(receiver)) > 1)
        assert emulator.checkpoints(GROUP).get(0, "") != emulator.end_cursors()[0]


@hazard(NAIVE, OURS)
def test_s18_an_initialisation_that_fails_does_no_work_each_time(way: Way) -> None:
    with service() as (emulator, receiver):
        emulator.fail("GetCheckPoint", status=400, code="ParameterInvalid", times=10)
        with way.run(emulator, quick(receiver), naive.ConnectsInInitialize):
            eventually(lambda: emulator.calls["GetCheckPoint"] > 10)
            put(emulator, 0, 1)
            emulator.wait_until_drained(GROUP)
            assert (receiver.connections < 10) is way.safe


def split(emulator: SlsEmulator) -> None:
    """Split the empty shard 0, and put a log into each of its children."""
    for n, child in enumerate(emulator.split_shard(0)):
        put(emulator, n, n + 1, shard=child)


@hazard(NAIVE, OURS)
def test_s19_in_order_the_children_of_an_empty_shard_are_shipped(way: Way) -> None:
    with service() as (emulator, receiver):
        split(emulator)
        with way.run(emulator, quick(receiver), in_order=True):
            assert within(2 * A_WHILE, lambda: not missing(receiver, 2)) is way.safe


@hazard(NAIVE, OURS)
def test_s19_in_order_the_children_of_an_empty_shard_are_shipped_after_a_restart(
    way: Way,
) -> None:
    """As long as the shutdown saves where the parent began, which is where it ends."""
    with service() as (emulator, receiver):
        split(emulator)
        for seconds in (1, LONG if way.safe else A_WHILE):
            with way.run(emulator, quick(receiver), naive.NoLastSave, in_order=True):
                eventually(lambda: bool(emulator.calls["PullLogs"]))
                shipped = within(seconds, lambda: not missing(receiver, 2))
        assert shipped is way.safe


@hazard(NAIVE, OURS)
def test_s21_two_processes_have_two_names(way: Way) -> None:
    # In a container every process has the same number: "{group}-{pid}" is one name.
    name = None if way.safe else f"{GROUP}-1"
    with service(shards=2) as (emulator, receiver), ExitStack() as running:
        for _ in range(2):
            running.enter_context(way.run(emulator, quick(receiver), consumer=name))
        beats(emulator, 8)
        for n in range(20):
            put(emulator, n, n + 1, shard=n % 2)
        eventually(lambda: not missing(receiver, 20))
        emulator.wait_until_drained(GROUP)
        twice = within(A_WHILE, lambda: len(receiver.frames) == 40)
        assert twice is not way.safe


@hazard(NAIVE, OURS)
def test_s22_a_group_that_is_deleted_is_made_again_or_is_an_error(way: Way) -> None:
    with (
        service() as (emulator, receiver),
        way.program(emulator, receiver, TIMEOUT="2") as shipper,
    ):

        def noticed() -> bool:
            return shipper.process.poll() is not None or not missing(receiver, 2)

        put(emulator, 0, 1)
        emulator.wait_until_drained(GROUP)
        emulator.delete_consumer_group(GROUP)
        within(LONG, lambda: shipper.output().count("Heart beat timeout") > 0 or noticed())
        put(emulator, 1, 2)
        assert within(2 * A_WHILE, noticed) is way.safe


def group_timeout(receiver: SyslogReceiver, emulator: SlsEmulator, **options: Any) -> float:
    """The group's timeout after the start of another instance."""
    worker = make(emulator, quick(receiver), SyslogShipperProcessor, timeout=None, **options)
    return float(worker.consumer_client.get_consumer_group().get_timeout())


def test_s23_our_defaults_change_no_group_s_timeout() -> None:
    with service() as (emulator, receiver):
        sdk_default = group_timeout(receiver, emulator, heartbeat_interval=None)
        assert group_timeout(receiver, emulator, heartbeat_interval=1) == 2  # for all others too
        assert sdk_default == 40
        assert group_timeout(receiver, emulator, heartbeat_interval=None) == sdk_default


def test_s24_an_sls_that_is_down_at_the_start_is_an_error_at_once() -> None:
    """The SDK's constructor asks SLS; the supervisor has to start the program again."""
    with SlsEmulator() as emulator:
        pass
    with pytest.raises(ClientWorkerException):
        make(
            emulator,
            {"host": "siem"},
            SyslogShipperProcessor,
            endpoint=f"https://{emulator.endpoint}",
        )


@hazard(NAIVE, OURS)
def test_s25_no_connection_to_sls_is_thrown_away(way: Way) -> None:
    with service(shards=32) as (emulator, receiver), way.program(emulator, receiver) as shipper:
        for n in range(64):
            put(emulator, n, n + 1, shard=n % 32)
        eventually(lambda: not missing(receiver, 64))
        assert ("Connection pool is full" not in shipper.output()) is way.safe
