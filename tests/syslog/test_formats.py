"""What the two formats write, read back by the strict parser that shares no code with them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog.syslog.codes import Facility, Severity
from sls_syslog.syslog.formats import (
    FORMATS,
    format_rfc3164_header,
    format_rfc5424_header,
    format_structured_data,
)
from sls_syslog.syslog.message import SyslogMessage
from sls_syslog.testing.grammar import ParsedMessage, parse_rfc3164, parse_rfc5424
from tests.support.strategies import CHARACTERS

NOW = dt.datetime(2026, 11, 3, 3, 15, tzinfo=dt.timezone.utc)
RFC_EXAMPLES: list[tuple[bytes, dict[str, Any]]] = [
    (
        b"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - "
        b"'su root' failed for lonvick on /dev/pts/8",
        {
            "facility": "auth",
            "severity": "crit",
            "timestamp": dt.datetime(2003, 10, 11, 22, 14, 15, 3000, dt.timezone.utc),
            "hostname": "mymachine.example.com",
            "app_name": "su",
            "msgid": "ID47",
            "message": "'su root' failed for lonvick on /dev/pts/8",
        },
    ),
    (
        b"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - "
        b"%% It's time to make the do-nuts.",
        {
            "facility": "local4",
            "severity": "notice",
            "timestamp": dt.datetime(
                2003, 8, 24, 5, 14, 15, 3, dt.timezone(dt.timedelta(hours=-7))
            ),
            "hostname": "192.0.2.1",
            "app_name": "myproc",
            "procid": "8710",
            "message": "%% It's time to make the do-nuts.",
        },
    ),
    (
        b"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 "
        b'[exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"]'
        b'[examplePriority@32473 class="high"]',
        {
            "facility": 20,
            "severity": 5,
            "timestamp": dt.datetime(2003, 10, 11, 22, 14, 15, 3000, dt.timezone.utc),
            "hostname": "mymachine.example.com",
            "app_name": "evntslog",
            "msgid": "ID47",
            "structured_data": {
                "exampleSDID@32473": {
                    "iut": "3",
                    "eventSource": "Application",
                    "eventID": "1011",
                },
                "examplePriority@32473": {"class": "high"},
            },
        },
    ),
]


def meaning(read: ParsedMessage) -> tuple[object, ...]:
    return (
        *(read.facility, read.severity, read.datetime, read.hostname, read.app_name),
        *(read.procid, read.msgid, read.structured_data, read.bom, read.msg),
    )


def written(message: SyslogMessage, syslog_format: str = "rfc5424") -> bytes:
    head = FORMATS[syslog_format].format_head(message, NOW)
    space = " " if syslog_format == "rfc5424" and message.message else ""
    return f"{head}{space}{message.message}".encode()


@pytest.mark.parametrize(("example", "parts"), RFC_EXAMPLES, ids=["1", "2", "4"])
def test_the_examples_of_rfc_5424_section_6_5_mean_the_same(
    example: bytes, parts: dict[str, Any]
) -> None:
    ours = parse_rfc5424(written(SyslogMessage(**parts)))
    assert meaning(ours) == meaning(parse_rfc5424(example))


def test_a_message_of_nothing_is_nilvalues_all_over() -> None:
    assert written(SyslogMessage()) == b"<14>1 - - - - - -"


def test_a_message_without_text_ends_behind_its_structured_data() -> None:
    assert written(SyslogMessage(structured_data={"a": {}})) == b"<14>1 - - - - - [a]"


def test_only_quote_backslash_and_bracket_are_escaped_in_a_value() -> None:
    text = format_structured_data({"id": [("k", "[\"a\\b]='\t/日本")], "other": []})
    assert text == '[id k="[\\"a\\\\b\\]=\'\t/日本"][other]'


printable = st.characters(min_codepoint=33, max_codepoint=126)
names = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='="]'),
    min_size=1,
    max_size=32,
)
texts = st.text(CHARACTERS, max_size=50)
zones = st.integers(-1439, 1439).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
messages = st.builds(
    SyslogMessage,
    # A text that begins with a BOM is read as one, which the parser tells apart.
    message=texts.filter(lambda text: not text.startswith("\ufeff")),
    facility=st.sampled_from(Facility),
    severity=st.sampled_from(Severity),
    timestamp=st.none() | st.datetimes(timezones=zones),
    hostname=st.none() | st.text(printable, min_size=1, max_size=255),
    app_name=st.none() | st.text(printable, min_size=1, max_size=48),
    procid=st.none() | st.text(printable, min_size=1, max_size=128),
    msgid=st.none() | st.text(printable, min_size=1, max_size=32),
    structured_data=st.dictionaries(
        names, st.lists(st.tuples(names, texts), max_size=3), max_size=3
    ),
)


@given(messages)
def test_every_message_reads_back_as_it_was(message: SyslogMessage) -> None:
    read = parse_rfc5424(written(message))
    elements = {key: list(params) for key, params in message.structured_data.items()}
    headers = (message.hostname, message.app_name, message.procid, message.msgid)
    assert meaning(read) == (
        *(message.facility, message.severity, message.timestamp),
        *(None if field == "-" else field for field in headers),
        *(elements or None, False, message.message),
    )


@given(messages)
def test_every_message_is_legal_in_rfc_3164_too(message: SyslogMessage) -> None:
    read = parse_rfc3164(written(message, "rfc3164"))
    assert (read.facility, read.severity) == (message.facility, message.severity)
    assert read.app_name is not None
    assert read.msg == message.message


def test_the_example_of_rfc_3164_comes_out_to_the_byte() -> None:
    message = SyslogMessage(
        facility=Facility.AUTH,
        severity=Severity.CRITICAL,
        timestamp=dt.datetime(2003, 10, 11, 22, 14, 15, tzinfo=dt.timezone.utc),
        hostname="mymachine",
        app_name="su",
        message="'su root' failed for lonvick on /dev/pts/8",
    )
    assert (
        written(message, "rfc3164")
        == b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8"
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "<14>Nov  3 03:15:00 unknown sls: "),
        ({"message": "größer 日本"}, "<14>Nov  3 03:15:00 unknown sls: größer 日本"),
        ({"procid": "4711"}, "<14>Nov  3 03:15:00 unknown sls[4711]: "),
        ({"app_name": "a:c", "procid": "x]y"}, "<14>Nov  3 03:15:00 unknown a_c[x_y]: "),
        ({"hostname": "fe80::1%eth0"}, "<14>Nov  3 03:15:00 fe80--1-eth0 sls: "),
        ({"app_name": "p" * 48}, f"<14>Nov  3 03:15:00 unknown {'p' * 32}: "),
        (
            {"msgid": "LOGIN", "structured_data": {"a": {"k": "v"}}},
            "<14>Nov  3 03:15:00 unknown sls: ",
        ),
    ],
    ids=["nothing", "utf-8", "procid", "tag", "ipv6", "long-tag", "no-place-for-it"],
)
def test_rfc_3164_writes(fields: dict[str, Any], expected: str) -> None:
    assert written(SyslogMessage(**fields), "rfc3164").decode() == expected


def test_headers_end_with_the_space_before_what_follows() -> None:
    assert format_rfc5424_header(191, "-", "h", "a", "p", "m") == "<191>1 - h a p m "
    assert (
        format_rfc3164_header(0, "Nov  3 03:15:00", "h", "a", "p", "m")
        == "<0>Nov  3 03:15:00 h a[p]: "
    )
