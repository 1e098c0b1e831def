"""What the log says of a worker: the shards that it takes, the first log, what is left, and why."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from aliyun.log.consumer import ConsumerWorker, CursorPosition

from sls_syslog import ShipperStats
from sls_syslog.consumer.patches import Beginning, patch_client
from sls_syslog.consumer.reports import Reports
from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.support.clocks import Jumping
from tests.support.peers import HOST, hold_closed_port
from tests.support.shipping import GROUP, shipping
from tests.support.waiting import eventually

SHARDS = 3


@pytest.fixture
def timer() -> Jumping:
    return Jumping()


@pytest.fixture
def emulator() -> Iterator[SlsEmulator]:
    with SlsEmulator(shards=SHARDS) as running:
        yield running


@pytest.fixture(autouse=True)
def every_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="sls_syslog")


def find(caplog: pytest.LogCaptureFixture, *words: str) -> list[str]:
    """The lines that hold all of these words."""
    return [line for line in caplog.messages if all(word in line for word in words)]


def appears(caplog: pytest.LogCaptureFixture, *words: str) -> Callable[[], bool]:
    return lambda: bool(find(caplog, *words))


def test_one_line_names_the_shards_that_are_taken_up_and_one_the_first_log(
    emulator: SlsEmulator, syslog_receiver: SyslogReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    cursors = emulator.begin_cursors()
    with shipping(emulator, syslog_receiver.settings()):
        eventually(appears(caplog, "takes up"))
        emulator.put_logs([{"n": "1"}], shard=0)
        eventually(appears(caplog, "first log confirmed"))
        emulator.put_logs([{"n": "2"}], shard=1)
        emulator.wait_until_drained(GROUP)
    (taken,) = find(caplog, "takes up")
    assert (
        f"takes up {SHARDS} shards; without a checkpoint, from the oldest log that SLS has: "
        in taken
    )
    for number, cursor in cursors.items():
        assert f"{number} at cursor {cursor}" in taken
    (first,) = find(caplog, "first log confirmed")
    where = re.escape(f"tcp://127.0.0.1:{syslog_receiver.port}")
    pattern = rf"first log confirmed \d+\.\d s after the start: {where} has it .*'consumed'.*"
    assert re.fullmatch(pattern, first)


def test_shards_that_have_a_checkpoint_say_so(
    emulator: SlsEmulator, syslog_receiver: SyslogReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.put_logs([{"n": "1"}], shard=0)
    with shipping(emulator, syslog_receiver.settings()):
        emulator.wait_until_drained(GROUP)
    caplog.clear()
    with shipping(emulator, syslog_receiver.settings()):
        eventually(appears(caplog, "takes up"))
    checkpoints = emulator.checkpoints(GROUP)
    (taken,) = find(caplog, "takes up")
    assert taken.endswith(
        f"takes up {SHARDS} shards; from the checkpoint: "
        + ", ".join(f"{number} at cursor {checkpoints[number]}" for number in range(SHARDS))
    )


def test_the_first_log_names_the_receiver_of_several_that_has_it(
    emulator: SlsEmulator, syslog_receiver: SyslogReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.put_logs([{"n": "1"}])
    with hold_closed_port() as away:
        hosts = [f"{HOST}:{away}", f"{HOST}:{syslog_receiver.port}"]
        with shipping(emulator, {"hosts": hosts}):
            emulator.wait_until_drained(GROUP)
            eventually(appears(caplog, f"start: tcp://{hosts[1]} has it"))
    assert not find(caplog, f"start: tcp://{hosts[0]}")


class Listener:
    """A shard as far as it is reported."""

    def __init__(self, *, is_saved: bool) -> None:
        self.beginning: Beginning | None = Beginning("MQ==", is_saved)
        self.is_behind = False
        self.ends: list[str] = []

    def note_shard_end(self, cursor: str) -> None:
        self.ends.append(cursor)


def make_reports(
    listeners: dict[int, Any], option: Any, clock: Callable[[], float]
) -> tuple[Reports, Any]:
    worker = SimpleNamespace(option=option, shard_consumers=dict(listeners))
    hardened: Any = SimpleNamespace(worker=worker, listeners=listeners, stats=None)
    return Reports(hardened, clock=clock), worker


def make_option(position: CursorPosition, start: int | str = "begin") -> Any:
    return SimpleNamespace(
        project="p",
        logstore="l",
        consumer_name="c",
        cursor_position=position,
        cursor_start_time=start,
    )


def test_hundreds_of_shards_are_one_line_without_cursors(caplog: pytest.LogCaptureFixture) -> None:
    listeners = {number: Listener(is_saved=number >= 100) for number in range(256)}
    option = make_option(CursorPosition.SPECIAL_TIMER_CURSOR, "2026-11-27 08:00:00")
    reports, _ = make_reports(listeners, option, lambda: 0.0)
    reports.look()
    reports.look()
    assert caplog.messages == [
        "p/l/c takes up 256 shards; from the checkpoint: 100-255; without a checkpoint, from the"
        " first log that SLS received at 2026-11-27 08:00:00 or later: 0-99"
    ]


def test_one_that_begins_late_does_not_hold_up_the_line_for_ever(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    late = Listener(is_saved=False)
    late.beginning = None
    listeners = {0: Listener(is_saved=False), 1: late}
    option = make_option(CursorPosition.END_CURSOR)
    reports, _ = make_reports(listeners, option, lambda: now[0])
    reports.look()
    now[0] = 4.0
    reports.look()
    assert caplog.messages == []
    now[0] = 6.0
    reports.look()
    late.beginning = Beginning("Mg==", False)
    reports.look()
    assert [line.partition("; ")[2] for line in caplog.messages] == [
        "without a checkpoint, from the logs that SLS receives from now on: 0 at cursor MQ==",
        "without a checkpoint, from the logs that SLS receives from now on: 1 at cursor Mg==",
    ]
    listeners[0] = Listener(is_saved=True)  # it was given up, and is back
    reports.look()
    assert caplog.messages[-1].endswith("takes up 1 shard; from the checkpoint: 0 at cursor MQ==")


def test_a_start_that_is_a_number_is_told_as_a_time(caplog: pytest.LogCaptureFixture) -> None:
    option = make_option(CursorPosition.SPECIAL_TIMER_CURSOR, 1_795_403_700)
    reports, _ = make_reports({0: Listener(is_saved=False)}, option, lambda: 0.0)
    reports.look()
    (line,) = caplog.messages
    assert "received at 2026-11-23T03:15:00+00:00 or later: 0 at" in line


def test_the_backlog_of_a_range_ends_where_the_range_does() -> None:
    now = [0.0]
    shard = Listener(is_saved=False)
    shard.is_behind = True
    reports, worker = make_reports(
        {0: shard}, make_option(CursorPosition.BEGIN_CURSOR), lambda: now[0]
    )
    worker.shut_down_flag = False
    worker.shard_consumers = {0: SimpleNamespace(fetch_end_cursor="Nw==")}
    now[0] = 60.0
    reports.look()
    eventually(lambda: shard.ends == ["Nw=="])


def watch_ends(worker: ConsumerWorker, stats: ShipperStats) -> Reports:
    """Reports of a worker that runs, which ask at each look where shards end."""
    listeners = patch_client(worker.consumer_client).listeners
    watched: Any = SimpleNamespace(worker=worker, listeners=listeners, stats=stats)
    return Reports(watched, end_seconds=0.0)


def test_a_backlog_is_measured_and_repeated_with_the_reason_of_the_outage(
    emulator: SlsEmulator,
    syslog_receiver: SyslogReceiver,
    timer: Jumping,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stats = ShipperStats(timer=timer)
    syslog_receiver.stop_listening()
    for _ in range(30):
        emulator.put_logs([{"n": "1"}] * 10)
    settings = {**syslog_receiver.settings(), "retry_seconds": 0}
    options = {"max_fetch_log_group_size": 2}
    with shipping(emulator, settings, stats=stats, **options) as worker:
        eventually(appears(caplog, "delivery fails"))
        reports = watch_ends(worker, stats)

        def is_measured() -> bool:
            reports.look()
            return bool(stats.snapshot()["backlog_groups"] == 30)

        timer.ahead = 30.0  # what SLS said at the start is old
        eventually(is_measured)
        timer.ahead = 100.0
        words = ("backlog about 300 logs", "Connection refused", "no progress since")
        eventually(appears(caplog, *words))
        assert stats.snapshot()["stalled_seconds"] >= 60
        syslog_receiver.listen_again()
        emulator.wait_until_drained(GROUP)
        eventually(lambda: stats.snapshot()["stalled_seconds"] == 0)
    assert stats.snapshot()["backlog_groups"] == 0


def test_where_sls_does_not_say_where_a_shard_ends_shipping_goes_on(
    emulator: SlsEmulator, syslog_receiver: SyslogReceiver, timer: Jumping
) -> None:
    stats = ShipperStats(timer=timer)
    with shipping(emulator, syslog_receiver.settings(), stats=stats) as worker:
        emulator.put_logs([{"n": "1"}])
        emulator.wait_until_drained(GROUP)
        emulator.fail("GetCursor", status=400, code="ParameterInvalid")
        reports = watch_ends(worker, stats)
        asked = emulator.calls["GetCursor"]

        def is_asked() -> bool:
            timer.ahead += 30.0  # what SLS said of its end is old
            reports.look()
            return emulator.calls["GetCursor"] > asked

        eventually(is_asked)
        emulator.put_logs([{"n": "2"}])
        emulator.wait_until_drained(GROUP)
    assert stats.snapshot()["confirmed"] == 2


def test_the_line_comes_and_tells_of_a_receiver_that_only_hangs(
    emulator: SlsEmulator,
    syslog_receiver: SyslogReceiver,
    timer: Jumping,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """``process()`` waits for it, so nothing else can write the line."""
    stats = ShipperStats(timer=timer)
    with shipping(emulator, syslog_receiver.settings(), stats=stats):
        eventually(appears(caplog, "takes up"))
        syslog_receiver.pause()
        emulator.put_logs([{"n": "1"}], shard=1)
        eventually(lambda: stats.snapshot()["pending"] == 1)
        timer.ahead = 70.0
        eventually(appears(caplog, f"in 127/logs/{GROUP}/1: no log was confirmed, and no error"))
        syslog_receiver.resume()
        emulator.wait_until_drained(GROUP)


def test_the_line_tells_of_shards_that_sls_does_not_serve(
    emulator: SlsEmulator,
    syslog_receiver: SyslogReceiver,
    timer: Jumping,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stats = ShipperStats(timer=timer)
    with shipping(emulator, syslog_receiver.settings(), stats=stats):
        eventually(appears(caplog, "takes up"))
        emulator.fail("PullLogs", status=400, code="Broken", message="out of\norder", times=None)
        emulator.put_logs([{"n": "1"}], shard=1)

        def is_told() -> bool:
            timer.ahead += 70.0
            return bool(find(caplog, f"in 127/logs/{GROUP}/0-2: SLS: Broken ('out of\\norder')"))

        eventually(is_told)
        emulator.clear_faults()
        emulator.wait_until_drained(GROUP)
