"""The oracle against the RFCs' own examples, and against everything just outside their limits."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sls_syslog.testing.grammar import GrammarError, parse, parse_rfc3164, parse_rfc5424
from tests.support.strategies import CHARACTERS

BOM = b"\xef\xbb\xbf"
HOUR = dt.timedelta(hours=1)
EXAMPLE_SD = {
    "exampleSDID@32473": [("iut", "3"), ("eventSource", "Application"), ("eventID", "1011")]
}
EXAMPLE_SD_BYTES = b'[exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"]'


def frame(
    pri: bytes = b"<14>",
    version: bytes = b"1",
    timestamp: bytes = b"2026-11-23T03:15:00Z",
    hostname: bytes = b"host",
    app_name: bytes = b"app",
    procid: bytes = b"-",
    msgid: bytes = b"-",
    sd: bytes = b"-",
    rest: bytes = b" message",
) -> bytes:
    header = b" ".join([pri + version, timestamp, hostname, app_name, procid, msgid, sd])
    return header + rest


def error_of(raw: bytes) -> GrammarError:
    with pytest.raises(GrammarError) as caught:
        parse_rfc5424(raw)
    return caught.value


# RFC 5424


def test_rfc5424_section_6_5_example_1() -> None:
    raw = (
        b"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - "
        + BOM
        + b"'su root' failed for lonvick on /dev/pts/8"
    )
    message = parse_rfc5424(raw)
    assert message.raw == raw
    assert message.version == 1
    assert (message.facility, message.severity) == (4, 2)
    assert message.timestamp == "2003-10-11T22:14:15.003Z"
    assert message.datetime == dt.datetime(2003, 10, 11, 22, 14, 15, 3000, dt.timezone.utc)
    assert message.hostname == "mymachine.example.com"
    assert message.app_name == "su"
    assert message.procid is None
    assert message.msgid == "ID47"
    assert message.structured_data is None
    assert message.bom
    assert message.msg == "'su root' failed for lonvick on /dev/pts/8"


def test_rfc5424_section_6_5_example_2() -> None:
    message = parse_rfc5424(
        b"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - "
        b"%% It's time to make the do-nuts."
    )
    assert (message.facility, message.severity) == (20, 5)
    assert message.hostname == "192.0.2.1"
    assert message.procid == "8710"
    assert not message.bom
    assert message.msg == "%% It's time to make the do-nuts."


def test_rfc5424_section_6_5_example_3() -> None:
    message = parse_rfc5424(
        b"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 "
        + EXAMPLE_SD_BYTES
        + b" "
        + BOM
        + b"An application event log entry..."
    )
    assert message.structured_data == EXAMPLE_SD
    assert message.msg == "An application event log entry..."


def test_rfc5424_section_6_5_example_4_has_no_message() -> None:
    message = parse_rfc5424(
        b"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 "
        + EXAMPLE_SD_BYTES
        + b'[examplePriority@32473 class="high"]'
    )
    assert message.structured_data == EXAMPLE_SD | {"examplePriority@32473": [("class", "high")]}
    assert message.msg == ""


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (
            "1985-04-12T23:20:50.52Z",
            dt.datetime(1985, 4, 12, 23, 20, 50, 520_000, dt.timezone.utc),
        ),
        (
            "1985-04-12T19:20:50.52-04:00",
            dt.datetime(1985, 4, 12, 19, 20, 50, 520_000, dt.timezone(-4 * HOUR)),
        ),
        (
            "2003-10-11T22:14:15.003Z",
            dt.datetime(2003, 10, 11, 22, 14, 15, 3000, dt.timezone.utc),
        ),
        (
            "2003-08-24T05:14:15.000003-07:00",
            dt.datetime(2003, 8, 24, 5, 14, 15, 3, dt.timezone(-7 * HOUR)),
        ),
        ("2024-02-29T00:00:00+05:30", dt.datetime(2024, 2, 29, tzinfo=dt.timezone(5.5 * HOUR))),
        ("2026-12-31T23:59:59Z", dt.datetime(2026, 12, 31, 23, 59, 59, tzinfo=dt.timezone.utc)),
    ],
)
def test_timestamps_of_the_rfc_are_read(written: str, meant: dt.datetime) -> None:
    message = parse_rfc5424(frame(timestamp=written.encode()))
    assert message.timestamp == written
    assert message.datetime == meant
    assert message.datetime is not None
    assert message.datetime.utcoffset() == meant.utcoffset()


def test_a_nil_timestamp_is_none() -> None:
    message = parse_rfc5424(frame(timestamp=b"-"))
    assert message.timestamp is None
    assert message.datetime is None


@pytest.mark.parametrize(
    ("written", "wrong_from"),
    [
        (b"2003-08-24T05:14:15.000000003-07:00", 26),  # example 5 of section 6.2.3.1
        (b"2026-11-23T03:15:00.000000+0800", 26),
        (b"2026-11-23T03:15:00+2400", 19),
        (b"2026-11-23T03:15:00+24:00", 19),
        (b"2026-11-23T03:15:00+05:60", 19),
        (b"2026-11-23T03:15:00.Z", 19),
        (b"2026-11-23T03:15:00", 19),
        (b"2026-11-23T03:15:00z", 19),
        (b"2026-11-23t03:15:00Z", 10),
        (b"2026-11-23T03:15:60Z", 17),
        (b"2026-11-23T24:00:00Z", 11),
        (b"2026-11-23T03:60:00Z", 14),
        (b"2026-13-23T03:15:00Z", 5),
        (b"2026-00-23T03:15:00Z", 5),
        (b"2026-11-00T03:15:00Z", 8),
        (b"2026-11-31T03:15:00Z", 8),
        (b"2025-02-29T03:15:00Z", 8),
        (b"0000-01-01T00:00:00Z", 8),
        (b"26-11-23T03:15:00Z", 0),
        (b"2026-11-23T03:15:00,5Z", 19),
        (b"2026-11-23T03:15:00.5Zx", 22),
        (b"--", 0),
        (b"", 0),
    ],
)
def test_a_timestamp_outside_the_profile_is_refused(written: bytes, wrong_from: int) -> None:
    error = error_of(frame(timestamp=written))
    assert error.field == "TIMESTAMP"
    assert error.column == len(b"<14>1 ") + wrong_from


@pytest.mark.parametrize(
    ("name", "limit"), [("hostname", 255), ("app_name", 48), ("procid", 128), ("msgid", 32)]
)
def test_header_fields_hold_their_limit_and_not_one_byte_more(name: str, limit: int) -> None:
    field = name.upper() if name != "app_name" else "APP-NAME"
    for good in (b"!", b"~", b"--", b"[=]\"'\\<>", b"x" * limit):
        assert getattr(parse_rfc5424(frame(**{name: good})), name) == good.decode()
    start = frame(**{name: b"\0"}).index(b"\0")
    rows = [
        (b"x" * (limit + 1), limit),
        (b"", 0),
        (b"a\x7f", 1),
        (b"\x1f", 0),
        ("ab日".encode(), 2),
    ]
    for bad, wrong_from in rows:
        error = error_of(frame(**{name: bad}))
        assert (error.field, error.column) == (field, start + wrong_from)


@pytest.mark.parametrize(
    ("pri", "expected"), [(b"<0>", (0, 0)), (b"<191>", (23, 7)), (b"<100>", (12, 4))]
)
def test_pri_is_facility_times_eight_plus_severity(pri: bytes, expected: tuple[int, int]) -> None:
    message = parse_rfc5424(frame(pri=pri))
    assert (message.facility, message.severity) == expected


@pytest.mark.parametrize(
    ("pri", "column"),
    [
        (b"", 0),
        (b"14>", 0),
        (b"<>", 1),
        (b"<-1>", 1),
        (b"<192>", 1),
        (b"<999>", 1),
        (b"<014>", 2),
        (b"<00>", 2),
        (b"<1000>", 4),
        (b"<14", 4 - 1),
        (b" <14>", 0),
        (b"<1 4>", 2),
        ("<１>".encode(), 1),
        (BOM + b"<14>", 0),
    ],
)
def test_a_pri_outside_the_grammar_is_refused(pri: bytes, column: int) -> None:
    error = error_of(frame(pri=pri, version=b" 1" if pri == b"<14" else b"1"))
    assert (error.field, error.column) == ("PRI", column)


@pytest.mark.parametrize(("version", "column"), [(b"", 4), (b"0", 4), (b"2", 4), (b"11", 5)])
def test_a_version_other_than_1_is_refused(version: bytes, column: int) -> None:
    error = error_of(frame(version=version))
    assert (error.field, error.column) == ("VERSION", column)


def test_the_line_of_the_documented_program_is_refused() -> None:
    line = b"<14>1 2026-11-23T03:15:00.000000+0800 host - - - ||a=1"
    error = error_of(line)
    assert error.field == "TIMESTAMP"
    assert line[error.column :].startswith(b"+0800")
    with_colon = line.replace(b"+0800", b"+08:00")
    error = error_of(with_colon)
    assert error.field == "STRUCTURED-DATA"
    assert with_colon[error.column :] == b"||a=1"


def test_section_6_3_5_examples_1_and_2() -> None:
    assert parse_rfc5424(frame(sd=EXAMPLE_SD_BYTES)).structured_data == EXAMPLE_SD
    two = parse_rfc5424(frame(sd=EXAMPLE_SD_BYTES + b'[examplePriority@32473 class="high"]'))
    assert list(two.structured_data or ()) == ["exampleSDID@32473", "examplePriority@32473"]


def test_section_6_3_5_example_3_ends_the_structured_data_at_the_space() -> None:
    # The RFC: the second element "will be interpreted as part of the MSG field".
    message = parse_rfc5424(
        frame(sd=EXAMPLE_SD_BYTES + b' [examplePriority@32473 class="high"]', rest=b"")
    )
    assert message.structured_data == EXAMPLE_SD
    assert message.msg == '[examplePriority@32473 class="high"]'


def test_section_6_3_5_example_4_is_refused() -> None:
    sd = EXAMPLE_SD_BYTES.replace(b"[", b"[ ")
    error = error_of(frame(sd=sd + b'[examplePriority@32473 class="high"]'))
    assert error.field == "SD-ID"


def test_section_6_3_5_example_5() -> None:
    sd = b'[sigSig ver="1" rsID="1234" signature="ABCD+/="]'
    assert parse_rfc5424(frame(sd=sd)).structured_data == {
        "sigSig": [("ver", "1"), ("rsID", "1234"), ("signature", "ABCD+/=")]
    }


@pytest.mark.parametrize(
    ("sd", "parameters"),
    [
        (b"[a]", []),
        (b'[a b=""]', [("b", "")]),
        (b'[a b="1" b="2"]', [("b", "1"), ("b", "2")]),
        (rb'[a b="\"\\\]"]', [("b", '"\\]')]),
        (rb'[a b="\\\\"]', [("b", "\\\\")]),
        (b'[a b="[x=y"]', [("b", "[x=y")]),
        (b'[a b="\n\t\x00"]', [("b", "\n\t\0")]),
        ('[a b="日本"]'.encode(), [("b", "日本")]),
        (b"[a " + b"n" * 32 + b'="1"]', [("n" * 32, "1")]),
        (b'[a __tag__:__path__="/x"]', [("__tag__:__path__", "/x")]),
    ],
)
def test_structured_data_is_unescaped(sd: bytes, parameters: list[tuple[str, str]]) -> None:
    assert parse_rfc5424(frame(sd=sd)).structured_data == {"a": parameters}


@pytest.mark.parametrize(
    ("sd", "field", "wrong_from"),
    [
        (b"", "STRUCTURED-DATA", 0),
        (b"x", "STRUCTURED-DATA", 0),
        (b"-x", "STRUCTURED-DATA", 1),
        (b"[a]x", "STRUCTURED-DATA", 3),
        (b"[]", "SD-ID", 1),
        (b"[" + b"i" * 33 + b"]", "SD-ID", 33),
        (b"[a=b]", "SD-ID", 2),
        (b'[a"b]', "SD-ID", 2),
        ("[日]".encode(), "SD-ID", 1),
        (b"[a][a]", "SD-ID", 4),
        (b'[a b="1"][c][a d="2"]', "SD-ID", 13),
        (b"[a ]", "PARAM-NAME", 3),
        (b'[a  b="1"]', "PARAM-NAME", 3),
        (b"[a " + b"n" * 33 + b'="1"]', "PARAM-NAME", 35),
        ('[a 键="1"]'.encode(), "PARAM-NAME", 3),
        (b'[a b]c="1"]', "PARAM-NAME", 4),
        (b"[a b=1]", "PARAM-NAME", 4),
        (b'[a b ="1"]', "PARAM-NAME", 4),
        (b'[a b="]"]', "PARAM-VALUE", 6),
        (rb'[a b="\n"]', "PARAM-VALUE", 6),
        (rb'[a b="x\"]', "PARAM-VALUE", 9),
        (b'[a b="x\xff"]', "PARAM-VALUE", 7),
        (b'[a b="\xc0\xaf"]', "PARAM-VALUE", 6),
        (b'[a b="\xed\xa0\x80"]', "PARAM-VALUE", 6),
        (b'[a b="1"c="2"]', "SD-PARAM", 8),
        (b'[a b="1" ]', "PARAM-NAME", 9),
        (b'[a b="1"', "SD-PARAM", 8),
    ],
)
def test_malformed_structured_data_is_refused(sd: bytes, field: str, wrong_from: int) -> None:
    start = frame(sd=b"\0").index(b"\0")
    error = error_of(frame(sd=sd, rest=b"" if sd.endswith(b'"') else b" message"))
    assert (error.field, error.column) == (field, start + wrong_from)


@pytest.mark.parametrize(
    ("rest", "bom", "msg"),
    [
        (b"", False, ""),
        (b" ", False, ""),
        (b"  x ", False, " x "),
        (b" " + BOM, True, ""),
        (b" " + BOM + "日本".encode(), True, "日本"),
        (b" " + BOM + BOM, True, "\ufeff"),
        (b" x" + BOM, False, "x\ufeff"),
        ("  naïve 😀".encode(), False, " naïve 😀"),
        (b" a\nb\r\0", False, "a\nb\r\0"),
    ],
)
def test_msg_is_read_with_and_without_a_byte_order_mark(rest: bytes, bom: bool, msg: str) -> None:
    message = parse_rfc5424(frame(rest=rest))
    assert (message.bom, message.msg) == (bom, msg)


@pytest.mark.parametrize(
    ("rest", "wrong_from"),
    [(b" ab\xff", 3), (b" " + BOM + b"\xe6\x97", 4), (b" \xc0\x80", 1), (b" \xed\xbf\xbf", 1)],
)
def test_a_msg_that_is_not_utf_8_is_refused(rest: bytes, wrong_from: int) -> None:
    error = error_of(frame(rest=rest))
    assert (error.field, error.column) == ("MSG", len(frame(rest=b"")) + wrong_from)


def test_an_error_says_field_rule_bytes_and_place() -> None:
    error = error_of(frame(hostname=b"a\tb"))
    assert str(error) == (
        'HOSTNAME: expected NILVALUE "-" or 1 to 255 printable ASCII characters, and a space, '
        "got b'\\tb app - - - message' at byte 28"
    )
    assert "got the end of the frame at byte 5" in str(error_of(b"<14>1"))


def test_every_cut_through_the_header_is_refused() -> None:
    whole = frame(sd=EXAMPLE_SD_BYTES, rest=b"")
    for size in range(len(whole)):
        assert error_of(whole[:size]).column <= size


@given(st.binary())
@example(b"")
@example(b"<14>1 " + b" " * 10)
def test_any_bytes_are_read_or_refused_by_a_grammar_error(raw: bytes) -> None:
    for candidate in (raw, b"<14>1 - h a p m " + raw, b"<14>Nov 23 03:15:00 host " + raw):
        with suppress(GrammarError):
            assert parse(candidate).raw == candidate


@given(st.text(CHARACTERS).map(lambda text: text.encode("utf-8", "replace").decode()))
def test_any_text_survives_as_a_parameter_value_and_as_msg(text: str) -> None:
    escaped = "".join("\\" + c if c in '"\\]' else c for c in text)
    message = parse_rfc5424(frame(sd=f'[a b="{escaped}"]'.encode(), rest=b" x" + text.encode()))
    assert message.structured_data == {"a": [("b", text)]}
    assert message.msg == "x" + text


# RFC 3164


def test_rfc3164_section_5_4_example_1() -> None:
    message = parse_rfc3164(
        b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8"
    )
    assert (message.facility, message.severity) == (4, 2)
    assert message.version is None
    assert message.timestamp == "Oct 11 22:14:15"
    assert message.datetime is None
    assert message.hostname == "mymachine"
    assert message.app_name == "su"
    assert message.procid is None
    assert message.msgid is None
    assert message.structured_data is None
    assert message.msg == "'su root' failed for lonvick on /dev/pts/8"


@pytest.mark.parametrize(
    ("content", "tag", "pid", "msg"),
    [
        ("sched[0]: That's All Folks!", "sched", "0", "That's All Folks!"),
        ("postfix/smtpd[12]:  two spaces", "postfix/smtpd", "12", " two spaces"),
        ("t" * 32 + ": x", "t" * 32, None, "x"),
        ("app:", "app", None, ""),
        ("app: ", "app", None, ""),
        ("app: 日本 error", "app", None, "日本 error"),
        ("-: x", "-", None, "x"),
        ("CEF:0|V|P|1|id|name|5|k=v", None, None, "CEF:0|V|P|1|id|name|5|k=v"),
        ("LEEF:2.0|V|P|1|id|^|k=v", None, None, "LEEF:2.0|V|P|1|id|^|k=v"),
        ("||a=1||b=2: c", None, None, "||a=1||b=2: c"),
        ("free text: x", None, None, "free text: x"),
        ('{"a": 1}', None, None, '{"a": 1}'),
        ("", None, None, ""),
    ],
)
def test_rfc3164_content_is_split_into_tag_and_msg(
    content: str, tag: str | None, pid: str | None, msg: str
) -> None:
    message = parse_rfc3164(b"<134>Nov 23 03:15:00 host " + content.encode())
    assert (message.app_name, message.procid, message.msg) == (tag, pid, msg)
    assert message.hostname == "host"
    assert not message.bom


@pytest.mark.parametrize("timestamp", [b"Nov  3 03:15:00", b"Feb 29 00:00:00", b"Dec 31 23:59:59"])
def test_rfc3164_timestamps_are_read_as_written(timestamp: bytes) -> None:
    assert parse_rfc3164(b"<14>" + timestamp + b" h t: m").timestamp == timestamp.decode()


@pytest.mark.parametrize(
    ("raw", "field", "column"),
    [
        (b"Use the BFG!", "PRI", 0),
        (b"<192>Nov 23 03:15:00 h t: m", "PRI", 1),
        (b"<14>Nov 03 03:15:00 h t: m", "TIMESTAMP", 8),
        (b"<14>Nov 3 03:15:00 h t: m", "TIMESTAMP", 8),
        (b"<14>Nov 31 03:15:00 h t: m", "TIMESTAMP", 8),
        (b"<14>Feb 30 03:15:00 h t: m", "TIMESTAMP", 8),
        (b"<14>Nov  0 03:15:00 h t: m", "TIMESTAMP", 8),
        (b"<14>nov 23 03:15:00 h t: m", "TIMESTAMP", 4),
        ("<14>11月 23 03:15:00 h t: m".encode(), "TIMESTAMP", 4),
        (b"<14>Nov 23 24:15:00 h t: m", "TIMESTAMP", 11),
        (b"<14>Nov 23 03:15:60 h t: m", "TIMESTAMP", 17),
        (b"<14>Nov 23 03:15:00.5 h t: m", "TIMESTAMP", 19),
        (b"<14>2026-11-23T03:15:00Z h t: m", "TIMESTAMP", 4),
        (b"<14>Nov 23 03:15:00  t: m", "HOSTNAME", 20),
        (b"<14>Nov 23 03:15:00 fe80::1 t: m", "HOSTNAME", 24),
        (b"<14>Nov 23 03:15:00 host", "HOSTNAME", 24),
        (b"<14>Nov 23 03:15:00 h " + b"t" * 33 + b": m", "TAG", 54),
        (b"<14>Nov 23 03:15:00 h t[]: m", "PID", 24),
        (b"<14>Nov 23 03:15:00 h t: \xff", "MSG", 25),
    ],
)
def test_malformed_rfc3164_is_refused(raw: bytes, field: str, column: int) -> None:
    with pytest.raises(GrammarError) as caught:
        parse_rfc3164(raw)
    assert (caught.value.field, caught.value.column) == (field, column)


def test_the_format_is_told_by_the_version() -> None:
    assert parse(frame()).version == 1
    assert parse(b"<14>Nov 23 03:15:00 host app: x").version is None
