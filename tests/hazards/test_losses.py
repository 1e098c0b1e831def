"""L1 to L11, the hazards that lose logs: the naive variant loses them, ours does not."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from aliyun.log.consumer import ConsumerWorker, CursorPosition

from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.hazards import naive
from tests.hazards.program import HEARTBEAT_SECONDS
from tests.hazards.variants import (
    NAIVE,
    OURS,
    PLAIN,
    Signer,
    Variant,
    Watched,
    hazard,
    list_missing,
    make_settings,
    put,
    refuse_connections,
    run_service,
    wait_for_first_failure,
)
from tests.support.shipping import GROUP, numbers
from tests.support.waiting import eventually

FIRST_TEN = list(range(10))
AT_THE_END: dict[str, Any] = {"cursor_position": CursorPosition.END_CURSOR}


def lose_in_an_outage(
    variant: Variant,
    careless: Any,
    ours: Any = Watched,
    prepare: Callable[[ConsumerWorker], Callable[[], None]] = lambda worker: lambda: None,
) -> list[int]:
    """Ship 20 logs; the receiver is down during the first ten. Return the missing ones."""
    with run_service() as (emulator, receiver):
        put(emulator, 0, 10)
        with (
            refuse_connections(receiver),
            variant.run(emulator, make_settings(receiver), careless, ours) as worker,
        ):
            over = prepare(worker)
            wait_for_first_failure(emulator, worker)
            over()
            receiver.listen_again()
            put(emulator, 10, 20)
            eventually(lambda: 19 in numbers(receiver))
            emulator.wait_until_drained(GROUP)
        return list_missing(receiver, 20)


@hazard(OURS, gate=[NAIVE, PLAIN])
def test_l1_a_batch_whose_process_fails_is_not_dropped(variant: Variant) -> None:
    assert lose_in_an_outage(variant, naive.Documented) == ([] if variant.is_safe else FIRST_TEN)


def lose_by_a_stop_in_an_outage(variant: Variant, careless: Any) -> list[int]:
    """Shut a worker down before the first ten of 20 logs are delivered. Return the missing ones."""
    with run_service() as (emulator, receiver):
        put(emulator, 0, 10)
        with (
            refuse_connections(receiver),
            variant.run(emulator, make_settings(receiver), careless) as worker,
        ):
            wait_for_first_failure(emulator, worker)
        put(emulator, 10, 20)
        with variant.run(emulator, make_settings(receiver), careless):
            emulator.wait_until_drained(GROUP)
        return list_missing(receiver, 20)


@hazard(OURS, gate=[NAIVE, PLAIN])
def test_l2_a_shutdown_saves_no_batch_that_raised(variant: Variant) -> None:
    lost = lose_by_a_stop_in_an_outage(variant, naive.Documented)
    assert lost == ([] if variant.is_safe else FIRST_TEN)


@hazard(OURS, gate=[NAIVE])
def test_l2_a_shutdown_saves_no_batch_that_was_rolled_back(variant: Variant) -> None:
    lost = lose_by_a_stop_in_an_outage(variant, naive.RollsBack)
    assert lost == ([] if variant.is_safe else FIRST_TEN)


@hazard(OURS, gate=[NAIVE, PLAIN])
def test_l3_an_expired_checkpoint_skips_no_readable_log_and_is_reported(variant: Variant) -> None:
    with run_service() as (emulator, receiver):
        put(emulator, 0, 4)
        with NAIVE.run(emulator, make_settings(receiver)):
            emulator.wait_until_drained(GROUP)
        put(emulator, 4, 10)
        emulator.expire(0, 6)  # 4 and 5 are gone for ever
        pulls = emulator.calls["PullLogs"]
        with variant.run_program(emulator, receiver) as shipper:
            eventually(lambda: emulator.calls["PullLogs"] >= pulls + 2)
            put(emulator, 10, 12)
            eventually(lambda: 11 in numbers(receiver))
            said = shipper.output()
        assert list_missing(receiver, 12) == ([4, 5] if variant.is_safe else [4, 5, 6, 7, 8, 9])
        assert any(word in said for word in ("WARNING", "ERROR", "CRITICAL")) is variant.is_safe


@hazard(OURS, gate=[NAIVE])
def test_l4_no_return_value_passes_for_a_cursor(variant: Variant) -> None:
    with run_service() as (emulator, receiver):
        put(emulator, 0, 10)
        with variant.run(
            emulator, make_settings(receiver), naive.ReturnsTrue, max_fetch_log_group_size=2
        ):
            # Up to 3 before process() returns, 1 with the cursor "True", then 3 more.
            eventually(lambda: emulator.calls["PullLogs"] >= 3 + 1 + 3)
            put(emulator, 10, 11)
            eventually(lambda: 10 in numbers(receiver))
        lost = list_missing(receiver, 11)
    assert lost == [] if variant.is_safe else lost[-1] == 9


@hazard(OURS, gate=[NAIVE, PLAIN])
def test_l5_nothing_is_saved_before_it_is_delivered(variant: Variant) -> None:
    assert lose_in_an_outage(variant, naive.SavesFirst) == ([] if variant.is_safe else FIRST_TEN)


class FlushesOften(Watched):
    """Our processor, but the SDK flushes at each chance, not only once a minute."""

    def process(self, log_groups: Any, check_point_tracker: Any) -> str | None:
        check_point_tracker.default_flush_check_point_interval = -1
        return super().process(log_groups, check_point_tracker)


@hazard(OURS, gate=[NAIVE, PLAIN])
def test_l6_a_flush_that_raises_does_not_undo_the_roll_back(variant: Variant) -> None:
    def refuse_checkpoints(worker: ConsumerWorker) -> Callable[[], None]:
        signer = Signer(worker.consumer_client.mclient, "checkpoint")

        def mend() -> None:
            assert signer.refusals
            signer.is_broken = False

        return mend

    lost = lose_in_an_outage(variant, naive.FlushesOften, FlushesOften, refuse_checkpoints)
    assert lost == ([] if variant.is_safe else FIRST_TEN)


def simulate_crash(emulator: SlsEmulator) -> None:
    """Refuse all checkpoints, so that a later stop saves nothing, like a crash."""
    emulator.fail(
        "ConsumerGroupUpdateCheckPoint", status=400, code="InvalidShardCheckPoint", times=None
    )


def lose_after_a_crash(
    variant: Variant, emulator: SlsEmulator, receiver: SyslogReceiver
) -> list[int]:
    """Restart after the crash, with ten of 20 logs already there. Return the missing ones."""
    emulator.clear_faults()
    pulls = emulator.calls["PullLogs"]
    with variant.run(emulator, make_settings(receiver), naive.RollsBack, **AT_THE_END):
        eventually(lambda: emulator.calls["PullLogs"] >= pulls + 2)
        put(emulator, 10, 20)
        eventually(lambda: 19 in numbers(receiver))
    return list_missing(receiver, 20)


@hazard(OURS, gate=[NAIVE, PLAIN])
def test_l7_where_the_end_was_is_known_after_a_crash(variant: Variant) -> None:
    with run_service() as (emulator, receiver):
        with (
            refuse_connections(receiver),
            variant.run(emulator, make_settings(receiver), naive.RollsBack, **AT_THE_END) as worker,
        ):
            eventually(lambda: emulator.calls["PullLogs"] >= 2)
            put(emulator, 0, 10)
            pulls = emulator.calls["PullLogs"]
            wait_for_first_failure(emulator, worker, pulls)
            simulate_crash(emulator)
        lost = lose_after_a_crash(variant, emulator, receiver)
    assert lost == ([] if variant.is_safe else FIRST_TEN)


@hazard(OURS, gate=[NAIVE])
def test_l7_where_the_end_of_an_empty_shard_was_is_known_after_a_crash(variant: Variant) -> None:
    with run_service() as (emulator, receiver):
        with variant.run(emulator, make_settings(receiver), naive.RollsBack, **AT_THE_END):
            eventually(lambda: emulator.calls["PullLogs"] >= 4)
            simulate_crash(emulator)
        put(emulator, 0, 10)
        lost = lose_after_a_crash(variant, emulator, receiver)
    assert lost == ([] if variant.is_safe else FIRST_TEN)


@hazard(OURS, gate=[NAIVE])
def test_l8_a_worker_that_ends_by_itself_saves_only_what_was_delivered(variant: Variant) -> None:
    with run_service() as (emulator, receiver):
        put(emulator, 0, 10)
        with (
            refuse_connections(receiver),
            variant.run(
                emulator, make_settings(receiver), cursor_end_time="end", timeout=2
            ) as worker,
        ):
            # Ours continues to retry. The SDK's patience is the timeout and one heartbeat.
            beats = int(2 / HEARTBEAT_SECONDS) + 4
            eventually(
                lambda: (
                    worker.shut_down_flag
                    or (variant.is_safe and emulator.calls["ConsumerGroupHeartBeat"] >= beats)
                )
            )
            assert worker.shut_down_flag is not variant.is_safe
        put(emulator, 10, 20)
        with variant.run(emulator, make_settings(receiver)):
            emulator.wait_until_drained(GROUP)
        assert list_missing(receiver, 20) == ([] if variant.is_safe else FIRST_TEN)


@hazard(NAIVE, OURS)
def test_l9_a_log_passes_for_no_other_and_broken_bytes_leave_a_trace(variant: Variant) -> None:
    fields: list[tuple[str, str | bytes]] = [
        ("__topic__", "forged"),
        ("__tag__:host", "forged"),
        ("bytes", b"a\xffb"),
    ]
    with run_service() as (emulator, receiver):
        emulator.put_logs([fields], topic="true", tags={"host": "true"})
        with variant.run(emulator, make_settings(receiver)):
            (frame,) = receiver.wait_for(1)
    text = frame.decode()
    assert ("||__topic__=true" in text and "||__tag__:host=true" in text) is variant.is_safe
    assert ("||bytes=a\ufffdb" in text) is variant.is_safe
    assert "forged" in text  # ours keeps this field too, under another name


@hazard(NAIVE, OURS)
def test_l10_what_a_dead_connection_swallowed_is_not_taken_for_delivered(variant: Variant) -> None:
    sent: list[int] = []
    with run_service() as (emulator, receiver), ExitStack() as down:

        def cut() -> None:
            receiver.wait_for(10)
            down.enter_context(refuse_connections(receiver))
            receiver.reset_connections()

        def cut_after_ten() -> None:
            sent.append(1)
            if len(sent) == 11:
                cut()

        settings = make_settings(receiver)
        emulator.put_logs([{"n": str(n)} for n in range(100)])
        if variant.is_safe:  # ours sends all logs at once: a slow receiver allows a cut in between
            receiver.bytes_per_second = 20_000
        else:
            settings["before_each"] = cut_after_ten
        with variant.run(emulator, settings, naive.WithTheSdksClient):
            if variant.is_safe:
                cut()
                down.close()
            emulator.wait_until_drained(GROUP)
        assert len(list_missing(receiver, 100)) == (0 if variant.is_safe else 90)


@hazard(OURS, gate=[NAIVE])
def test_l11_what_comes_before_an_end_in_the_future_is_shipped(variant: Variant) -> None:
    with run_service() as (emulator, receiver):
        put(emulator, 0, 10)
        end = int(time.time()) + 3600
        with variant.run(
            emulator, make_settings(receiver), cursor_end_time=end, timeout=2
        ) as worker:
            eventually(lambda: list_missing(receiver, 10) == [])
            put(emulator, 10, 20)
            eventually(lambda: worker.shut_down_flag or 19 in numbers(receiver))
        assert list_missing(receiver, 20) == ([] if variant.is_safe else list(range(10, 20)))
