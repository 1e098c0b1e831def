"""S1 to S25, the hazards that stall, kill or leak: they harm the naive variant, ours not."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from aliyun.log.consumer import ConsumerWorker
from aliyun.log.consumer.exceptions import ClientWorkerException

from sls_syslog import SyslogShipperProcessor, WorkerError
from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.hazards import naive
from tests.hazards.variants import (
    NAIVE,
    OURS,
    PLAIN,
    Signer,
    Variant,
    hazard,
    list_missing,
    make_settings,
    make_worker,
    put,
    refuse_connections,
    run_service,
)
from tests.support.processors import Fatal
from tests.support.shipping import GROUP, numbers
from tests.support.waiting import eventually, holds_within

CHECKPOINT = "ConsumerGroupUpdateCheckPoint"
HEARTBEAT = "ConsumerGroupHeartBeat"
LONG = 30.0  # seconds for something that must happen; a busy machine is slow
A_WHILE = 3.0  # seconds to watch for something that must not happen


def wait_for_heartbeats(emulator: SlsEmulator, count: int) -> None:
    """Wait for more heartbeats."""
    last = emulator.calls[HEARTBEAT] + count
    eventually(lambda: emulator.calls[HEARTBEAT] >= last)


def wait_for_process(emulator: SlsEmulator, worker: ConsumerWorker) -> None:
    """Wait until the SDK has given all logs of shard 0 to ``process()``."""
    end = emulator.end_cursors()[0]

    def is_given() -> bool:
        consumer = worker.shard_consumers.get(0)
        return consumer is not None and consumer.checkpoint_tracker.get_cursor() == end

    eventually(is_given)


def refuse_checkpoints(emulator: SlsEmulator) -> None:
    """Refuse every checkpoint with an error that the SDK does not retry."""
    emulator.fail(CHECKPOINT, status=403, code="ProjectForbidden", times=None)


@hazard(gate=[OURS, NAIVE, PLAIN])
def test_s1_a_checkpoint_error_while_idle_ends_no_thread(variant: Variant) -> None:
    with (
        run_service() as (emulator, receiver),
        variant.run(emulator, make_settings(receiver)) as worker,
    ):
        put(emulator, 0, 1)
        emulator.wait_until_drained(GROUP)
        if variant.is_safe:  # naive saves the next checkpoint in memory only: it comes soon after
            refuse_checkpoints(emulator)
        put(emulator, 1, 2)
        receiver.wait_for(2)
        end = emulator.end_cursors()[0]
        tracker = worker.shard_consumers[0].checkpoint_tracker
        eventually(lambda: tracker.get_check_point() == end)  # process() saves it at its end
        if not variant.is_safe:
            refuse_checkpoints(emulator)
        # The SDK flushes on its own after 30 seconds without data: let them be over.
        worker.shard_consumers[0].last_success_fetch_time_with_data -= 31
        pulls = emulator.calls["PullLogs"]
        eventually(lambda: emulator.calls["PullLogs"] >= pulls + 2 or not worker.is_alive())
        assert worker.is_alive() is variant.is_safe
        emulator.clear_faults()
        put(emulator, 2, 3)
        assert (
            holds_within(LONG if variant.is_safe else A_WHILE, lambda: emulator.drained(GROUP))
            is variant.is_safe
        )
        wait_for_heartbeats(emulator, 2)
        eventually(lambda: emulator.owners(GROUP) == {0: "shipper"})  # no other gets the shard


class Exits(SyslogShipperProcessor):
    """Has a hook that tries to end the program, once."""

    exits = True

    def format_message(self, log: Any) -> str | None:
        if self.exits:
            self.exits = False
            raise SystemExit("from a hook")
        return super().format_message(log)


@hazard(OURS, gate=[NAIVE, PLAIN])
def test_s2_an_exit_in_process_ends_no_thread(variant: Variant) -> None:
    with (
        run_service() as (emulator, receiver),
        variant.run(emulator, make_settings(receiver), naive.Exits, Exits) as worker,
    ):
        put(emulator, 0, 10)
        assert (
            holds_within(LONG if variant.is_safe else A_WHILE, lambda: emulator.drained(GROUP))
            is variant.is_safe
        )
        assert worker.is_alive() is variant.is_safe
        wait_for_heartbeats(emulator, 2)
        eventually(lambda: emulator.owners(GROUP) == {0: "shipper"})


@hazard(NAIVE, OURS)
def test_s3_a_worker_that_dies_is_an_error(variant: Variant) -> None:
    with run_service() as (emulator, receiver), ExitStack() as expected:
        if variant.is_safe:
            expected.enter_context(pytest.raises(WorkerError, match="has died"))
        with variant.run(emulator, make_settings(receiver), naive.Forgetful, Fatal) as worker:
            eventually(lambda: not worker.is_alive())
            if variant.is_safe:
                eventually(lambda: not worker.heart_beat.is_alive())
            else:
                wait_for_heartbeats(emulator, 2)
                eventually(lambda: emulator.owners(GROUP) == {0: "shipper"})


@hazard(NAIVE, OURS)
def test_s4_a_process_whose_worker_has_died_ends(variant: Variant) -> None:
    with (
        run_service() as (emulator, receiver),
        variant.run_program(emulator, receiver, FORGETFUL="1", JOIN="1") as shipper,
    ):
        if variant.is_safe:
            assert shipper.wait() == 1
            assert "WorkerError" in shipper.output()
        else:
            eventually(lambda: "the end of the program" in shipper.output())
            wait_for_heartbeats(emulator, 3)
            assert shipper.process.poll() is None
            eventually(lambda: emulator.owners(GROUP) == {0: "shipper"})


@hazard(NAIVE, OURS, gate=[PLAIN])
def test_s5_a_receiver_that_is_down_when_a_processor_is_made_ends_no_worker(
    variant: Variant,
) -> None:
    with run_service() as (emulator, receiver):
        down = ExitStack()  # must end before the worker: otherwise a naive one never ends
        down.enter_context(refuse_connections(receiver))
        with variant.run(emulator, make_settings(receiver), naive.ConnectsAtOnce) as worker, down:
            put(emulator, 0, 10)
            eventually(lambda: emulator.calls["PullLogs"] >= 1 or worker.shut_down_flag)
            assert worker.shut_down_flag is not variant.is_safe
            down.close()
            drained = holds_within(LONG if variant.is_safe else 1, lambda: emulator.drained(GROUP))
            assert drained is variant.is_safe


@hazard(OURS, gate=[NAIVE, PLAIN])
def test_s6_a_stop_is_over_soon_although_the_receiver_is_down(variant: Variant) -> None:
    with run_service() as (emulator, receiver):
        down = ExitStack()  # must end before the worker: otherwise a naive one never ends
        down.enter_context(refuse_connections(receiver))
        put(emulator, 0, 10)
        with variant.run(emulator, make_settings(receiver), naive.Insists) as worker, down:
            wait_for_process(emulator, worker)
            time.sleep(0.5)  # process() tries in vain
            worker.shutdown()
            worker.join(LONG if variant.is_safe else A_WHILE)
            assert worker.is_alive() is not variant.is_safe
            down.close()


@hazard(OURS, gate=[NAIVE, PLAIN])
def test_s7_an_evicted_consumer_comes_back_although_the_receiver_is_down(variant: Variant) -> None:
    with run_service(shards=2) as (emulator, receiver):
        down = ExitStack()
        down.enter_context(refuse_connections(receiver))
        put(emulator, 0, 10)
        with (
            variant.run(emulator, make_settings(receiver), naive.Insists, timeout=2) as worker,
            down,
        ):
            wait_for_process(emulator, worker)
            emulator.evict(GROUP, "shipper")
            back = holds_within(
                LONG if variant.is_safe else 6,  # the SDK gives its shards up after 3 seconds
                lambda: None not in emulator.owners(GROUP).values(),
            )
            assert back is variant.is_safe
            down.close()
            emulator.wait_until_drained(GROUP)


@hazard(OURS, gate=[NAIVE])
def test_s8_shards_that_are_held_up_do_not_hold_up_others(variant: Variant) -> None:
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

    pool: dict[str, Any] = (
        {} if variant.is_safe else {"worker_pool_size": None}
    )  # the SDK's default
    with (
        run_service(shards=4) as (emulator, receiver),
        variant.run(emulator, make_settings(receiver), Waits, OursWaits, **pool),
    ):
        eventually(lambda: emulator.calls["PullLogs"] >= 4)
        for n in (0, 1):
            put(emulator, n, n + 1, shard=n)
            assert held_up.acquire(timeout=LONG)
        for n in (2, 3):
            put(emulator, n, n + 1, shard=n)
        arrived = holds_within(
            LONG if variant.is_safe else A_WHILE, lambda: numbers(receiver) == [2, 3]
        )
        over.set()
        assert arrived is variant.is_safe
        emulator.wait_until_drained(GROUP)


@hazard(gate=[OURS, NAIVE, PLAIN])
def test_s9_a_connection_that_breaks_once_costs_nothing(variant: Variant) -> None:
    with run_service() as (emulator, receiver):
        with variant.run(emulator, make_settings(receiver), naive.SavesFirst):
            put(emulator, 0, 1)
            emulator.wait_until_drained(GROUP)
            saves = emulator.calls[CHECKPOINT]
            for operation in (CHECKPOINT, "PullLogs", HEARTBEAT):
                emulator.fail(operation, drop=True)
            put(emulator, 1, 2)
            eventually(lambda: emulator.calls[CHECKPOINT] > saves)
            put(emulator, 2, 3)
            emulator.wait_until_drained(GROUP)
        assert list_missing(receiver, 3) == ([] if variant.is_safe else [1])


@hazard(NAIVE, OURS)
def test_s10_a_request_that_hangs_is_over_before_sls_gives_the_shards_away(
    variant: Variant,
) -> None:
    with (
        run_service() as (emulator, receiver),
        variant.run(
            emulator, make_settings(receiver), heartbeat_interval=None, timeout=None
        ) as worker,
    ):
        wait_for_heartbeats(emulator, 0)
        deadline = worker.consumer_client.mclient.timeout
        assert (deadline < worker.option.consumer_group_time_out) is variant.is_safe


@contextmanager
def silence_logger(name: str) -> Iterator[None]:
    """Silence a logger of the SDK: the call to it is itself an error."""
    logger = logging.getLogger(name)
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = False


@hazard(NAIVE, OURS)
def test_s11_a_heartbeat_that_raises_does_not_spin(variant: Variant) -> None:
    with (
        run_service() as (emulator, receiver),
        silence_logger("aliyun.log.consumer.heart_beat"),
        variant.run(emulator, make_settings(receiver)) as worker,
    ):
        eventually(lambda: emulator.calls["PullLogs"] >= 2)
        signer = Signer(worker.consumer_client.mclient, "heartbeat")
        eventually(lambda: signer.refusals > 0)
        spins = holds_within(0.5 if variant.is_safe else LONG, lambda: signer.refusals > 50)
        signer.is_broken = False
        assert spins is not variant.is_safe
        wait_for_heartbeats(emulator, 1)


@hazard(OURS, gate=[NAIVE])
def test_s12_an_expired_token_holds_up_no_shard(variant: Variant) -> None:
    with run_service(shards=2) as (emulator, receiver):
        for n in (0, 1):
            put(emulator, n, n + 1, shard=n)
        for late in (0, 1):  # the second thread gets the error when the first has a new token
            emulator.fail("PullLogs", status=401, code="SecurityTokenExpired", delay=late)
        with variant.run_program(emulator, receiver, REFRESH="1"):
            receiver.wait_for(1, timeout=LONG)
            assert (
                holds_within(2 * A_WHILE, lambda: not list_missing(receiver, 2)) is variant.is_safe
            )


def stop_with(variant: Variant, number: signal.Signals) -> tuple[int | None, bool]:
    """Stop a shipper with a signal after it has delivered two logs.

    Returns:
        The exit status (``None`` if it did not end), and whether both logs are saved.
    """
    with run_service() as (emulator, receiver), variant.run_program(emulator, receiver) as shipper:
        put(emulator, 0, 1)
        emulator.wait_until_drained(GROUP)
        put(emulator, 1, 2)  # within the 3 seconds in which the SDK saves in memory only
        receiver.wait_for(2)
        shipper.process.send_signal(number)
        holds_within(LONG, lambda: shipper.process.poll() is not None)
        return shipper.process.poll(), emulator.drained(GROUP)


@hazard(NAIVE, OURS)
def test_s13_sigterm_ends_with_a_checkpoint(variant: Variant) -> None:
    assert stop_with(variant, signal.SIGTERM) == ((0, True) if variant.is_safe else (-15, False))


@hazard(NAIVE, OURS)
def test_s14_ctrl_c_ends_with_a_checkpoint(variant: Variant) -> None:
    _, saved = stop_with(variant, signal.SIGINT)
    assert saved is variant.is_safe


@hazard(OURS, gate=[NAIVE])
def test_s15_thirty_two_shards_are_shut_down_in_seconds(variant: Variant) -> None:
    with (
        run_service(shards=32) as (emulator, receiver),
        variant.run_program(emulator, receiver, HANDLER="1") as shipper,
    ):
        for n in range(32):
            put(emulator, n, n + 1, shard=n)
        receiver.wait_for(32, timeout=LONG)
        shipper.process.terminate()
        seconds = 15 if variant.is_safe else A_WHILE
        assert holds_within(seconds, lambda: shipper.process.poll() is not None) is variant.is_safe


@hazard(NAIVE, OURS)
def test_s16_the_shutdown_saves_what_was_in_memory(variant: Variant) -> None:
    with run_service() as (emulator, receiver):
        with variant.run(emulator, make_settings(receiver), naive.NoLastSave):
            put(emulator, 0, 1)
            emulator.wait_until_drained(GROUP)
            put(emulator, 1, 2)
            receiver.wait_for(2)
        assert emulator.drained(GROUP) is variant.is_safe


@hazard(OURS, gate=[NAIVE])
def test_s17_a_batch_that_cannot_be_decoded_is_not_passed_and_stalls_its_shard_alone(
    variant: Variant,
) -> None:
    """Both variants stall: this hazard cannot be removed, but it can be seen."""
    with run_service(shards=2) as (emulator, receiver):
        emulator.put_group(b"\xff\xff\xff", shard=0)
        put(emulator, 0, 1, shard=0)
        with variant.run_program(emulator, receiver) as shipper:
            eventually(lambda: "BadResponse" in shipper.output())
            put(emulator, 1, 2, shard=1)
            eventually(lambda: numbers(receiver) == [1])
            assert not holds_within(A_WHILE, lambda: len(numbers(receiver)) > 1)
        assert emulator.checkpoints(GROUP).get(0, "") != emulator.end_cursors()[0]


@hazard(OURS, gate=[NAIVE])
def test_s18_an_initialisation_that_fails_does_no_work_each_time(variant: Variant) -> None:
    with run_service() as (emulator, receiver):
        emulator.fail("GetCheckPoint", status=400, code="ParameterInvalid", times=10)
        with variant.run(emulator, make_settings(receiver), naive.ConnectsInInitialize):
            eventually(lambda: emulator.calls["GetCheckPoint"] > 10)
            put(emulator, 0, 1)
            emulator.wait_until_drained(GROUP)
            assert (receiver.connections < 10) is variant.is_safe


def split_empty_shard(emulator: SlsEmulator) -> None:
    """Split the empty shard 0, and put a log into each of its children."""
    for n, child in enumerate(emulator.split_shard(0)):
        put(emulator, n, n + 1, shard=child)


@hazard(OURS, gate=[NAIVE])
def test_s19_in_order_the_children_of_an_empty_shard_are_shipped(variant: Variant) -> None:
    with run_service() as (emulator, receiver):
        split_empty_shard(emulator)
        with variant.run(emulator, make_settings(receiver), in_order=True):
            assert (
                holds_within(2 * A_WHILE, lambda: not list_missing(receiver, 2)) is variant.is_safe
            )


@hazard(OURS, gate=[NAIVE])
def test_s19_in_order_the_children_of_an_empty_shard_are_shipped_after_a_restart(
    variant: Variant,
) -> None:
    """The shutdown must save the parent's begin, which is also its end."""
    with run_service() as (emulator, receiver):
        split_empty_shard(emulator)
        for seconds in (1, LONG if variant.is_safe else A_WHILE):
            with variant.run(emulator, make_settings(receiver), naive.NoLastSave, in_order=True):
                eventually(lambda: bool(emulator.calls["PullLogs"]))
                shipped = holds_within(seconds, lambda: not list_missing(receiver, 2))
        assert shipped is variant.is_safe


