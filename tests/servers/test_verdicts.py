r"""What four readers make of right and wrong messages: a table, and that ours are right to all.

The readers are the kit's strict parser, rsyslog, syslog-ng, and syslog-rfc5424-parser from PyPI.
The table is the record of where they differ; the library must stay where they do not. The last of
them is laxer than RFC 5424 about PRI, VERSION, the calendar and names and values of STRUCTURED-DATA
(of which it leaves the escapes in, and keeps only the last of a name), but insists on UTF-8.
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

from sls_syslog import SyslogClient, SyslogMessage
from sls_syslog.testing import GrammarError, SyslogReceiver, parse_rfc5424
from sls_syslog.testing.deframer import FramingError, make_deframer
from tests.support.servers import ParsedByServer, Rsyslog, SyslogNg, SyslogServer
from tests.support.waiting import holds_within

Elements: TypeAlias = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


class Expected(NamedTuple):
    """The fields of a message, as expected or as a reader read them. None means NILVALUE.

    An expected time of None is not compared: the servers use the time of arrival.
    """

    pri: int = 14
    time: str | None = "2026-11-23T03:15:00+00:00"
    hostname: str | None = "h"
    app_name: str | None = "a"
    procid: str | None = "p"
    msgid: str | None = "m"
    elements: Elements = ()
    msg: str = "text"


class Row(NamedTuple):
    """Bytes, what they mean or were meant to mean, and the verdict of each reader.

    The verdicts are one letter each, in the order of `READERS`: `a`ccepted, all read as meant;
    `r`efused, something not read, and nothing read that was not meant; `m`angled, something read
    that was not meant; `-`, does not apply.
    """

    id: str
    stream: bytes
    expected: tuple[Expected, ...]
    verdicts: str


READERS = ("kit", "rsyslog", "syslog-ng", "elsewhere")
VERDICTS = {"a": "accepted", "r": "refused", "m": "mangled"}


def line(name: str, verdicts: str, text: str | bytes, expected: Expected | None = None) -> Row:
    """A row of one message in one line."""
    raw = text if isinstance(text, bytes) else text.encode()
    return Row(name, raw, (expected or Expected(),), verdicts)


def head(**parts: str) -> str:
    """A header, right but for the parts named."""
    right = {"pri": "<14>", "version": "1", "time": "2026-11-23T03:15:00Z"}
    right |= {"hostname": "h", "app_name": "a", "procid": "p", "msgid": "m", "sd": "-"}
    values = right | parts
    return values.pop("pri") + " ".join(values.values())


def header(name: str, verdicts: str, **parts: str) -> Row:
    """A row of a header that is right but for the parts named, each of which means itself."""
    meant = {part: text for part, text in parts.items() if part in Expected._fields}
    return line(name, verdicts, f"{head(**parts)} text", Expected()._replace(**meant))  # type: ignore[arg-type]


def timed(text: str, meant: str = "2026-11-23T03:15:00+00:00") -> tuple[str, Expected]:
    return f"{head(time=text)} text", Expected(time=meant)


def data(text: str, *elements: tuple[str, tuple[tuple[str, str], ...]]) -> tuple[str, Expected]:
    return f"{head(sd=text)} text", Expected(elements=elements)


SU = "'su root' failed for lonvick on /dev/pts/8"
EXAMPLE = (("iut", "3"), ("eventSource", "Application"), ("eventID", "1011"))
EXAMPLE_TEXT = '[exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"]'
PRIORITY_TEXT = '[examplePriority@32473 class="high"]'
EXAMPLES = (("exampleSDID@32473", EXAMPLE), ("examplePriority@32473", (("class", "high"),)))
EVENTS = "2003-10-11T22:14:15.003000+00:00"

LINES = (
    # RFC 5424 section 6.5
    line(
        "rfc-example-1",
        "amam",
        "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \ufeff" + SU,
        Expected(34, EVENTS, "mymachine.example.com", "su", None, "ID47", (), SU),
    ),
    line(
        "rfc-example-2",
        "aaaa",
        "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% do-nuts.",
        Expected(
            *(165, "2003-08-24T05:14:15.000003-07:00", "192.0.2.1", "myproc", "8710", None),
            msg="%% do-nuts.",
        ),
    ),
    line(
        "rfc-example-3",
        "amam",
        f"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 {EXAMPLE_TEXT}"
        " \ufeffAn application event log entry...",
        Expected(
            *(165, EVENTS, "mymachine.example.com", "evntslog", None, "ID47", EXAMPLES[:1]),
            msg="An application event log entry...",
        ),
    ),
    line(
        "rfc-example-4",
        "aaaa",
        "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 "
        + EXAMPLE_TEXT
        + PRIORITY_TEXT,
        Expected(165, EVENTS, "mymachine.example.com", "evntslog", None, "ID47", EXAMPLES, ""),
    ),
    # RFC 5424 section 6.2.3.1
    line("time-1", "aaaa", *timed("1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.520000+00:00")),
    line(
        "time-2", "aaaa", *timed("1985-04-12T19:20:50.52-04:00", "1985-04-12T19:20:50.520000-04:00")
    ),
    line("time-3", "aaaa", *timed("2003-10-11T22:14:15.003Z", EVENTS)),
    line(
        "time-4",
        "aaaa",
        *timed("2003-08-24T05:14:15.000003-07:00", "2003-08-24T05:14:15.000003-07:00"),
    ),
    line(
        "time-5-nine-digits",
        "rmar",
        *timed("2003-08-24T05:14:15.000000003-07:00", "2003-08-24T05:14:15-07:00"),
    ),
    # RFC 5424 section 6.3.5
    line("data-1", "aaaa", *data(EXAMPLE_TEXT, EXAMPLES[0])),
    line("data-2", "aaaa", *data(EXAMPLE_TEXT + PRIORITY_TEXT, *EXAMPLES)),
    line("data-3-space-between", "mmmm", *data(f"{EXAMPLE_TEXT} {PRIORITY_TEXT}", *EXAMPLES)),
    line("data-4-space-first", "rmrr", *data(f"[ {EXAMPLE_TEXT[1:]}{PRIORITY_TEXT}", *EXAMPLES)),
    line(
        "data-5",
        "aaaa",
        *data('[sigSig ver="1" rsID="1234"]', ("sigSig", (("ver", "1"), ("rsID", "1234")))),
    ),
    # Priority and version
    line("pri-0", "aaaa", f"{head(pri='<0>')} text", Expected(pri=0)),
    line("pri-191", "aaaa", f"{head(pri='<191>')} text", Expected(pri=191)),
    line("pri-192", "rmam", f"{head(pri='<192>')} text", Expected(pri=192)),
    line("pri-1000", "rmar", f"{head(pri='<1000>')} text", Expected(pri=1000)),
    line("pri-leading-zero", "raaa", f"{head(pri='<014>')} text"),
    line("pri-empty", "rmmr", f"{head(pri='<>')} text"),
    line("pri-negative", "rmrr", f"{head(pri='<-1>')} text"),
    line("pri-missing", "rmmr", f"{head(pri='')} text"),
    line("version-0", "rmmr", f"{head(version='0')} text"),
    line("version-2", "rmma", f"{head(version='2')} text"),
    line("version-01", "rmar", f"{head(version='01')} text"),
    line("version-missing", "rmmr", f"{head(version='')} text"),
    # Time
    line("time-nil", "aaaa", f"{head(time='-')} text", Expected(time=None)),
    line(
        "time-half-hour-east",
        "aaaa",
        *timed("2026-11-23T08:45:00+05:30", "2026-11-23T08:45:00+05:30"),
    ),
    line(
        "time-half-hour-west",
        "aaaa",
        *timed("2026-11-22T23:45:00-03:30", "2026-11-22T23:45:00-03:30"),
    ),
    line("time-minus-zero", "aaaa", *timed("2026-11-23T03:15:00-00:00")),
    line(
        "time-offset-without-colon",
        "rmrr",
        *timed("2026-11-23T11:15:00+0800", "2026-11-23T11:15:00+08:00"),
    ),
    line("time-offset-2400", "rmrr", *timed("2026-11-23T03:15:00+2400")),
    line("time-offset-24-00", "rmmm", *timed("2026-11-23T03:15:00+24:00")),
    line("time-offset-with-seconds", "rmrr", *timed("2026-11-23T03:15:00+08:05:43")),
    line("time-without-offset", "rmar", *timed("2026-11-23T03:15:00")),
    line(
        "time-7-digits",
        "rmar",
        *timed("2026-11-23T03:15:00.1234567Z", "2026-11-23T03:15:00.123456+00:00"),
    ),
    line("time-point-without-digits", "raar", *timed("2026-11-23T03:15:00.Z")),
    line(
        "time-comma", "rmar", *timed("2026-11-23T03:15:00,5Z", "2026-11-23T03:15:00.500000+00:00")
    ),
    line("time-lower-case", "rmrr", *timed("2026-11-23t03:15:00z")),
    line("time-space-for-t", "rmar", *timed("2026-11-23 03:15:00Z")),
    line("time-without-seconds", "rmrr", *timed("2026-11-23T03:15Z")),
    line("time-month-13", "rmmm", *timed("2026-13-23T03:15:00Z")),
    line("time-30-february", "rmmm", *timed("2026-02-30T03:15:00Z")),
    line("time-hour-24", "rmmm", *timed("2026-11-23T24:15:00Z")),
    line("time-leap-second", "rmmm", *timed("2016-12-31T23:59:60Z", "2017-01-01T00:00:00+00:00")),
    line("time-year-2100", "amaa", *timed("2100-11-23T03:15:00Z", "2100-11-23T03:15:00+00:00")),
    line("time-of-rfc3164", "rmrr", *timed("Nov 23 03:15:00")),
    # The other fields of the header
    line(
        "all-nil",
        "aaaa",
        "<14>1 - - - - - - text",
        Expected(14, None, None, None, None, None, (), "text"),
    ),
    header("hostname-255", "aaaa", hostname="h" * 255),
    header("hostname-256", "rarr", hostname="h" * 256),
    header("app-name-48", "aaaa", app_name="a" * 48),
    header("app-name-49", "ramr", app_name="a" * 49),
    header("procid-128", "aaaa", procid="p" * 128),
    header("procid-129", "ramr", procid="p" * 129),
    header("msgid-32", "aaaa", msgid="m" * 32),
    header("msgid-33", "ramr", msgid="m" * 33),
    line("hostname-empty", "rmar", f"{head(hostname='')} text", Expected(hostname=None)),
    header("hostname-chinese", "raar", hostname="主机"),
    header("hostname-ipv6", "aaaa", hostname="2001:db8::1"),
    header("hostname-with-colon", "aara", hostname="web:1"),
    header("hostname-with-bracket", "aara", hostname="[::1]"),
    header("app-name-with-bracket", "aaaa", app_name="a[1]:"),
    header("app-name-with-control", "rmar", app_name="a\x01"),
    line("tab-for-space", "rmrr", f"{head()} text".replace(" h ", "\th\t")),
    line("two-spaces", "rmrr", f"{head(hostname=' h')} text"),
    line("msgid-missing", "rarr", "<14>1 2026-11-23T03:15:00Z h a p - text", Expected(msgid=None)),
    # STRUCTURED-DATA
    line("data-missing", "rarr", "<14>1 2026-11-23T03:15:00Z h a p m text"),
    line(
        "data-missing-key-value",
        "rarr",
        "<14>1 2026-11-23T03:15:00Z h a p m ||k=v",
        Expected(msg="||k=v"),
    ),
    line("data-without-parameters", "aaaa", *data("[x@1]", ("x@1", ()))),
    line("data-empty-value", "aaaa", *data('[x@1 a=""]', ("x@1", (("a", ""),)))),
    line("data-escapes", "aaam", *data(r'[x@1 a="\"\\\]"]', ("x@1", (("a", '"\\]'),)))),
    line("data-chinese-value", "aaaa", *data('[x@1 a="张三"]', ("x@1", (("a", "张三"),)))),
    line(
        "data-same-name-twice",
        "aamm",
        *data('[x@1 a="1" a="2"]', ("x@1", (("a", "1"), ("a", "2")))),
    ),
    line(
        "data-same-id-twice",
        "ramm",
        *data('[x@1 a="1"][x@1 b="2"]', ("x@1", (("a", "1"),)), ("x@1", (("b", "2"),))),
    ),
    line("data-name-32", "aaaa", *data(f'[x@1 {"n" * 32}="1"]', ("x@1", (("n" * 32, "1"),)))),
    line("data-name-33", "raar", *data(f'[x@1 {"n" * 33}="1"]', ("x@1", (("n" * 33, "1"),)))),
    line("data-id-33", "raar", *data(f'[{"x" * 31}@1 a="1"]', ("x" * 31 + "@1", (("a", "1"),)))),
    line("data-name-chinese", "rara", *data('[x@1 路径="1"]', ("x@1", (("路径", "1"),)))),
    line("data-name-with-quote", "rarr", *data('[x@1 a"b="1"]', ("x@1", (('a"b', "1"),)))),
    line("data-name-empty", "rarr", *data('[x@1 ="1"]', ("x@1", (("", "1"),)))),
    line("data-id-empty", "rarr", *data('[ a="1"]', ("", (("a", "1"),)))),
    line("data-unescaped-bracket", "rara", *data('[x@1 a="]"]', ("x@1", (("a", "]"),)))),
    line("data-unescaped-quote", "rmrr", *data('[x@1 a="b"c"]', ("x@1", (("a", 'b"c'),)))),
    line("data-unescaped-backslash", "raaa", *data(r'[x@1 a="b\c"]', ("x@1", (("a", r"b\c"),)))),
    line("data-backslash-last", "rmra", *data('[x@1 a="b\\"]', ("x@1", (("a", "b\\"),)))),
    line("data-without-quotes", "rmrr", *data("[x@1 a=1]", ("x@1", (("a", "1"),)))),
    line("data-two-spaces", "rmrr", *data('[x@1  a="1"]', ("x@1", (("a", "1"),)))),
    line("data-not-closed", "rmrr", *data('[x@1 a="1"', ("x@1", (("a", "1"),)))),
    line("data-empty", "rarr", *data("[]", ("", ()))),
    line(
        "data-no-space-behind", "rmrr", f"{head(sd='[x@1]')}text", Expected(elements=(("x@1", ()),))
    ),
    line("nil-no-space-behind", "rarr", f"{head()}text"),
    # MSG
    line("msg-missing", "aaaa", head(), Expected(msg="")),
    line("msg-empty", "aaaa", f"{head()} ", Expected(msg="")),
    line("msg-spaces", "aaaa", f"{head()}   text  ", Expected(msg="  text  ")),
    line("msg-chinese", "aaaa", f"{head()} 你好，世界 😀", Expected(msg="你好，世界 😀")),
    line("msg-bom", "amam", f"{head()} \ufefftext"),
    line("msg-bracket-first", "aaaa", f"{head()} [x] text", Expected(msg="[x] text")),
    line("msg-tab", "amaa", f"{head()} a\tb", Expected(msg="a\tb")),
    line("msg-control", "amaa", f"{head()} a\x01b", Expected(msg="a\x01b")),
    line("msg-nul", "amma", f"{head()} a\x00b", Expected(msg="a\x00b")),
    line("msg-carriage-return", "amaa", f"{head()} a\rb", Expected(msg="a\rb")),
    line("msg-next-line", "aaaa", f"{head()} a\x85b\u2028c", Expected(msg="a\x85b\u2028c")),
    line("msg-latin-1", "ramr", f"{head()} ".encode() + b"caf\xe9", Expected(msg="caf\udce9")),
    line(
        "msg-cut-character",
        "ramr",
        f"{head()} ".encode() + "中".encode()[:2],
        Expected(msg="\udce4\udcb8"),
    ),
    # No message
    Row("nothing", b"", (), "aaaa"),
    line("only-pri", "rmar", "<14>", Expected(14, None, None, None, None, None, (), "")),
    line("plain-text", "rmmr", "text", Expected(13, None, None, None, None, None, (), "text")),
    line(
        "digits-first",
        "rrmr",
        "66 seconds",
        Expected(13, None, None, None, None, None, (), "66 seconds"),
    ),
)

ONE, TWO = f"{head()} 1".encode(), f"{head()} 2".encode()
CHINESE = f"{head()} 世界".encode()
BOTH = (Expected(msg="1"), Expected(msg="2"))


def counted(*frames: bytes) -> bytes:
    return b"".join(b"%d %b" % (len(frame), frame) for frame in frames)


STREAMS = {
    "newline": (
        Row("two", ONE + b"\n" + TWO + b"\n", BOTH, "aaa-"),
        Row("crlf", ONE + b"\r\n" + TWO + b"\r\n", BOTH, "mma-"),
        Row("empty-line-between", ONE + b"\n\n" + TWO + b"\n", BOTH, "raa-"),
        Row(
            "line-feed-inside",
            ONE + b"\n3\n" + TWO + b"\n",
            (Expected(msg="1\n3"), BOTH[1]),
            "mmm-",
        ),
        Row("last-line-not-ended", ONE + b"\n" + TWO, BOTH, "raa-"),
        Row("ended-by-nul", ONE + b"\0" + TWO + b"\0", BOTH, "rma-"),
        Row("octet-counting", counted(ONE, TWO), BOTH, "ram-"),
        Row("octet-counting-and-line-feed", counted(ONE + b"\n", TWO + b"\n"), BOTH, "ram-"),
    ),
    "octet-counting": (
        Row("two", counted(ONE, TWO), BOTH, "aaa-"),
        Row(
            "line-feed-inside", counted(ONE + b"\n3", TWO), (Expected(msg="1\n3"), BOTH[1]), "ama-"
        ),
        Row("line-feed-counted", counted(ONE + b"\n", TWO + b"\n"), BOTH, "maa-"),
        Row("line-feed-between", counted(ONE) + b"\n" + counted(TWO), BOTH, "rar-"),
        Row("one-too-few", b"%d %b" % (len(ONE) - 1, ONE) + counted(TWO), BOTH, "mmm-"),
        Row("one-too-many", b"%d %b" % (len(ONE) + 1, ONE) + counted(TWO), BOTH, "mmm-"),
        Row(
            "characters-counted",
            b"%d %b" % (len(CHINESE.decode()), CHINESE) + counted(TWO),
            (Expected(msg="世界"), BOTH[1]),
            "rmm-",
        ),
        Row("leading-zero", b"0" + counted(ONE, TWO), BOTH, "raa-"),
        Row("no-space", b"%d%b" % (len(ONE), ONE) + counted(TWO), BOTH, "rmr-"),
        Row("two-spaces", b"%d  %b" % (len(ONE), ONE) + counted(TWO), BOTH, "rmm-"),
        Row("negative", b"-%d %b" % (len(ONE), ONE) + counted(TWO), BOTH, "rmr-"),
        Row("empty-frame", b"0 " + counted(ONE, TWO), BOTH, "rma-"),
        Row("last-frame-cut", counted(ONE, TWO)[:-1], BOTH, "rrr-"),
        Row("newline", ONE + b"\n" + TWO + b"\n", BOTH, "rar-"),
    ),
}


def verdict(read: Sequence[Expected], meant: Sequence[Expected]) -> str:
    """One letter: see `Row`."""
    comparable = [
        parsed._replace(time=None) if nth < len(meant) and meant[nth].time is None else parsed
        for nth, parsed in enumerate(read)
    ]
    if comparable == list(meant):
        return "a"
    return "m" if any(parsed not in meant for parsed in comparable) else "r"


def elements(text: str) -> Elements:
    """The STRUCTURED-DATA that a server reports, which it has read already."""
    found = re.findall(r'\[([^ \]]*)((?: [^=]*="(?:\\.|[^"\\])*")*)\]', text)
    return tuple((sd_id, parameters(params)) for sd_id, params in found)


def parameters(text: str) -> tuple[tuple[str, str], ...]:
    found = re.findall(r' ([^=]*)="((?:\\.|[^"\\])*)"', text)
    return tuple((name, re.sub(r'\\(["\\\]])', r"\1", value)) for name, value in found)


def moment(text: str) -> str:
    """A time in one spelling; as it is where it is none."""
    parts = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", text)
    if parts is None:
        return text
    fraction = (parts[2] or ".").ljust(7, "0")
    offset = "+00:00" if parts[3] == "Z" else parts[3]
    with contextlib.suppress(ValueError):
        return datetime.fromisoformat(f"{parts[1]}{fraction}{offset}").isoformat()
    return text


def unless(nil: str, text: str) -> str | None:
    """The text, None for a reader's word for NILVALUE."""
    return None if text == nil else text


