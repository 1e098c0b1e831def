"""Logs are read without a consumer group: which ones, in which order, and what SLS is asked."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from sls_syslog import SettingsError, SourceError, SyslogError
from sls_syslog.consumer.samples import SampledLog, fetch_from, fetch_newest
from sls_syslog.logs.decode import LogDecoder
from sls_syslog.testing import SlsEmulator
from tests.support.sources import configure

NOW = int(time.time())


class Clock:
    """The time at which SLS receives logs."""

    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def emulator(clock: Clock) -> Iterator[SlsEmulator]:
    with SlsEmulator(shards=3, clock=clock) as running:
        yield running


def put(emulator: SlsEmulator, shard: int, *numbers: int) -> None:
    """One group of logs, each with the second of its number."""
    for number in numbers:
        tags = {"__receive_time__": str(NOW + number)}
        emulator.put_logs([{"n": str(number)}], shard=shard, time=NOW, tags=tags)


def read_numbers(logs: list[SampledLog]) -> list[int]:
    return [int(LogDecoder(log.group).decode(log.number, [])["n"]) for log in logs]


def test_the_newest_logs_of_all_shards_come_with_the_newest_last(emulator: SlsEmulator) -> None:
    put(emulator, 0, *range(0, 40, 2))
    put(emulator, 1, *range(1, 40, 2))
    config = configure(emulator)
    assert read_numbers(fetch_newest(config, 5)) == [35, 36, 37, 38, 39]
    assert read_numbers(fetch_newest(config, 40)) == list(range(40))
    assert read_numbers(fetch_newest(config, 100)) == list(range(40))


def test_the_first_logs_since_a_time_come_in_order(emulator: SlsEmulator, clock: Clock) -> None:
    for number in range(20):
        clock.now = NOW + number
        put(emulator, number % 2, number)
    config = configure(emulator)
    assert read_numbers(fetch_from(config, "begin", 3)) == [0, 1, 2]
    assert read_numbers(fetch_from(config, NOW + 7, 4)) == [7, 8, 9, 10]
    assert read_numbers(fetch_from(config, NOW + 7, 100)) == list(range(7, 20))
    assert fetch_from(config, NOW + 20, 100) == []


def test_logs_of_a_large_group_are_not_all_taken(emulator: SlsEmulator) -> None:
    emulator.put_logs([{"n": str(number)} for number in range(5000)], shard=0)
    config = configure(emulator)
    assert read_numbers(fetch_newest(config, 2)) == [4998, 4999]
    assert read_numbers(fetch_from(config, "begin", 2)) == [0, 1]


def test_logs_stay_in_the_order_of_their_shard_whatever_time_they_bear(
    emulator: SlsEmulator,
) -> None:
    # Without __receive_time__, the time of a log stands for that of its arrival.
    for number, (shard, second) in enumerate([(1, 4), (0, 5), (0, 1), (1, 6), (0, 9), (0, 0)]):
        emulator.put_logs([{"n": str(number)}], shard=shard, time=second)
    assert read_numbers(fetch_newest(configure(emulator), 9)) == list(range(6))
    assert read_numbers(fetch_from(configure(emulator), "begin", 9)) == list(range(6))


def test_split_shards_and_expired_logs_are_no_hindrance(emulator: SlsEmulator) -> None:
    put(emulator, 0, *range(10))
    emulator.expire(0, 7)
    _, child = emulator.split_shard(0)
    put(emulator, child, 10, 11)
    config = configure(emulator)
    assert read_numbers(fetch_newest(config, 10)) == [7, 8, 9, 10, 11]
    assert read_numbers(fetch_from(config, "begin", 10)) == [7, 8, 9, 10, 11]


def test_answers_that_do_not_hold_all_are_continued(emulator: SlsEmulator) -> None:
    # SLS returns at most 10 MB at once.
    for number in range(4):
        emulator.put_logs([{"n": str(number), "text": "x" * 4_000_000}], shard=0)
    assert read_numbers(fetch_newest(configure(emulator), 4)) == [0, 1, 2, 3]
    assert read_numbers(fetch_from(configure(emulator), "begin", 4)) == [0, 1, 2, 3]


def test_an_empty_logstore_has_none(emulator: SlsEmulator) -> None:
    assert fetch_newest(configure(emulator), 10) == []
    assert fetch_from(configure(emulator), "begin", 10) == []


def test_nothing_in_sls_is_changed(emulator: SlsEmulator) -> None:
    put(emulator, 0, *range(10))
    fetch_newest(configure(emulator), 5)
    fetch_from(configure(emulator), "begin", 5)
    assert set(emulator.calls) == {"ListShards", "GetCursor", "PullLogs"}


# What goes wrong is one sentence


def test_a_refusal_says_what_was_refused_and_what_to_check(emulator: SlsEmulator) -> None:
    for wrong, code in {"logstore": "LogStoreNotExist", "access_key": "SignatureNotMatch"}.items():
        with pytest.raises(
            SourceError, match=rf"^SLS refuses to serve 127/.*: {code}: .*\(request"
        ) as failed:
            fetch_newest(configure(emulator, **{wrong: "wrong"}), 1)
        assert failed.value.code == code
        assert failed.value.request_id


def test_a_policy_without_an_action_is_told_from_a_wrong_key(emulator: SlsEmulator) -> None:
    emulator.fail("ListShards", status=403, code="Unauthorized")
    with pytest.raises(SourceError, match="; the policy of the RAM user must allow log:ListShards"):
        fetch_newest(configure(emulator), 1)


@pytest.mark.parametrize("operation", ["ListShards", "GetCursor", "PullLogs"])
def test_a_connection_that_ends_is_not_tried_again(operation: str, emulator: SlsEmulator) -> None:
    put(emulator, 0, 1)
    emulator.fail(operation, drop=True)
    with pytest.raises(SourceError, match=r"^SLS cannot be reached, 127/logs at .*SLS_ENDPOINT"):
        fetch_newest(configure(emulator), 1)
    assert emulator.calls[operation] <= 6  # two for each shard, and none of them twice


def test_an_address_at_which_nobody_listens_is_said_at_once(emulator: SlsEmulator) -> None:
    emulator.stop()
    with pytest.raises(SourceError, match="Connection refused; check SLS_ENDPOINT") as failed:
        fetch_newest(configure(emulator), 1)
    assert "HTTPConnectionPool" not in str(failed.value)


def test_an_answer_that_does_not_come_is_not_waited_for(emulator: SlsEmulator) -> None:
    emulator.fail("ListShards", status=None, delay=60)
    with pytest.raises(SourceError, match=r"^SLS cannot be reached, .* in time; check"):
        fetch_newest(configure(emulator), 1, seconds=0.5)
    assert emulator.calls["ListShards"] == 1


def test_an_endpoint_that_is_none_is_refused(emulator: SlsEmulator) -> None:
    config = configure(emulator)
    config.endpoint = ":::"  # as in a LogHubConfig of a user's own
    with pytest.raises(SettingsError, match=r"^SLS_ENDPOINT: expected a host name"):
        fetch_newest(config, 1)


def test_a_credentials_refresher_is_asked(emulator: SlsEmulator) -> None:
    put(emulator, 0, 1)
    right = emulator.access_key_id, emulator.access_key_secret, ""
    config = configure(
        emulator, access_key_id="", access_key="", credentials_refresher=lambda: right
    )
    assert read_numbers(fetch_newest(config, 1)) == [1]


def test_a_server_error_is_not_tried_ten_times(emulator: SlsEmulator) -> None:
    emulator.fail("ListShards", status=503, code="ServerBusy", times=None)
    with pytest.raises(
        SourceError, match=r"^SLS cannot serve .*: ServerBusy: .* \(request id "
    ) as got:
        fetch_newest(configure(emulator), 1)
    assert got.value.code == "ServerBusy"
    assert emulator.calls["ListShards"] == 1


def test_cursors_that_are_no_numbers_are_said_to_be_such(
    emulator: SlsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sls_syslog.consumer.samples.read_cursor", lambda cursor: None)
    with pytest.raises(SyslogError, match=r"^SLS, shard 127/logs/0: its cursor .* is no number"):
        fetch_newest(configure(emulator), 1)