@hazard(OURS, gate=[NAIVE])
def test_s21_two_processes_have_two_names(variant: Variant) -> None:
    # In containers processes have the same number: "{group}-{pid}" is not unique.
    name = None if variant.is_safe else f"{GROUP}-1"
    with run_service(shards=2) as (emulator, receiver), ExitStack() as running:
        for _ in range(2):
            running.enter_context(variant.run(emulator, make_settings(receiver), consumer=name))
        wait_for_heartbeats(emulator, 8)
        for n in range(20):
            put(emulator, n, n + 1, shard=n % 2)
        eventually(lambda: not list_missing(receiver, 20))
        emulator.wait_until_drained(GROUP)
        twice = holds_within(A_WHILE, lambda: len(receiver.frames) == 40)
        assert twice is not variant.is_safe


@hazard(OURS, gate=[NAIVE])
def test_s22_a_group_that_is_deleted_is_made_again_or_is_an_error(variant: Variant) -> None:
    with (
        run_service() as (emulator, receiver),
        variant.run_program(emulator, receiver, TIMEOUT="2") as shipper,
    ):

        def is_noticed() -> bool:
            return shipper.process.poll() is not None or not list_missing(receiver, 2)

        put(emulator, 0, 1)
        emulator.wait_until_drained(GROUP)
        emulator.delete_consumer_group(GROUP)
        holds_within(LONG, lambda: shipper.output().count("Heart beat timeout") > 0 or is_noticed())
        put(emulator, 1, 2)
        assert holds_within(2 * A_WHILE, is_noticed) is variant.is_safe


