"""L1-L10, what loses logs: the naive way loses them here, ours does not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from aliyun.log.consumer import ConsumerWorker, CursorPosition
from shipping import GROUP, eventually, numbers

from hazards import naive
from hazards.ways import (
    NAIVE,
    OURS,
    PLAIN,
    Signer,
    Way,
    hazard,
    missing,
    outage,
    put,
    quick,
    service,
    until_the_first_batch_has_failed,
)
from sls_syslog import SyslogShipperProcessor
from sls_syslog.testing import SlsEmulator, SyslogReceiver

FIRST_TEN = list(range(10))
AT_THE_END: dict[str, Any] = {"cursor_position": CursorPosition.END_CURSOR}


def lost_in_an_outage(
    way: Way,
    careless: Any,
    ours: Any = SyslogShipperProcessor,
    prepare: Callable[[ConsumerWorker], Callable[[], None]] = lambda worker: lambda: None,
) -> list[int]:
    """What is missing of 20 logs, the first ten of which meet a receiver that is down."""
    with service() as (emulator, receiver):
        put(emulator, 0, 10)
        with outage(receiver), way.run(emulator, quick(receiver), careless, ours) as worker:
            over = prepare(worker)
            until_the_first_batch_has_failed(emulator)
            over()
            receiver.listen_again()
            put(emulator, 10, 20)
            eventually(lambda: 19 in numbers(receiver))
            emulator.wait_until_drained(GROUP)
        return missing(receiver, 20)


@hazard(NAIVE, PLAIN, OURS)
def test_l1_a_batch_whose_process_fails_is_not_dropped(way: Way) -> None:
    assert lost_in_an_outage(way, naive.Documented) == ([] if way.safe else FIRST_TEN)


def lost_by_a_stop_in_an_outage(way: Way, careless: Any) -> list[int]:
    """What is missing of 20 logs, when a worker was shut down before the first ten got through."""
    with service() as (emulator, receiver):
        put(emulator, 0, 10)
        with outage(receiver), way.run(emulator, quick(receiver), careless):
            until_the_first_batch_has_failed(emulator)
        put(emulator, 10, 20)
        with way.run(emulator, quick(receiver), careless):
            emulator.wait_until_drained(GROUP)
        return missing(receiver, 20)


@hazard(NAIVE, PLAIN, OURS)
def test_l2_a_shutdown_saves_no_batch_that_raised(way: Way) -> None:
    lost = lost_by_a_stop_in_an_outage(way, naive.Documented)
    assert lost == ([] if way.safe else FIRST_TEN)


@hazard(NAIVE, OURS)
def test_l2_a_shutdown_saves_no_batch_that_was_rolled_back(way: Way) -> None:
    lost = lost_by_a_stop_in_an_outage(way, naive.RollsBack)
    assert lost == ([] if way.safe else FIRST_TEN)


@hazard(NAIVE, PLAIN, OURS)
def test_l3_an_expired_checkpoint_skips_no_readable_log_and_is_reported(way: Way) -> None:
    with service() as (emulator, receiver):
        put(emulator, 0, 4)
        with NAIVE.run(emulator, quick(receiver)):
            emulator.wait_until_drained(GROUP)
        put(emulator, 4, 10)
        emulator.expire(0, 6)  # 4 and 5 are gone for good
        pulls = emulator.calls["PullLogs"]
        with way.program(emulator, receiver) as shipper:
            eventually(lambda: emulator.calls["PullLogs"] >= pulls + 2)
            put(emulator, 10, 12)
            eventually(lambda: 11 in numbers(receiver))
            said = shipper.output()
        assert missing(receiver, 12) == ([4, 5] if way.safe else [4, 5, 6, 7, 8, 9])
        assert any(word in said for word in ("WARNING", "ERROR", "CRITICAL")) is way.safe


@hazard(NAIVE, OURS)
def test_l4_no_return_value_passes_for_a_cursor(way: Way) -> None:
    with service() as (emulator, receiver):
        put(emulator, 0, 10)
        with way.run(emulator, quick(receiver), naive.ReturnsTrue, max_fetch_log_group_size=2):
            # Up to three before process() has returned, one of "True", and others since.
            eventually(lambda: emulator.calls["PullLogs"] >= 3 + 1 + 3)
            put(emulator, 10, 11)
            eventually(lambda: 10 in numbers(receiver))
        lost = missing(receiver, 11)
    assert lost == [] if way.safe else lost[-1] == 9


@hazard(NAIVE, PLAIN, OURS)
def test_l5_nothing_is_saved_before_it_is_delivered(way: Way) -> None:
    assert lost_in_an_outage(way, naive.SavesFirst) == ([] if way.safe else FIRST_TEN)


class FlushesOften(SyslogShipperProcessor):
    """Ours, where the SDK's minute between its own flushes is always over."""

    def process(self, log_groups: Any, check_point_tracker: Any) -> str | None:
        check_point_tracker.default_flush_check_point_interval = -1
        return super().process(log_groups, check_point_tracker)


