"""Where a new consumer group begins, and where a range ends: what is read, and what is refused."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from aliyun.log.consumer import CursorPosition, LogHubConfig

from sls_syslog import SettingsError, consumer_config
from sls_syslog.consumer.start import read_start
from sls_syslog.testing import SyslogReceiver
from tests.support.local_zone import local_zone
from tests.support.receipts import Store
from tests.support.shipping import GROUP, numbers, shipping
from tests.support.waiting import eventually

LIMIT_SECONDS = 120.0

MOMENT = 1793678405
"""2026-11-03T04:00:05Z."""
PAST, LATER = "2021-11-27T08:00:00+08:00", "2021-11-28T08:00:00+08:00"
IN_AN_HOUR = datetime.now(timezone.utc) + timedelta(hours=1)
PLACE: Any = {
    "endpoint": "cn-hangzhou.log.aliyuncs.com",
    "access_key_id": "id",
    "access_key": "key",
    "project": "project",
    "logstore": "logstore",
    "consumer_group_name": "siem",
}
VARIABLES = {"SLS_START": "start", "SLS_END": "end"}
BEGIN, END, TIME = (
    CursorPosition.BEGIN_CURSOR,
    CursorPosition.END_CURSOR,
    CursorPosition.SPECIAL_TIMER_CURSOR,
)


def configure(**options: Any) -> LogHubConfig:
    return consumer_config(**PLACE, **options)


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


# What is read


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-03T04:00:05Z",
        "2026-11-03t04:00:05z",
        "2026-11-03 04:00:05Z",
        " 2026-11-03T12:00:05+08:00\n",
        "2026-11-03T12:00:05+0800",
        "2026-11-03T12:00:05+08",
        "2026-11-03 12:00:05+8:00",  # as the SDK's documentation has it
        "2026-11-02T23:00:05-05:00",
        "2026-11-03T09:30:05.999999+05:30",
        "2026-11-03T09:30:05,5+05:30",
    ],
)
def test_a_time_is_read_in_each_form_of_iso_8601(text: str) -> None:
    assert read_start(text) == MOMENT


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York"])
def test_a_time_without_an_offset_is_in_the_zone_of_this_machine(zone: str) -> None:
    with local_zone(zone):
        local = datetime.fromtimestamp(MOMENT)
        assert read_start(local.isoformat()) == MOMENT
        assert read_start(local) == MOMENT
        assert read_start("2026-11-03 04:00") == datetime(2026, 11, 3, 4).timestamp()
        assert read_start("2026-11-03") == datetime(2026, 11, 3).timestamp()


def test_a_datetime_is_a_time() -> None:
    there = timezone(timedelta(hours=8))
    assert read_start(datetime(2026, 11, 3, 12, 0, 5, 999_999, there)) == MOMENT


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "END_CURSOR",
        "yesterday",
        "1 hour ago",
        "1793678405",
        "2026-11",
        "20261103",
        "2026-11-31",
        "2026-02-29",
        "2026-11-03T25:00:00Z",
        "2026-11-03T04:00:05Z extra",
        "2026-11-03T04:00:05+25:00",
        "2026-11-03T04:00:05 Asia/Shanghai",
        "\u0662\u0660\u0662\u0666-11-03",
        "1969-12-31T23:59:59Z",
        "0001-01-01",
        "end",
        MOMENT,
        True,
        None,
        datetime.min,
        datetime.min.date(),
    ],
    ids=repr,
)
def test_what_is_no_time_is_refused_with_what_was_expected(wrong: Any) -> None:
    expected = "^expected begin, or an ISO 8601 time such as 2026-11-28T08:00:00.08:00, got "
    with pytest.raises(ValueError, match=expected) as raised:
        read_start(wrong, "begin")
    assert str(raised.value).endswith(repr(wrong))


# What the SDK gets


def test_by_default_a_group_begins_at_the_oldest_log_and_has_no_end() -> None:
    config = configure()
    assert (config.cursor_position, config.cursor_end_time) == (BEGIN, None)


@pytest.mark.parametrize(
    ("start", "position"), [("begin", BEGIN), ("END", END), (" end\n", END), (PAST, TIME)]
)
@pytest.mark.parametrize("variable", [True, False], ids=["SLS_START", "start"])
def test_a_start_sets_the_options_of_the_sdk(
    start: str, position: CursorPosition, variable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable:
        monkeypatch.setenv("SLS_START", start)
    config = configure(**({} if variable else {"start": start}))
    assert config.cursor_position is position
    assert config.cursor_start_time == (seconds(PAST) if position is TIME else "begin")


def test_an_end_sets_the_option_of_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLS_END", PAST)
    assert configure().cursor_end_time == seconds(PAST)
    assert configure(end=LATER).cursor_end_time == seconds(LATER)
    assert configure(end=IN_AN_HOUR).cursor_end_time == int(IN_AN_HOUR.timestamp())
    assert configure(start="end", end=IN_AN_HOUR).cursor_position is END


def test_an_argument_overrides_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLS_START", PAST)
    monkeypatch.setenv("SLS_END", LATER)
    assert configure(start="begin").cursor_position is BEGIN
    assert configure(cursor_position=BEGIN).cursor_position is BEGIN
    assert configure(cursor_start_time=5).cursor_start_time == 5
    assert configure(cursor_end_time=seconds(PAST) + 1).cursor_end_time == seconds(PAST) + 1
    assert configure(start=None, cursor_position=None).cursor_start_time == seconds(PAST)
    monkeypatch.setenv("SLS_START", " ")
    monkeypatch.setenv("SLS_END", "")
    config = configure()
    assert (config.cursor_position, config.cursor_end_time) == (BEGIN, None)


@pytest.mark.parametrize("given", [MOMENT - 10**8, str(MOMENT - 10**8), PAST], ids=repr)
def test_the_sdk_s_own_times_are_read_once_and_alone_are_enough(given: Any) -> None:
    """With our position BEGIN_CURSOR, the SDK ignored a start time that came alone."""
    config = configure(cursor_start_time=given, cursor_end_time=MOMENT)
    expected = seconds(PAST) if given == PAST else int(given)
    assert (config.cursor_position, config.cursor_start_time) == (TIME, expected)
    assert config.cursor_end_time == MOMENT


def test_the_sdk_s_end_is_now() -> None:
    before = time.time()
    end = configure(cursor_end_time="end").cursor_end_time
    assert isinstance(end, int)
    assert before < end <= time.time() + 1


# What is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cursor_position": "END_CURSOR"}, "cursor_position: expected a member .* 'END_CURSOR'"),
        ({"cursor_position": "end"}, "cursor_position: expected a member of .*, got 'end'"),
        ({"cursor_position": "2026-11-27"}, "cursor_position: expected .*, got '2026-11-27'"),
        ({"cursor_position": TIME}, "cursor_position: SPECIAL_TIMER_CURSOR needs cursor_start_t"),
        ({"cursor_start_time": "yesterday"}, "cursor_start_time: expected begin, end, or an ISO"),
        ({"cursor_start_time": MOMENT * 1000}, "cursor_start_time: expected seconds since 1970"),
        ({"cursor_start_time": -1}, "cursor_start_time: expected seconds since 1970, got -1"),
        ({"cursor_end_time": "never"}, "cursor_end_time: expected end, or an ISO .*, got 'never'"),
        ({"cursor_end_time": True}, "cursor_end_time: expected end, or an ISO .*, got True"),
        ({"cursor_end_time": ""}, "cursor_end_time: expected end, or an ISO .*, got ''"),
        ({"SLS_START": "END_CURSOR"}, "SLS_START: expected begin, end, .*, got 'END_CURSOR'"),
        ({"start": "END_CURSOR"}, "start: expected begin, end, .*, got 'END_CURSOR'"),
        ({"start": 5}, "start: expected begin, end, .*, got 5"),
        ({"SLS_END": "end"}, "SLS_END: expected an ISO 8601 time .*, got 'end'"),
        ({"end": "begin"}, "end: expected an ISO 8601 time .*, got 'begin'"),
    ],
)
def test_a_value_that_is_wrong_is_refused_by_its_name(
    options: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(options, message, monkeypatch)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"start": PAST, "cursor_position": BEGIN, "cursor_start_time": 5},
            "start: contradicts cursor_position and cursor_start_time",
        ),
        ({"start": "end", "cursor_position": END}, "start: contradicts cursor_position; give one"),
        ({"end": LATER, "cursor_end_time": 5}, "end: contradicts cursor_end_time; give one"),
        ({"cursor_position": END, "cursor_start_time": 5}, "cursor_start_time: contradicts cursor"),
        ({"SLS_START": PAST, "SLS_END": PAST}, "SLS_END: expected a time after the start, 2021-11"),
        ({"start": LATER, "end": PAST}, "end: expected a time after the start, 2021-11-28T00:00:0"),
        ({"start": "end", "end": LATER}, "end: expected a time after the start, 20"),
        ({"cursor_start_time": 5, "cursor_end_time": 5}, "cursor_end_time: expected a time after"),
        ({"start": IN_AN_HOUR}, "start: expected a time that has passed, got 20.*00:00; SLS would"),
        ({"cursor_start_time": 10**11}, "cursor_start_time: expected a time that has passed"),
    ],
)
def test_a_contradiction_is_refused(
    options: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(options, message, monkeypatch)


def refuse(options: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES.keys() & options.keys():
        monkeypatch.setenv(variable, options[variable])
    with pytest.raises(SettingsError, match=f"^{message}"):
        configure(**{name: value for name, value in options.items() if name not in VARIABLES})


# Where a group begins


@pytest.mark.parametrize("consumers", [1, 2])
@pytest.mark.parametrize(
    ("start", "expected"), [("begin", [0, 1, 2, 3]), (LATER, [1, 2, 3]), ("end", [])]
)
def test_a_new_group_begins_where_it_should_and_misses_nothing_from_there_on(
    start: str, expected: list[int], consumers: int, syslog_receiver: SyslogReceiver
) -> None:
    """Over the children of a shard that was split before, and of one that is split meanwhile."""
    with Store() as emulator, ExitStack() as workers:
        emulator.put(0, seconds(LATER) - 1)
        emulator.put(1, seconds(LATER))
        children = emulator.split(seconds(LATER) + 1)
        emulator.put(2, seconds(LATER) + 1, children[0])
        emulator.put(3, seconds(LATER) + 1, children[1])
        for _ in range(consumers):
            workers.enter_context(shipping(emulator, syslog_receiver.settings(), start=start))
            eventually(lambda: len(emulator.checkpoints(GROUP)) == 3)
        for n, shard in enumerate(emulator.split_shard(children[0]), 4):
            emulator.put_logs([{"n": str(n)}], shard=shard)  # before anybody has this shard
        emulator.put_logs([{"n": "6"}], shard=children[1])
        eventually(lambda: {4, 5, 6} <= set(numbers(syslog_receiver)), LIMIT_SECONDS)
    assert numbers(syslog_receiver) == [*expected, 4, 5, 6]


@pytest.mark.parametrize("start", ["begin", LATER, "end"])
def test_a_group_that_has_begun_misses_no_shard_that_is_split_while_nothing_runs(
    start: str, syslog_receiver: SyslogReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sls_syslog")
    with Store() as emulator:
        emulator.put(0, seconds(LATER) - 1)
        with shipping(emulator, syslog_receiver.settings(), start=start):
            eventually(lambda: 0 in emulator.checkpoints(GROUP))
        emulator.put_logs([{"n": "1"}], shard=0)
        for n, shard in enumerate(emulator.split_shard(0), 2):
            emulator.put_logs([{"n": str(n)}], shard=shard)
        emulator.clock.offset = 60
        with shipping(emulator, syslog_receiver.settings(), start=start):
            emulator.wait_until_drained(GROUP, LIMIT_SECONDS)
    assert numbers(syslog_receiver) == [*([0] if start == "begin" else []), 1, 2, 3]
    applies = "if the group has no" if start == "end" else "to a shard without a"
    begins = f"this applies only {applies} checkpoint, and group siem has"
    assert caplog.text.count(f"{begins} none yet") == 1
    assert caplog.text.count(f"{begins} one for 1 shard\n") == 1


def test_a_worker_begins_although_sls_does_not_say_where_the_group_is(
    syslog_receiver: SyslogReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sls_syslog")
    with Store() as emulator:
        emulator.put(0, seconds(LATER))
        emulator.fail("GetCheckPoint", status=400, code="Wrong", times=3)
        with shipping(emulator, syslog_receiver.settings(), start="end"):
            eventually(lambda: 0 in emulator.checkpoints(GROUP))
            emulator.put_logs([{"n": "1"}], shard=0)
            emulator.wait_until_drained(GROUP, LIMIT_SECONDS)
    assert "group siem has an unknown number: SLS has not answered yet" in caplog.text
    assert numbers(syslog_receiver) == [1]
