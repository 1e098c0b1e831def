"""``SyslogClient.log`` sends the bytes, or raises the error, that its slow way would.

The judge is that slow way: every check, each time, through the message class.
"""

from __future__ import annotations

import datetime as dt
import gc
import re
import weakref
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from enum import Enum
from itertools import permutations
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog import (
    Facility,
    InvalidMessageError,
    MessageTooLongError,
    Severity,
    SyslogClient,
    SyslogError,
    SyslogMessage,
    client,
)
from sls_syslog.encoding.wire import WireFormat
from sls_syslog.settings.client import ClientSettings
from sls_syslog.syslog.formats import FORMATS
from tests.support.local_zone import local_zone
from tests.support.strategies import CHARACTERS

NASTY = '\n\r\0\t\x1b\x7f\x85\xa0\u2028\u2029\ufeff ~"\\aé日\ud800\U0001f600'
NEW_YORK = ZoneInfo("America/New_York")
# A TIMESTAMP of either format behind the PRI, and what it changes: the count, and a part's id.
CHANGING = re.compile(
    rb"^\d+ (?=<)|(?<=>1 )[\dT:.+-]+|(?<=>)\w{3} [ \d]\d [\d:]{8}|(?<=__part_id__=)\w+"
)


class Name(str, Enum):
    """A text that is formatted as something else."""

    PORTAL = "portal"


class Moment(dt.datetime):
    """As of a library that extends ``datetime``."""

    def isoformat(self, *_: Any, **__: Any) -> str:
        return "soon"