@hazard(NAIVE, PLAIN, OURS)
def test_l6_a_flush_that_raises_does_not_undo_the_roll_back(way: Way) -> None:
    def refuse_checkpoints(worker: ConsumerWorker) -> Callable[[], None]:
        signer = Signer(worker.consumer_client.mclient, "checkpoint")

        def mend() -> None:
            assert signer.refusals
            signer.broken = False

        return mend

    lost = lost_in_an_outage(way, naive.FlushesOften, FlushesOften, refuse_checkpoints)
    assert lost == ([] if way.safe else FIRST_TEN)


def crash(emulator: SlsEmulator) -> None:
    """What a crash amounts to: nothing is saved any more."""
    emulator.fail(
        "ConsumerGroupUpdateCheckPoint", status=400, code="InvalidShardCheckPoint", times=None
    )


def lost_after_a_crash(way: Way, emulator: SlsEmulator, receiver: SyslogReceiver) -> list[int]:
    """What is missing of 20 logs, ten of which were there at the start after the crash."""
    emulator.clear_faults()
    pulls = emulator.calls["PullLogs"]
    with way.run(emulator, quick(receiver), naive.RollsBack, **AT_THE_END):
        eventually(lambda: emulator.calls["PullLogs"] >= pulls + 2)
        put(emulator, 10, 20)
        eventually(lambda: 19 in numbers(receiver))
    return missing(receiver, 20)


@hazard(NAIVE, PLAIN, OURS)
def test_l7_where_the_end_was_is_known_after_a_crash(way: Way) -> None:
    with service() as (emulator, receiver):
        with (
            outage(receiver),
            way.run(emulator, quick(receiver), naive.RollsBack, **AT_THE_END),
        ):
            eventually(lambda: emulator.calls["PullLogs"] >= 2)
            put(emulator, 0, 10)
            pulls = emulator.calls["PullLogs"]
            until_the_first_batch_has_failed(emulator, pulls)
            crash(emulator)
        lost = lost_after_a_crash(way, emulator, receiver)
    assert lost == ([] if way.safe else FIRST_TEN)


@hazard(NAIVE, OURS)
def test_l7_where_the_end_of_an_empty_shard_was_is_known_after_a_crash(way: Way) -> None:
    with service() as (emulator, receiver):
        with way.run(emulator, quick(receiver), naive.RollsBack, **AT_THE_END):
            until_the_first_batch_has_failed(emulator)
            crash(emulator)
        put(emulator, 0, 10)
        lost = lost_after_a_crash(way, emulator, receiver)
    assert lost == ([] if way.safe else FIRST_TEN)


@hazard(NAIVE, OURS)
def test_l8_a_worker_that_ends_by_itself_saves_only_what_was_delivered(way: Way) -> None:
    with service() as (emulator, receiver):
        put(emulator, 0, 10)
        with (
            outage(receiver),
            way.run(emulator, quick(receiver), cursor_end_time="end", timeout=2) as worker,
        ):
            # Ours may also go on trying, which is as good.
            eventually(lambda: worker.shut_down_flag or emulator.calls["PullLogs"] >= 20)
            assert way.safe or worker.shut_down_flag
        put(emulator, 10, 20)
        with way.run(emulator, quick(receiver)):
            emulator.wait_until_drained(GROUP)
        assert missing(receiver, 20) == ([] if way.safe else FIRST_TEN)


@hazard(NAIVE, OURS)
def test_l9_a_log_passes_for_no_other_and_broken_bytes_leave_a_trace(way: Way) -> None:
    fields: list[tuple[str, str | bytes]] = [
        ("__topic__", "forged"),
        ("__tag__:host", "forged"),
        ("bytes", b"a\xffb"),
    ]
    with service() as (emulator, receiver):
        emulator.put_logs([fields], topic="true", tags={"host": "true"})
        with way.run(emulator, quick(receiver)):
            (frame,) = receiver.wait_for(1)
    text = frame.decode()
    assert ("||__topic__=true" in text and "||__tag__:host=true" in text) is way.safe
    assert ("||bytes=a\ufffdb" in text) is way.safe
    assert "forged" in text  # which ours keeps too, under another name


@hazard(NAIVE, OURS)
def test_l10_what_a_dead_connection_swallowed_is_not_taken_for_delivered(way: Way) -> None:
    sent: list[int] = []
    with service() as (emulator, receiver), ExitStack() as down:

        def cut() -> None:
            receiver.wait_for(10)
            down.enter_context(outage(receiver))
            receiver.reset_connections()

        def cut_after_ten() -> None:
            sent.append(1)
            if len(sent) == 11:
                cut()

        settings = quick(receiver)
        emulator.put_logs([{"n": str(n)} for n in range(100)])
        if way.safe:  # it sends all at once: the receiver has to be slow for a cut in between
            receiver.bytes_per_second = 20_000
        else:
            settings["before_each"] = cut_after_ten
        with way.run(emulator, settings, naive.WithTheSdksClient):
            if way.safe:
                cut()
                down.close()
            emulator.wait_until_drained(GROUP)
        assert len(missing(receiver, 100)) == (0 if way.safe else 90)