# The readers


def by_kit(frame: bytes) -> Expected:
    read = parse_rfc5424(frame)
    found = (read.structured_data or {}).items()
    return Expected(
        read.facility * 8 + read.severity,
        read.datetime.isoformat() if read.datetime else None,
        read.hostname,
        read.app_name,
        read.procid,
        read.msgid,
        tuple((sd_id, tuple(params)) for sd_id, params in found),
        read.msg,
    )


def read_by_kit(stream: bytes, framing: str) -> list[Expected]:
    """All before the first fault."""
    deframer = make_deframer(framing)
    frames: list[bytes] = []
    with contextlib.suppress(FramingError):
        try:
            frames = deframer.feed(stream)
        except FramingError as error:
            frames = error.frames
        deframer.finish()
    parsed = []
    with contextlib.suppress(GrammarError):
        for frame in frames:
            parsed.append(by_kit(frame))
    return parsed


def read_elsewhere(frame: bytes) -> list[Expected]:
    reader = pytest.importorskip("syslog_rfc5424_parser")
    try:
        read = reader.SyslogMessage.parse(frame.decode())
    except (reader.ParseError, ValueError):  # ValueError: no UTF-8
        return []
    return [
        Expected(
            int(read.facility) * 8 + int(read.severity),
            moment(read.timestamp),
            unless("-", read.hostname),
            unless("-", read.appname),
            None if read.procid is None else str(read.procid),
            read.msgid,
            tuple((sd_id, tuple(params.items())) for sd_id, params in read.sd.items()),
            read.msg or "",
        )
    ]


