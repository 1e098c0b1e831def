"""A log that must not be passed holds its shard: nothing of it is sent, and nothing is lost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aliyun.log.consumer.checkpoint_tracker import ConsumerCheckpointTracker

from sls_syslog import DroppedLog, ShipperStats, SyslogShipperProcessor
from sls_syslog.network.deadline import Stop
from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.support.clocks import Jumping
from tests.support.shipping import GROUP, assert_balanced, make_worker, numbers, shipping
from tests.support.waiting import eventually

GROUPS, BAD = 4, 13


class Failing(SyslogShipperProcessor):
    """Its hook fails for one log until it is mended."""

    is_broken = True
    made: ClassVar[list[Failing]] = []

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.made.append(self)

    def format_message(self, log: Mapping[str, str]) -> str | None:
        if type(self).is_broken and log["n"] == str(BAD):
            raise LookupError("no directory")
        return super().format_message(log)


@pytest.fixture(autouse=True)
def _hardly_any_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    wait = Stop.wait
    monkeypatch.setattr(Stop, "wait", lambda stop, seconds: wait(stop, min(seconds, 0.05)))


@pytest.fixture
def failing() -> type[Failing]:
    return type("Failing", (Failing,), {"made": []})


def quick(receiver: SyslogReceiver, **settings: Any) -> dict[str, Any]:
    """Settings under which a log that is held is tried often."""
    return {**receiver.settings(), "timeout": 5, "retry_seconds": 0.5, **settings}


def fill(emulator: SlsEmulator) -> None:
    """Groups of ten logs in one shard; the bad one is in the midst of the second."""
    for first in range(0, 10 * GROUPS, 10):
        emulator.put_logs([{"n": str(first + n)} for n in range(10)], shard=0)


def test_a_hook_that_fails_holds_the_shard_until_it_works(
    failing: type[Failing],
    sls_emulator: SlsEmulator,
    syslog_receiver: SyslogReceiver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fill(sls_emulator)
    settings = quick(syslog_receiver, on_hook_error="hold", event_id=True)
    with shipping(sls_emulator, settings, failing, max_fetch_log_group_size=2):
        eventually(lambda: numbers(syslog_receiver) == list(range(BAD)))
        pulls = sls_emulator.calls["PullLogs"]
        eventually(lambda: sls_emulator.calls["PullLogs"] >= pulls + 3)
        # What is before it is confirmed, and is not sent again at each try.
        assert len(syslog_receiver.frames) == BAD
        stats = failing.made[0].stats
        counts = stats.snapshot()
        assert (counts["confirmed"], counts["dropped"]["hook_failed"]) == (BAD, 0)
        failing.is_broken = False
        eventually(lambda: numbers(syslog_receiver) == list(range(10 * GROUPS)))
    assert sls_emulator.checkpoints(GROUP)[0] == sls_emulator.end_cursors()[0]
    assert len(syslog_receiver.frames) == 10 * GROUPS
    counts = stats.snapshot()
    assert (counts["received"], counts["confirmed"]) == (10 * GROUPS, 10 * GROUPS)
    ids = {message.msg.partition("__event_id__=")[2] for message in syslog_receiver.messages}
    assert len(ids) == 10 * GROUPS
    (error,) = [record for record in caplog.records if "the shard waits" in record.message]
    assert error.levelname == "ERROR"
    assert "hook format_message failed (on_hook_error)" in error.message
    assert "batch at cursor " in error.message
    assert error.exc_info is not None
    assert "LookupError: no directory" in caplog.text
    assert "its default was used" not in caplog.text


def test_the_line_a_minute_says_that_a_log_is_held(
    failing: type[Failing],
    sls_emulator: SlsEmulator,
    syslog_receiver: SyslogReceiver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    timer = Jumping()
    stats = ShipperStats(timer=timer)
    fill(sls_emulator)
    settings = quick(syslog_receiver, on_hook_error="hold")
    with shipping(sls_emulator, settings, failing, stats=stats):
        eventually(lambda: "the shard waits, nothing of this log is sent" in caplog.text)
        timer.ahead = 100.0
        eventually(lambda: "a log is held: hook format_message failed" in caplog.text)
        failing.is_broken = False
        eventually(lambda: numbers(syslog_receiver) == list(range(10 * GROUPS)))


def test_a_restart_while_a_log_is_held_loses_nothing(
    failing: type[Failing], sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    fill(sls_emulator)
    settings = quick(syslog_receiver, on_hook_error="hold")
    with shipping(sls_emulator, settings, failing):
        eventually(lambda: numbers(syslog_receiver) == list(range(BAD)))
    failing.is_broken = False
    with shipping(sls_emulator, settings, failing):
        eventually(lambda: numbers(syslog_receiver) == list(range(10 * GROUPS)))
    assert sls_emulator.checkpoints(GROUP)[0] == sls_emulator.end_cursors()[0]


def test_a_receiver_that_goes_away_while_a_log_is_held_loses_nothing(
    failing: type[Failing], sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    fill(sls_emulator)
    settings = quick(syslog_receiver, on_hook_error="hold", replay_seconds=3600)
    with shipping(sls_emulator, settings, failing):
        eventually(lambda: numbers(syslog_receiver) == list(range(BAD)))
        # It loses what it had; what is not safe is sent again.
        syslog_receiver.stop()
        syslog_receiver.clear()
        syslog_receiver.start()
        eventually(lambda: numbers(syslog_receiver) == list(range(BAD)))
        failing.is_broken = False
        eventually(lambda: numbers(syslog_receiver) == list(range(10 * GROUPS)))


@pytest.mark.parametrize("fails", [False, True])
def test_every_log_is_counted_once_however_often_it_is_held(
    fails: bool, failing: type[Failing], sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    fill(sls_emulator)
    made = failing(quick(syslog_receiver, on_hook_error="hold", retry_seconds=0), ShipperStats())
    worker = make_worker(sls_emulator, made.settings)
    kind: Any = ConsumerCheckpointTracker
    tracker = kind(worker.consumer_client, "shipper", 0)
    begin = worker.consumer_client.get_begin_cursor(0)
    tracker.set_memory_check_point(begin)
    made.initialize(0)
    shard = made._shard

    def process() -> str | None:
        answer = worker.consumer_client.pull_logs(0, begin, count=2)
        tracker.set_cursor(answer.get_next_cursor())
        return shard.process(answer.get_loggroup_list(), tracker)

    for attempt in range(4):
        if fails and attempt == 2:
            assert shard._delivery is not None
            shard._roll_back(tracker)
        assert process() == begin
        counts = made.stats.snapshot()
        assert (counts["received"], counts["confirmed"], counts["pending"]) == (20, BAD, 20 - BAD)
        assert_balanced(made.stats)
    assert len(syslog_receiver.wait_for(BAD)) == BAD * (2 if fails else 1)
    failing.is_broken = False
    assert process() is None
    made.shutdown(tracker)
    counts = made.stats.snapshot()
    assert (counts["received"], counts["confirmed"], counts["pending"]) == (20, 20, 0)
    assert numbers(syslog_receiver) == list(range(20))


# Drops, and their copies


def read_copies(path: Path) -> list[dict[str, Any]]:
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


def test_a_dropped_log_is_not_sent_and_its_copy_is_kept(
    failing: type[Failing], sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver,
    tmp_path: Path,
) -> None:  # fmt: skip
    fill(sls_emulator)
    path = tmp_path / "dropped.jsonl"
    settings = quick(
        syslog_receiver, on_hook_error="drop", dropped=path, mask=[{"field": "__topic__"}]
    )
    sls_emulator.put_logs([{"n": str(BAD)}], shard=0, topic="t", source="s")
    with shipping(sls_emulator, settings, failing):
        sls_emulator.wait_until_drained(GROUP)
    assert BAD not in numbers(syslog_receiver)
    assert len(numbers(syslog_receiver)) == 10 * GROUPS - 1
    copies = read_copies(path)
    assert [copy["log"]["n"] for copy in copies] == [str(BAD)] * 2
    assert {copy["cause"] for copy in copies} == {"hook_failed"}
    assert copies[1]["log"]["__topic__"] == "***"
    assert copies[0]["shard"].endswith("/0")
    assert path.stat().st_mode & 0o077 == 0


def test_a_log_whose_copy_cannot_be_kept_holds_the_shard(
    failing: type[Failing],
    sls_emulator: SlsEmulator,
    syslog_receiver: SyslogReceiver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    is_full, kept = True, list[DroppedLog]()

    def keep(copy: DroppedLog) -> None:
        if is_full:
            raise OSError("disk full")
        kept.append(copy)

    fill(sls_emulator)
    settings = quick(syslog_receiver, on_hook_error="drop", dropped=keep)
    with shipping(sls_emulator, settings, failing):
        eventually(lambda: "it must be dropped, and no copy of it can be kept" in caplog.text)
        eventually(lambda: numbers(syslog_receiver) == list(range(BAD)))
        assert sls_emulator.checkpoints(GROUP)[0] != sls_emulator.end_cursors()[0]
        is_full = False
        rest = [n for n in range(10 * GROUPS) if n != BAD]
        eventually(lambda: numbers(syslog_receiver) == rest)
        stats = failing.made[0].stats
    (copy,) = kept
    assert copy.log is not None
    assert copy.log["n"] == str(BAD)
    assert Counter(stats.snapshot()["dropped"]) == Counter(hook_failed=1)
    assert "disk full" in caplog.text


def test_outcomes_of_all_kinds_balance(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver, failing: type[Failing]
) -> None:
    fill(sls_emulator)
    settings = quick(
        syslog_receiver,
        on_hook_error="drop",
        skip=[{"field": "n", "at_least": 35}],
        only=[{"field": "n", "at_least": 2}],
        mask=[{"value_matches": "^2", "text": "two"}],
        max_message_bytes=480,
        oversize="drop",
    )
    sls_emulator.put_logs([{"n": "5", "long": "x" * 500}], shard=0)
    with shipping(sls_emulator, settings, failing):
        sls_emulator.wait_until_drained(GROUP)
        stats = failing.made[0].stats
    counts = stats.snapshot()
    assert counts["filtered"] == 7
    assert counts["dropped"]["oversize"] == 1
    assert counts["masked"] == 11
    assert counts["dropped"]["hook_failed"] == 1
    assert counts["confirmed"] == 32
    assert_balanced(stats)
