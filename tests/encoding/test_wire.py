"""From a message to the bytes that go out: nothing splits, nothing is cut wrongly, all is legal."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog.encoding.wire import WireFormat
from sls_syslog.errors import MessageTooLongError
from sls_syslog.settings.client import ClientSettings
from sls_syslog.syslog.message import SyslogMessage
from sls_syslog.testing.grammar import ParsedMessage, parse_rfc3164, parse_rfc5424
from tests.support.strategies import CHARACTERS

PARSERS = {"rfc5424": parse_rfc5424, "rfc3164": parse_rfc3164}
NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.timezone.utc)
BREAKERS = "\n\r\0\x0b\x0c\x1b\x7f\x85\u2028\u2029"


def wire(**settings: Any) -> WireFormat:
    return WireFormat(ClientSettings(host="siem", **settings))


def line_of(frame: bytes) -> bytes:
    """The one message of a frame under newline framing."""
    line, feed, rest = frame.partition(b"\n")
    assert (feed, rest) == (b"\n", b"")
    return line


def framed(wire_format: WireFormat, message: SyslogMessage) -> bytes:
    (frame,) = wire_format.encode_message(message)
    return frame


def read(text: str, **settings: Any) -> ParsedMessage:
    frame = framed(wire(**settings), SyslogMessage(message=text))
    return PARSERS[settings.get("syslog_format", "rfc5424")](line_of(frame))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, b"<14>1 - - - - - - a\\n\xc3\xa4\n"),
        ({"newlines": "space"}, b"<14>1 - - - - - - a \xc3\xa4\n"),
        ({"framing": "octet-counting"}, b"23 <14>1 - - - - - - a\\n\xc3\xa4"),
        (
            {"framing": "octet-counting", "newlines": "keep"},
            b"22 <14>1 - - - - - - a\n\xc3\xa4",
        ),
        ({"protocol": "udp"}, b"<14>1 - - - - - - a\\n\xc3\xa4"),
        ({"protocol": "tls"}, b"<14>1 - - - - - - a\\n\xc3\xa4\n"),
        ({"protocol": "relp"}, b"<14>1 - - - - - - a\\n\xc3\xa4"),
        ({"protocol": "relp", "newlines": "keep"}, b"<14>1 - - - - - - a\n\xc3\xa4"),
    ],
    ids=["newline", "space", "octet-counting", "keep", "udp", "tls", "relp", "relp-keep"],
)
def test_settings_choose_policy_and_framing(settings: dict[str, Any], expected: bytes) -> None:
    assert framed(wire(**settings), SyslogMessage(message="a\nä")) == expected


texts = st.text(CHARACTERS, max_size=100) | st.text(
    st.sampled_from(BREAKERS + '<1>a\\]" \t'), max_size=20
)


def escaped(text: str) -> str:
    """What ``newlines="escape"`` documents, worked out in another way."""
    out = text.replace("\n", "\\n").replace("\r", "\\r")
    for code in (*range(9), *range(10, 32), *range(0x7F, 0xA0), 0x2028, 0x2029):
        out = out.replace(chr(code), f"\\u{code:04x}")
    return out


def spaced(text: str) -> str:
    """What ``newlines="space"`` documents: one space where the other policy escapes."""
    return "".join(char if escaped(char) == char else " " for char in text)


EXPECTED = {"escape": escaped, "space": spaced}


@pytest.mark.parametrize("newlines", EXPECTED)
@pytest.mark.parametrize("syslog_format", PARSERS)
@given(text=texts.filter(lambda text: not text.startswith("\ufeff")))
def test_any_text_is_one_line_that_a_strict_reader_takes(
    text: str, syslog_format: str, newlines: str
) -> None:
    assert read(text, syslog_format=syslog_format, newlines=newlines).msg == EXPECTED[newlines](
        text
    )


@given(texts.filter(lambda text: not text.startswith("\ufeff")))
def test_octet_counting_can_keep_any_text_as_it_is(text: str) -> None:
    frame = framed(wire(framing="octet-counting", newlines="keep"), SyslogMessage(message=text))
    count, _, message = frame.partition(b" ")
    assert int(count) == len(message)
    assert parse_rfc5424(message).msg == text


@pytest.mark.parametrize("newlines", EXPECTED)
@given(value=texts)
def test_any_parameter_value_reads_back_as_the_policy_has_it(value: str, newlines: str) -> None:
    message = SyslogMessage(structured_data={"id@1": {"k": value}}, message="text")
    frame = framed(wire(newlines=newlines), message)
    parsed = parse_rfc5424(line_of(frame))
    assert parsed.structured_data == {"id@1": [("k", EXPECTED[newlines](value))]}
    assert parsed.msg == "text"


@given(texts)
def test_octet_counting_keeps_parameter_values_as_they_are(value: str) -> None:
    message = SyslogMessage(structured_data={"id@1": {"k": value}})
    frame = framed(wire(framing="octet-counting", newlines="keep"), message)
    parsed = parse_rfc5424(frame.partition(b" ")[2])
    assert parsed.structured_data == {"id@1": [("k", value)]}


@given(st.text("aä日\U0001f600\n", min_size=1, max_size=20), st.integers(480, 500))
def test_a_long_message_is_cut_at_a_character_within_the_limit(text: str, limit: int) -> None:
    text *= 480 // len(text) + 1
    whole = line_of(framed(wire(), SyslogMessage(message=text)))
    cut = line_of(framed(wire(max_message_bytes=limit), SyslogMessage(message=text)))
    assert limit - 5 <= len(cut) <= limit or cut == whole
    assert whole.startswith(cut)
    assert parse_rfc5424(cut).hostname is None


@pytest.mark.parametrize("size", [479, 480, 481])
def test_the_limit_is_that_of_the_message_without_its_framing(size: int) -> None:
    header = b"<14>1 - - - - - - "
    message = SyslogMessage(message="x" * (size - len(header)))
    newline = framed(wire(max_message_bytes=480), message)
    assert newline == header + b"x" * (min(size, 480) - len(header)) + b"\n"
    counted = framed(wire(max_message_bytes=480, framing="octet-counting"), message)
    assert counted == b"%d " % min(size, 480) + newline[:-1]


@pytest.mark.parametrize(("size", "sent"), [(65_507, 65_507), (65_508, 65_507)])
def test_a_datagram_holds_what_it_can(size: int, sent: int) -> None:
    message = SyslogMessage(message="x" * (size - len("<14>1 - - - - - - ")))
    assert len(framed(wire(protocol="udp"), message)) == sent


LONG_HEADER = {
    "hostname": "h" * 255,
    "app_name": "a" * 48,
    "procid": "p" * 128,
    "msgid": "m" * 32,
}


@pytest.mark.parametrize(
    "message",
    [
        SyslogMessage(timestamp=NOON, message="text", **LONG_HEADER),  # type: ignore[arg-type]
        SyslogMessage(message="text", structured_data={"id@1": {"k": "v" * 500}}),
        SyslogMessage(message="text", structured_data={"id@1": {"k": '"' * 230}}),
    ],
    ids=["header", "structured-data", "escapes"],
)
def test_a_cut_never_leaves_an_illegal_message(message: SyslogMessage) -> None:
    # A strict receiver drops it whole: either it is cut so that it is legal, or refused.
    try:
        line = line_of(framed(wire(max_message_bytes=480), message))
    except MessageTooLongError:
        return
    assert len(line) <= 480
    assert parse_rfc5424(line).raw == line


@pytest.mark.parametrize(
    ("zone", "stamp"),
    [
        ("UTC", "Nov 23 12:00:00"),
        ("Asia/Shanghai", "Nov 23 20:00:00"),
        ("-03:30", "Nov 23 08:30:00"),
    ],
)
def test_rfc_3164_which_has_no_zone_is_written_in_the_zone_of_the_settings(
    zone: str, stamp: str
) -> None:
    wire_format = wire(syslog_format="rfc3164", timezone=zone)
    for moment in (NOON, NOON.astimezone(dt.timezone(dt.timedelta(hours=-5)))):
        frame = framed(wire_format, SyslogMessage(timestamp=moment))
        assert parse_rfc3164(line_of(frame)).timestamp == stamp


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/St_Johns"])
def test_a_message_without_a_time_is_sent_with_the_present_one_in_rfc_3164(zone: str) -> None:
    before = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)
    frame = framed(wire(syslog_format="rfc3164", timezone=zone), SyslogMessage())
    after = dt.datetime.now(dt.timezone.utc)
    stamp = parse_rfc3164(line_of(frame)).timestamp
    settings = ClientSettings(host="siem", timezone=zone)
    seconds = int((after - before).total_seconds()) + 1
    possible = [
        (before + dt.timedelta(seconds=n)).astimezone(settings.timezone).strftime("%H:%M:%S")
        for n in range(seconds + 1)
    ]
    assert stamp is not None
    assert stamp[-8:] in possible


def test_a_message_without_a_time_has_none_in_rfc_5424() -> None:
    assert parse_rfc5424(line_of(framed(wire(), SyslogMessage()))).timestamp is None


def test_no_byte_order_mark_is_written_unasked() -> None:
    assert b"\xef\xbb\xbf" not in framed(wire(), SyslogMessage(message="日本"))