END_OF_ROW = f"{head()} end of row".encode()


def read_by_server(server: SyslogServer, streams: Sequence[bytes]) -> list[list[Expected]]:
    """What a running server reads of each stream, each sent over a connection of its own."""
    for stream in streams:
        send(server, stream)
        send(server, END_OF_ROW + b"\n" if server.framing == "newline" else counted(END_OF_ROW))
    rows: list[list[Expected]] = [[]]
    for record in wait_for_ends(server, len(streams)):
        if record.msg == "end of row":
            rows.append([])
        elif not record.msg.startswith("Error processing log message: "):  # syslog-ng refuses
            rows[-1].append(read_record(server, record))
    return rows[:-1]


def send(server: SyslogServer, stream: bytes) -> None:
    """Send the bytes, and wait until the server has closed the connection."""
    assert server.port is not None
    with (
        contextlib.suppress(ConnectionResetError, BrokenPipeError),
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection,
    ):
        connection.sendall(stream)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


def wait_for_ends(server: SyslogServer, count: int) -> list[ParsedByServer]:
    def all_ended() -> bool:
        return sum(record.msg == "end of row" for record in server.received()) >= count

    assert holds_within(20, all_ended), server.printed()
    return server.received()


def read_record(server: SyslogServer, record: ParsedByServer) -> Expected:
    return Expected(
        record.pri,
        moment(record.timestamp),
        unless(server.nil or "127.0.0.1", record.hostname),  # syslog-ng puts in the sender's
        unless(server.nil, record.app_name),
        unless(server.nil, record.procid),
        unless(server.nil, record.msgid),
        elements(record.structured_data),
        record.msg,
    )


