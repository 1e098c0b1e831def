"""How far a receiver is behind: what the number means, at every moment of a shard's life."""

from __future__ import annotations

import time

import pytest
from aliyun.log.proto import LogGroup, LogGroupRaw

from sls_syslog.delivery.lag import Lag
from sls_syslog.logs.groups import describe_group
from sls_syslog.logs.receive_time import read_receive_time
from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.support.shipping import GROUP, shipping
from tests.support.waiting import eventually

OPENED = 1000.0


@pytest.fixture
def lag() -> Lag:
    return Lag(OPENED)


def test_it_counts_from_when_the_shard_was_taken_up_until_sls_answers(lag: Lag) -> None:
    assert lag.compute(OPENED, pending=0) == 0.0
    assert lag.compute(OPENED + 300, pending=0) == 300.0


def test_a_backlog_is_as_old_as_its_first_log_and_then_as_the_newest_confirmed(lag: Lag) -> None:
    lag.note_pending(400)
    assert lag.compute(1001, pending=5) == 601.0
    lag.note_confirmed(500, now=1002)
    assert lag.compute(1002, pending=0) == 502.0
    lag.note_pending(510)
    assert lag.compute(1003, pending=5) == 503.0


def test_a_shard_at_its_end_has_none_however_old_its_last_log_is(lag: Lag) -> None:
    lag.note_pending(10)
    lag.note_confirmed(10, now=1001)
    for now in range(1002, 5000, 2):
        lag.note_end("cursor", now)
        lag.note_drained("cursor")
        assert lag.compute(now + 1, pending=0) == 0.0


def test_after_a_rest_it_counts_from_the_last_time_that_there_was_nothing(lag: Lag) -> None:
    lag.note_end("1", 2000)
    lag.note_drained("1")
    lag.note_pending(1990)
    assert lag.compute(2001, pending=1) == 1.0
    assert lag.compute(2600, pending=1) == 600.0  # the receiver is down


def test_what_was_served_up_to_the_end_is_all_there_is_once_it_is_confirmed(lag: Lag) -> None:
    lag.note_pending(400)
    lag.note_end("2", 1001)
    lag.note_drained("1")  # only a part of it
    assert lag.compute(1002, pending=0) == 602.0
    lag.note_confirmed(990, now=1003)
    lag.note_drained("2")
    assert lag.compute(1003, pending=0) == 0.0


def test_it_grows_while_sls_is_silent(lag: Lag) -> None:
    lag.note_end("1", 2000)
    lag.note_drained("1")
    assert lag.compute(2001, pending=0) == 0.0
    assert lag.compute(2400, pending=0) == 400.0


def test_logs_of_the_future_or_out_of_order_do_not_hide_it(lag: Lag) -> None:
    lag.note_pending(400)
    lag.note_confirmed(4_000_000_000, now=1001)
    assert lag.compute(1011, pending=0) == 10.0
    lag.note_confirmed(5, now=1011)
    assert lag.compute(1011, pending=0) == 10.0


@pytest.mark.parametrize("kind", [LogGroup, LogGroupRaw])
@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("1790000007", 1790000007.0),
        ("", 1234.0),
        ("soon", 1234.0),
        ("-5", 1234.0),
        ("١٢", 1234.0),
        ("9" * 5000, 1234.0),
    ],
)
def test_a_log_was_received_when_its_tag_says_or_when_it_was_written(
    kind: type, told: str, expected: float
) -> None:
    group = kind()
    log = group.Logs.add()
    log.Time = 1234
    assert read_receive_time(describe_group(group).tags, log.Time) == 1234.0
    for key, value in (("__hostname__", "a"), ("__receive_time__", told)):
        tag = group.LogTags.add()
        raw = kind is LogGroupRaw
        tag.Key = key.encode() if raw else key
        tag.Value = value.encode() if raw else value
    assert read_receive_time(describe_group(group).tags, log.Time) == expected


def test_shards_at_their_end_are_not_behind_and_one_without_its_receiver_is(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    long_ago, received = {"n": "1"}, {"__receive_time__": str(int(time.time()) - 1000)}
    sls_emulator.put_logs([long_ago], shard=0, time=1_000_000_000)
    with shipping(sls_emulator, {**syslog_receiver.settings(), "retry_seconds": 1}) as worker:
        place = f"{sls_emulator.project}/{sls_emulator.logstore}/{GROUP}"

        def lags() -> list[float]:
            shards = worker.shard_consumers[0].processor.stats.snapshot()["shards"]
            return [shards[f"{place}/{shard}"]["lag_seconds"] for shard in (0, 1)]

        sls_emulator.wait_until_drained(GROUP)
        eventually(lambda: lags() == [0.0, 0.0])
        syslog_receiver.stop()
        sls_emulator.put_logs([{"n": "2"}], shard=0, tags=received)
        eventually(lambda: 1.0 < lags()[0] < 1000.0)  # SLS had nothing a moment before
        assert lags()[1] == 0.0
        syslog_receiver.start()
        sls_emulator.wait_until_drained(GROUP)
        eventually(lambda: lags() == [0.0, 0.0])


def test_a_backlog_begins_with_the_lag_of_its_first_log(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    tags = {"__receive_time__": str(int(time.time()) - 1000)}
    sls_emulator.put_logs([{"n": "1"}], shard=0, tags=tags, time=5)
    syslog_receiver.stop_listening()
    with shipping(sls_emulator, {**syslog_receiver.settings(), "retry_seconds": 1}) as worker:
        eventually(lambda: bool(worker.shard_consumers))
        stats = worker.shard_consumers[0].processor.stats
        eventually(lambda: 1000 <= stats.snapshot()["lag_seconds"] < 1100)
        syslog_receiver.listen_again()
        sls_emulator.wait_until_drained(GROUP)
        eventually(lambda: stats.snapshot()["lag_seconds"] == 0.0)