def read_group_timeout(receiver: SyslogReceiver, emulator: SlsEmulator, **options: Any) -> float:
    """Make another instance, and return the group's timeout after that."""
    worker = make_worker(
        emulator, make_settings(receiver), SyslogShipperProcessor, timeout=None, **options
    )
    return float(worker.consumer_client.get_consumer_group().get_timeout())


def test_s23_our_defaults_change_no_group_s_timeout() -> None:
    with run_service() as (emulator, receiver):
        sdk_default = read_group_timeout(receiver, emulator, heartbeat_interval=None)
        # The new timeout is that of all other instances too.
        assert read_group_timeout(receiver, emulator, heartbeat_interval=1) == 2
        assert sdk_default == 40
        assert read_group_timeout(receiver, emulator, heartbeat_interval=None) == sdk_default


def test_s24_an_sls_that_is_down_at_the_start_is_an_error_at_once() -> None:
    """The SDK's constructor sends a request. The supervisor must start the program again."""
    with SlsEmulator() as emulator:
        pass
    with pytest.raises(ClientWorkerException):
        make_worker(
            emulator,
            {"host": "siem"},
            SyslogShipperProcessor,
            endpoint=f"https://{emulator.endpoint}",
        )


@hazard(NAIVE, OURS)
def test_s25_no_connection_to_sls_is_thrown_away(variant: Variant) -> None:
    with (
        run_service(shards=32) as (emulator, receiver),
        variant.run_program(emulator, receiver) as shipper,
    ):
        # Slow answers, so that more than ten requests are on their way at a time.
        emulator.fail("PullLogs", status=None, delay=0.5, times=64)
        for n in range(64):
            put(emulator, n, n + 1, shard=n % 32)
        eventually(lambda: not list_missing(receiver, 64))
        assert ("Connection pool is full" not in shipper.output()) is variant.is_safe