def read_by(reader: str, rows: Sequence[Row], framing: str, tmp_path: Path) -> list[list[Expected]]:
    """What one reader makes of each row; nothing of a row that is not for it."""
    streams = [row.stream for row in rows]
    if reader == "kit":
        return [read_by_kit(stream, framing) for stream in streams]
    if reader == "elsewhere":  # it reads messages, whatever separates them
        return [read_elsewhere(stream.removesuffix(b"\n")) for stream in streams]
    make = Rsyslog if reader == "rsyslog" else SyslogNg
    with make(tmp_path, framing=framing) as server:
        return read_by_server(server, streams)


def assert_as_recorded(reader: str, rows: Sequence[Row], framing: str, tmp_path: Path) -> None:
    """Each row's verdict is the one in its table."""
    column = READERS.index(reader)
    rows = [row for row in rows if row.verdicts[column] != "-"]
    read = dict(zip(rows, read_by(reader, rows, framing, tmp_path), strict=True)) if rows else {}
    found = {
        row.id: (VERDICTS[verdict(parsed, row.expected)], parsed) for row, parsed in read.items()
    }
    recorded = {row.id: VERDICTS[row.verdicts[column]] for row in rows}
    other = {name: parsed for name, parsed in found.items() if parsed[0] != recorded[name]}
    assert not other