class Recorder:
    """Stands in for a transport: a receiver would not show where one call ends."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def send(self, frames: Iterable[bytes]) -> None:
        self.frames += frames


def mostly(usual: Sequence[Any], odd: Sequence[Any]) -> st.SearchStrategy[Any]:
    """Odd values are rare: one is enough for an error."""
    return st.sampled_from([*usual] * 4 + [*odd])


FORMAT_SETTINGS = [
    {"syslog_format": "rfc5424"},
    {"syslog_format": "rfc5424", "bom": True},
    {"syslog_format": "rfc3164"},
]
LIMITS = [{"max_message_bytes": 600, "oversize": how} for how in ("truncate", "split", "drop")]
settings = st.builds(
    lambda form, limit, **rest: ClientSettings(
        host="siem", protocol="tcp", **form, **limit, **rest
    ),
    form=st.sampled_from(FORMAT_SETTINGS),
    limit=st.sampled_from([{}, *LIMITS]),
    framing=st.sampled_from(["newline", "octet-counting"]),
    newlines=st.sampled_from(["escape", "space"]),
    timezone=st.sampled_from([None, "UTC", "+05:30", "Asia/Shanghai"]),
)
names = mostly([None, "portal", Name.PORTAL], ["", "por tal", "é", "x" * 49, "x" * 300, 7])
naive = st.datetimes(dt.datetime(1969, 1, 1), dt.datetime(2040, 1, 1))
ends = st.sampled_from([dt.datetime.min, dt.datetime.max])
zones = st.sampled_from([dt.timezone.utc, NEW_YORK, dt.timezone(dt.timedelta(seconds=1))])
aware = st.builds(lambda time, zone: time.replace(tzinfo=zone), naive | ends, zones)
calls = st.fixed_dictionaries(
    {
        "message": st.text(CHARACTERS)
        | st.text(NASTY)
        | st.integers(480, 620).map("x".__mul__)
        | st.sampled_from([b"x", None])
    },
    optional={
        "facility": mostly([None, 1, "user", Facility.USER], [True, 1.0, "1", 24, [1], "usr"]),
        "severity": mostly([None, 6, "info", Severity.INFO], [False, 6.0, "INFO", 8, [1], "bad"]),
        "timestamp": naive | ends | aware | st.sampled_from([None, "today", Moment(2026, 1, 1)]),
        "hostname": names,
        "app_name": names,
        "procid": mostly([None, 1, "1"], [True, 1.0, "a b", [1]]),
        "msgid": names,
        "structured_data": mostly([None, {}], [{"a@1": {"b": 'c"\n'}}, {"a b": {}}, []]),
    },
)


def make_client(settings: ClientSettings) -> tuple[SyslogClient, list[bytes]]:
    """A client, and the list of what it sends."""
    recorder = Recorder()
    with patch.object(client, "open_transport", lambda _: recorder):
        return SyslogClient.from_settings(settings), recorder.frames


def log_slowly(settings: ClientSettings, call: dict[str, Any]) -> list[bytes]:
    """What ``log`` sends, made step by step, with nothing that was kept."""

    def choose(name: str, default: Any) -> Any:
        return default if call.get(name) is None else call[name]

    timestamp, procid = choose("timestamp", dt.datetime.now(dt.timezone.utc)), call.get("procid")
    if not isinstance(timestamp, dt.datetime):
        raise InvalidMessageError("timestamp", "", timestamp, "")
    try:
        if timestamp.tzinfo is None or call.get("timestamp") is None:
            timestamp = timestamp.astimezone(settings.timezone)
        message = SyslogMessage(
            message=call["message"],
            facility=choose("facility", settings.facility),
            severity=choose("severity", settings.severity),
            timestamp=timestamp,
            hostname=choose("hostname", settings.hostname),
            app_name=choose("app_name", settings.tag),
            procid=str(procid) if isinstance(procid, int) else procid,
            msgid=call.get("msgid"),
            structured_data=call.get("structured_data") or {},
        )
        form, wire = FORMATS[settings.syslog_format], WireFormat(settings)
        if settings.syslog_format == "rfc3164":
            message = replace(message, timestamp=timestamp.astimezone(settings.timezone))
        head = form.format_head(message, timestamp, wire.newlines)
    except (OverflowError, ValueError) as error:
        if isinstance(error, SyslogError):
            raise
        raise InvalidMessageError("timestamp", "", timestamp, "") from None
    outcomes: list[str] = []
    frames = wire.encode_parts(head, message.message, outcomes)
    if "dropped_oversize" in outcomes:
        raise MessageTooLongError(0, None, "")
    return frames


def describe(error: SyslogError) -> tuple[type, str | None]:
    return type(error), error.field if isinstance(error, InvalidMessageError) else None


@given(settings, st.lists(calls, min_size=1, max_size=4))
def test_a_call_sends_what_it_sends_step_by_step(
    settings: ClientSettings, logs: list[dict[str, Any]]
) -> None:
    tested, sent = make_client(settings)
    for call in logs * 2:  # at the second time, its parts are known
        expected: Any
        got: Any
        try:
            expected = log_slowly(settings, call)
        except SyslogError as error:
            expected = describe(error)
        sent.clear()
        try:
            tested.log(**call)
            got = sent
        except SyslogError as error:
            got = describe(error)
            assert sent == []
        if call.get("timestamp") is None:
            expected, got = hide_times(expected), hide_times(got)
        assert got == expected


def hide_times(result: Any) -> Any:
    """What does not depend on when it was made."""
    if not isinstance(result, list):
        return result
    return [CHANGING.sub(b"", frame) for frame in result]


@pytest.mark.parametrize("settings", [{}, {"timezone": "+05:30"}, {"syslog_format": "rfc3164"}])
@pytest.mark.parametrize("nanoseconds", [0, 999, 1_000, 123_456_789, 999_999_999])
def test_now_is_written_as_a_datetime_is(
    settings: dict[str, Any], nanoseconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = ClientSettings(host="siem", protocol="tcp", **settings)
    tested, sent = make_client(chosen)
    for seconds in (1_793_577_599, 1_793_577_599, 1_793_577_600, 1_793_577_599):  # it can go back
        now = seconds * 1_000_000_000 + nanoseconds
        monkeypatch.setattr("sls_syslog.encoding.wire.time.time_ns", lambda now=now: now)
        moment = dt.datetime.fromtimestamp(seconds, dt.timezone.utc)
        moment = moment.replace(microsecond=nanoseconds // 1000).astimezone(chosen.timezone)
        tested.log("x")
        tested.log("x", timestamp=moment)
    assert sent[::2] == sent[1::2]


def test_the_same_time_is_another_after_a_change_of_the_local_zone() -> None:
    tested, sent = make_client(ClientSettings(host="siem", protocol="tcp"))
    when = dt.datetime(2026, 7, 1, 12)
    for zone, offset in (("Asia/Kolkata", b"+05:30"), ("Asia/Shanghai", b"+08:00")):
        with local_zone(zone):
            for _ in range(2):
                tested.log("x", timestamp=when)
                assert b"2026-07-01T12:00:00" + offset in sent.pop()


def test_the_two_halves_of_a_repeated_hour_are_not_mixed_up() -> None:
    tested, sent = make_client(ClientSettings(host="siem", protocol="tcp"))
    with local_zone("America/New_York"):
        for fold, offset in ((0, b"-04:00"), (1, b"-05:00"), (0, b"-04:00")):
            tested.log("x", timestamp=dt.datetime(2026, 11, 1, 1, 30, fold=fold))
            assert b"2026-11-01T01:30:00" + offset in sent.pop()


def test_values_that_are_equal_are_not_the_same() -> None:
    for values in permutations([1, 1.0, True]):
        tested, sent = make_client(ClientSettings(host="siem", protocol="tcp", hostname="h"))
        for value in values:
            for part in ("facility", "severity"):
                is_right = type(value) is int
                with nullcontext() if is_right else pytest.raises(InvalidMessageError, match=part):
                    tested.log("x", **{part: value})  # type: ignore[arg-type]
        assert len(sent) == 2


def test_the_same_moment_in_two_zones_is_written_in_each() -> None:
    tested, sent = make_client(ClientSettings(host="siem", protocol="tcp"))
    moment = dt.datetime(2026, 7, 1, 12, tzinfo=dt.timezone.utc)
    for zone, text in ((dt.timezone.utc, b"12:00:00+00:00"), (NEW_YORK, b"08:00:00-04:00")):
        tested.log("x", timestamp=moment.astimezone(zone))
        assert text in sent.pop()


@pytest.mark.parametrize("end", [dt.datetime.min, dt.datetime.max])
def test_a_time_that_leaves_the_calendar_is_refused(end: dt.datetime) -> None:
    zone = "-05:30" if end is dt.datetime.min else "+05:30"
    chosen = ClientSettings(host="siem", protocol="tcp", syslog_format="rfc3164", timezone=zone)
    tested, sent = make_client(chosen)
    with pytest.raises(InvalidMessageError, match="timestamp"):
        tested.log("x", timestamp=end.replace(tzinfo=dt.timezone.utc))
    assert sent == []


def test_a_member_of_an_enum_is_written_as_the_text_that_it_is() -> None:
    tested, sent = make_client(ClientSettings(host="siem", protocol="tcp", hostname="h"))
    tested.log("x", app_name=Name.PORTAL, timestamp=dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc))
    message = SyslogMessage(message="x", app_name=Name.PORTAL)
    tested.send(message)
    assert type(message.app_name) is str
    assert sent == [
        b"<14>1 2026-01-01T00:00:00+00:00 h portal - - - x\n",
        b"<14>1 - - portal - - - x\n",
    ]


def test_a_client_that_nobody_uses_any_more_is_gone_at_once() -> None:
    tested, _ = make_client(ClientSettings(host="siem", protocol="tcp"))
    tested.log("x")
    seen = weakref.ref(tested)
    gc.disable()
    try:
        del tested
        assert seen() is None
    finally:
        gc.enable()