@pytest.mark.parametrize("reader", READERS)
def test_messages_in_a_line_each_are_judged_as_recorded(reader: str, tmp_path: Path) -> None:
    lines = [row._replace(stream=row.stream + b"\n") for row in LINES]
    assert_as_recorded(reader, lines, "newline", tmp_path)


@pytest.mark.parametrize("framing", STREAMS)
@pytest.mark.parametrize("reader", READERS[:-1])
def test_streams_are_judged_as_recorded(reader: str, framing: str, tmp_path: Path) -> None:
    assert_as_recorded(reader, STREAMS[framing], framing, tmp_path)


# Ours

NOON = datetime(2026, 11, 3, 12, 0, 0, 123456, timezone(timedelta(hours=5, minutes=30)))
NOTHING = Expected(14, None, None, None, None, None, (), "")
ODD_TEXT = '\x85\u2028\x00\r\n[x] "q" \\ \x7f'
ODD_TEXT_WRITTEN = r'\u0085\u2028\u0000\r\n[x] "q" \ \u007f'

OURS = (
    ("nothing", "aaaa", SyslogMessage(), NOTHING),
    (
        "everything",
        "aaaa",
        SyslogMessage(
            message="你好，世界 😀 ||k=v",
            facility="local7",
            severity="debug",
            timestamp=NOON,
            hostname="2001:db8::1",
            app_name="a[1]:",
            procid="p",
            msgid="m",
            structured_data={"x@1": [("a", "1"), ("b", "张三")], "y@1": {}},
        ),
        Expected(
            191,
            "2026-11-03T12:00:00.123456+05:30",
            "2001:db8::1",
            "a[1]:",
            "p",
            "m",
            (("x@1", (("a", "1"), ("b", "张三"))), ("y@1", ())),
            "你好，世界 😀 ||k=v",
        ),
    ),
    (
        "longest-fields",
        "aaaa",
        SyslogMessage(
            message="x" * 8000,
            hostname="h" * 255,
            app_name="a" * 48,
            procid="p" * 128,
            msgid="m" * 32,
            structured_data={"i" * 32: {"n" * 32: "v" * 4000}},
        ),
        Expected(
            14,
            None,
            "h" * 255,
            "a" * 48,
            "p" * 128,
            "m" * 32,
            (("i" * 32, (("n" * 32, "v" * 4000),)),),
            "x" * 8000,
        ),
    ),
    ("line-ends", "aaaa", SyslogMessage(message=ODD_TEXT), NOTHING._replace(msg=ODD_TEXT_WRITTEN)),
    (
        "forged",
        "aaaa",
        SyslogMessage(message=f"\n{END_OF_ROW.decode()}"),
        NOTHING._replace(msg=f"\\n{END_OF_ROW.decode()}"),
    ),
    (
        "octet-count",
        "aaaa",
        SyslogMessage(message="66 <134>1 - - - - - -"),
        NOTHING._replace(msg="66 <134>1 - - - - - -"),
    ),
    ("spaces", "aaaa", SyslogMessage(message="  x  "), NOTHING._replace(msg="  x  ")),
    # rsyslog writes #011 for it.
    ("tab", "amaa", SyslogMessage(message="a\tb"), NOTHING._replace(msg="a\tb")),
    # The parser from elsewhere leaves the backslashes of a PARAM-VALUE in.
    (
        "escaped-data",
        "aaam",
        SyslogMessage(structured_data={"x@1": {"a": ODD_TEXT}}),
        NOTHING._replace(elements=(("x@1", (("a", ODD_TEXT_WRITTEN),)),)),
    ),
)
"""Messages as the library takes them, and what every reader should make of them."""


@pytest.fixture(scope="module")
def written() -> list[Row]:
    """Our messages as the library writes them."""
    with SyslogReceiver(framing="octet-counting") as receiver:
        with SyslogClient.from_settings(receiver.settings()) as client:
            client.send_many(message for _, _, message, _ in OURS)
        frames = receiver.wait_for(len(OURS))
    return [
        Row(name, frame, (expected,), verdicts)
        for (name, verdicts, _, expected), frame in zip(OURS, frames, strict=True)
    ]


@pytest.mark.parametrize("framing", STREAMS)
@pytest.mark.parametrize("reader", READERS)
def test_what_we_write_is_accepted_by_every_reader(
    reader: str, framing: str, written: list[Row], tmp_path: Path
) -> None:
    if reader == "elsewhere":
        rows = written
    elif framing == "newline":
        rows = [row._replace(stream=row.stream + b"\n") for row in written]
    else:
        rows = [row._replace(stream=counted(row.stream)) for row in written]
    assert_as_recorded(reader, rows, framing, tmp_path)
