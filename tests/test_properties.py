"""Properties that hold for every log, every message and every choice of settings.

The judge is ``Case.expects``: docs/reference/wire.md done slowly and obviously, character by
character, with the C library's time zones. It must share no code with the library.
"""

from __future__ import annotations

import datetime as dt
import json
import platform
import re
import socket
import time
import zoneinfo
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aliyun.log.ext.syslogclient import SyslogClientRFC5424
from aliyun.log.proto import LogGroupList, LogGroupListRaw
from hypothesis import assume, example, find, given, settings
from hypothesis import strategies as st

from sls_syslog import CefPayload, JsonPayload, KeyValuePayload, Labelled, LeefPayload
from sls_syslog.encoding.encoder import EncodedLogs, LogEncoder
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.encoding.wire import WireFormat
from sls_syslog.errors import InvalidMessageError
from sls_syslog.payloads.by_name import Payload
from sls_syslog.settings.client import ClientSettings
from sls_syslog.settings.keywords import NewlinePolicy
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.syslog.message import SyslogMessage
from sls_syslog.testing.deframer import make_deframer
from sls_syslog.testing.grammar import GrammarError, ParsedMessage, parse_rfc3164, parse_rfc5424
from sls_syslog.testing.loggroup import LogEntry, encode_log_group, frame_log_group
from tests.support.flattening import flatten, read_logs
from tests.support.local_zone import local_zone
from tests.support.native import pure_python
from tests.support.strategies import CHARACTERS

PARSERS = {"rfc5424": parse_rfc5424, "rfc3164": parse_rfc3164}
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
PRINTABLE = "".join(chr(code) for code in range(33, 127))
SLS_NAMES = ["__time__", "__time_ns_part__", "__topic__", "__source__", "__event_id__"]
EPOCH = dt.datetime(1970, 1, 1)


# What there can be: logs as SLS stores them ...

Pairs = list[tuple[Any, Any]]

NASTY = '\n\r\0\t\x1b\x7f\x85\u2028\u2029\ufeff ~|={}[]"\\:<>1aé日\U0001f600'
texts = st.text(CHARACTERS, max_size=20) | st.text(NASTY, max_size=20)
long_texts = st.builds(lambda text, times: text * times, texts, st.integers(1, 40))
runs = st.builds(
    lambda text, times: text * times, st.sampled_from("\\\n\x85日a"), st.integers(1, 300)
)
values = texts | long_texts | runs | st.binary(max_size=12)
SPECIAL_KEYS = [
    *SLS_NAMES,
    *("__tag__:", "__tag__:t", "__content__:__topic__", "k", b"k", b"__topic__", b"__tag__:\xff"),
]
keys = st.sampled_from(SPECIAL_KEYS) | texts | st.binary(max_size=8)
pairs = st.lists(st.tuples(keys, values), max_size=4)
uint32 = st.integers(0, 2**32 - 1)
# Until 1972 there was an offset that is not of whole minutes.
seconds = uint32 | st.integers(0, 70_000_000)
entries = st.builds(LogEntry, pairs, seconds, st.none() | st.integers(0, 999_999_999) | uint32)


class Group(NamedTuple):
    """One LogGroup as it was written."""

    logs: list[LogEntry]
    topic: str | bytes
    source: str | bytes
    tags: Pairs

    def served(self, kind: Any = LogGroupList) -> list[Mapping[str, str]]:
        """Its logs after protobuf, SDK and ``flatten``."""
        log_groups = kind()
        log_groups.ParseFromString(b"".join(frame_log_group(encode_log_group(**self._asdict()))))
        return list(flatten(log_groups))


groups = st.builds(Group, st.lists(entries, min_size=1, max_size=3), values, values, pairs)


# ... time zones, and the offset that the C library knows for each ...


class Zone(NamedTuple):
    """A value of the setting ``timezone`` and where its offset comes from."""

    setting: str
    fixed: int | None = None
    file: str | None = None

    def offset(self, second: int) -> int:
        """Seconds east of Greenwich at that time."""
        if self.fixed is not None:
            return self.fixed
        with local_zone(self.file and f":{self.file}"):
            return time.localtime(second).tm_gmtoff


def zone_file(name: str) -> str | None:
    found = (Path(folder, name) for folder in zoneinfo.TZPATH)
    return next((str(path) for path in found if path.is_file()), None)


def fixed_zone(minutes: int) -> Zone:
    sign, size = ("-", -minutes) if minutes < 0 else ("+", minutes)
    return Zone(f"{sign}{size // 60:02d}:{size % 60:02d}", fixed=minutes * 60)


# Not on a machine that has the tz database only as a Python package.
NAMED_ZONES = [
    Zone(name, file=file)
    for name in sorted(zoneinfo.available_timezones() - {"Factory", "localtime"})
    if (file := zone_file(name))
]
fixed_zones = st.integers(-1439, 1439).map(fixed_zone) | st.just(Zone("utc", fixed=0))
zones = st.sampled_from([Zone("local"), *NAMED_ZONES]) | fixed_zones


# ... names made from a log's fields ...


class Name(NamedTuple):
    """A value of the settings ``hostname`` and ``tag``: (is it a field?, text) side by side."""

    parts: tuple[tuple[bool, str], ...]

    @property
    def setting(self) -> str:
        return "".join(f"{{{text}}}" if is_field else text for is_field, text in self.parts)

    def rendered(self, log: Mapping[str, str], fallback: str) -> str:
        if any(is_field and not log.get(text) for is_field, text in self.parts):
            return fallback
        return "".join(log[text] if is_field else text for is_field, text in self.parts)


fields = st.sampled_from([*SLS_NAMES, "__tag__:t", "k", "missing"]).map(lambda name: (True, name))
braceless = texts.map(lambda text: (False, text.replace("{", "").replace("}", "")))
templates = st.tuples(fields, braceless) | st.tuples(braceless, fields, braceless, fields)
plain = st.text(PRINTABLE.replace("{", "").replace("}", ""), min_size=1, max_size=48)
fixed_names = plain.map(lambda text: Name(((False, text),)))
names = templates.map(Name) | fixed_names


# ... and settings, with what they should make of a log.


class Expected(NamedTuple):
    """What a receiver is to understand."""

    facility: int
    severity: int
    timestamp: str
    hostname: str | None
    app_name: str | None
    msg: str


class Case(NamedTuple):
    """One choice of settings."""

    syslog_format: str
    framing: str | None
    newlines: str
    zone: Zone
    hostname: Name | None
    tag: Name
    sep: str
    payload: str
    limit: int | None
    facility: int
    severity: int
    bom: bool = False

    def settings(self) -> ShipperSettings:
        return ShipperSettings.from_mapping(
            {
                "host": "siem",
                "protocol": "tcp" if self.framing else "udp",
                "syslog_format": self.syslog_format,
                "framing": self.framing,
                "newlines": self.newlines,
                "timezone": self.zone.setting,
                "hostname": self.hostname.setting if self.hostname else None,
                "tag": self.tag.setting,
                "sep": self.sep,
                "payload": self.payload,
                "max_message_bytes": self.limit,
                "bom": self.bom,
                "facility": self.facility,
                "severity": self.severity,
            }
        )

    def frames(
        self, logs: Iterable[Mapping[str, str]], hooks: type[MessageHooks] = MessageHooks
    ) -> list[bytes]:
        """What the library makes of logs."""
        chosen = self.settings()
        encoder = LogEncoder(chosen, hooks(chosen))
        return [frame for log in logs for frame in encoder.encode_log(log).frames]

    def expects(self, group: Group, entry: LogEntry) -> Expected:
        """What the documents say of a log."""
        log = log_of(group, entry)
        timestamp, hostname, app_name = self._time(entry), self._hostname(log), self._tag(log)
        start = f"<{self.facility * 8 + self.severity}>"
        header = {
            "rfc5424": f"{start}1 {timestamp} {hostname} {app_name} - - - ",
            "rfc3164": f"{start}{timestamp} {hostname} {app_name}: ",
        }[self.syslog_format]
        room = None if self.limit is None else self.limit - len(header)
        nil = "-" if self.syslog_format == "rfc5424" else ""
        return Expected(
            self.facility,
            self.severity,
            timestamp,
            None if hostname == nil else hostname,
            None if app_name == nil else app_name,
            "".join(fitting(self._pieces(log), room)),
        )

    def is_ambiguous(self, entry: LogEntry, group: Group) -> bool:
        """Whether a backslash of the log's own may look like the beginning of an escape."""
        return self.payload != "json" and "\\" in self._msg(log_of(group, entry))

    def _time(self, entry: LogEntry) -> str:
        assert entry.time is not None
        offset = self.zone.offset(entry.time)
        if self.syslog_format == "rfc3164":
            when = time.gmtime(entry.time + offset)
            return f"{MONTHS[when.tm_mon - 1]} {when.tm_mday:2d} {time.strftime('%H:%M:%S', when)}"
        offset = 0 if offset % 60 else offset  # RFC 3339 has no seconds there
        clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(entry.time + offset))
        micros = microseconds_of(entry)
        return f"{clock}{f'.{micros:06d}' if micros else ''}{fixed_zone(offset // 60).setting}"

    def _hostname(self, log: Mapping[str, str]) -> str:
        this_machine = platform.node()
        name = self.hostname.rendered(log, this_machine) if self.hostname else this_machine
        legal = squeezed(name, PRINTABLE, "_", 255)
        outside_ipv6 = set(legal.rpartition(":")[0]) - set("0123456789abcdefABCDEF:.")
        if outside_ipv6 or "[" in legal or "]" in legal:
            legal = "".join("_" if c in "[]:" else c for c in legal)
        if self.syslog_format == "rfc5424":
            return legal
        return squeezed(legal, LETTERS + "_.-", "-", 255).strip("-_.") or "unknown"

    def _tag(self, log: Mapping[str, str]) -> str:
        legal = squeezed(self.tag.rendered(log, "-"), PRINTABLE, "_", 48)
        if self.syslog_format == "rfc5424":
            return legal
        return "sls" if legal == "-" else squeezed(legal, LETTERS + "_./-", "_", 32)

    def _pieces(self, log: Mapping[str, str]) -> list[str]:
        """MSG in what must not be cut: characters, and escapes where there are some."""
        whole = _JSON_PIECE if self.payload == "json" else _CHARACTER
        mark = ["\ufeff"] if self.bom else []
        return mark + [carried(piece, self.newlines) for piece in whole.findall(self._msg(log))]

    def _msg(self, log: Mapping[str, str]) -> str:
        if self.payload == "json":
            return json.dumps(log, ensure_ascii=False, separators=(",", ":"))
        return "".join(f"{self.sep}{key}={log[key]}" for key in log if key != "__time__")


_CHARACTER = re.compile(r".", re.DOTALL)
_JSON_PIECE = re.compile(r"\\u[0-9a-f]{4}|\\.|.", re.DOTALL)


def fitting(pieces: list[str], room: int | None) -> Iterator[str]:
    """As many of the first pieces as there is room for in bytes."""
    used = 0
    for piece in pieces:
        used += len(piece.encode())
        if room is not None and used > room:
            return
        yield piece


def log_of(group: Group, entry: LogEntry) -> dict[str, str]:
    """A log's names and values in the documented order; of a name's values the last."""
    log = {
        "__time__": str(entry.time),
        "__topic__": decoded(group.topic),
        "__source__": decoded(group.source),
    }
    if entry.time_ns:
        log["__time_ns_part__"] = str(entry.time_ns)
    for key, value in group.tags:
        log["__tag__:" + decoded(key)] = decoded(value)
    for key, value in entry.contents:
        name = decoded(key)
        forged = name in SLS_NAMES or name.startswith(("__tag__:", "__content__:"))
        log["__content__:" + name if forged else name] = decoded(value)
    return log


def decoded(text: str | bytes) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text


def microseconds_of(entry: LogEntry) -> int:
    nanoseconds = entry.time_ns or 0
    return nanoseconds // 1000 if nanoseconds < 1_000_000_000 else 0


def squeezed(text: str, alphabet: str, substitute: str, limit: int) -> str:
    kept = ""
    for character in text[:limit]:
        kept += character if character in alphabet else substitute
    return kept or "-"


def is_control(character: str) -> bool:
    code = ord(character)
    return (code < 32 and code != 9) or 127 <= code <= 159 or code in {0x2028, 0x2029}


def carried(text: str, newlines: str) -> str:
    """``text`` as the setting ``newlines`` lets it travel."""
    out = ""
    for character in text:
        if newlines == "keep" or not is_control(character):
            out += character
        elif newlines == "space":
            out += " "
        else:
            out += {"\n": "\\n", "\r": "\\r"}.get(character, f"\\u{ord(character):04x}")
    return out


def cases(
    framings: Iterable[str | None] = ("newline", "octet-counting", None),
    newlines: Iterable[str] = ("escape", "space", "keep"),
    limits: st.SearchStrategy[int | None] = st.none() | st.integers(480, 1200),  # noqa: B008
    **fixed: st.SearchStrategy[Any],
) -> st.SearchStrategy[Case]:
    """Settings that do not contradict each other."""
    carriers = st.sampled_from(
        [
            (framing, policy)
            for framing in framings
            for policy in newlines
            if policy != "keep" or framing == "octet-counting"
        ]
    )
    parts = {
        "syslog_format": st.sampled_from(sorted(PARSERS)),
        "zone": zones,
        "hostname": st.none() | names,
        "tag": names,
        "sep": st.just("||") | texts.filter(bool),
        "payload": st.sampled_from(["key-value", "json"]),
        "limit": limits,
        "facility": st.integers(0, 23),
        "severity": st.integers(0, 7),
        "bom": st.booleans(),
        **fixed,
    }

    def case(carrier: tuple[str | None, str], bom: bool, sep: str, **rest: Any) -> Case:
        bom = bom and rest["syslog_format"] == "rfc5424"
        sep = sep if rest["payload"] == "key-value" else "||"
        return Case(framing=carrier[0], newlines=carrier[1], bom=bom, sep=sep, **rest)

    return st.builds(
        case,
        carriers,
        **parts,
    )


def messages(stream: bytes, framing: str | None, sizes: Iterable[int] = ()) -> list[bytes]:
    """The frames of a stream that arrives in pieces of these sizes and a rest."""
    if framing is None:
        return [stream]
    deframer, frames = make_deframer(framing), []
    for size in sizes:
        frames += deframer.feed(stream[:size])
        stream = stream[size:]
    frames += deframer.feed(stream)
    deframer.finish()
    return frames


def understood(message: ParsedMessage) -> Expected:
    assert (message.procid, message.msgid, message.structured_data) == (None, None, None)
    assert message.timestamp is not None
    return Expected(
        message.facility,
        message.severity,
        message.timestamp,
        message.hostname,
        message.app_name,
        whole_msg(message),
    )


def whole_msg(message: ParsedMessage) -> str:
    # A text may begin with the character that RFC 5424 reads as its mark.
    return ("\ufeff" if message.bom else "") + message.msg


def read(case: Case, frame: bytes) -> ParsedMessage:
    (message,) = messages(frame, case.framing)
    return PARSERS[case.syslog_format](message)


def mostly(usual: st.SearchStrategy[Any], rare: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw nine of ten values from ``usual``."""
    return st.integers(0, 9).flatmap(lambda number: rare if number == 9 else usual)


def plain_groups() -> st.SearchStrategy[Group]:
    """Groups that mostly need nothing done to them."""
    telling = ["10.0.0.1", "::1", "host.example", "8080", "-1", "-", " x ", "x\u3000", "a=b^c\\d"]
    telling += ['"quoted"', "tab\t", "a|", "||", "", "x" * 60]
    words = st.text("abc日-_. é", max_size=12) | st.sampled_from(telling)
    names = st.sampled_from(["a", "b", "user", "日", "c d"])
    fields = st.lists(st.tuples(names, words), max_size=4, unique_by=lambda pair: pair[0])
    made = st.builds(LogEntry, fields, seconds, st.none() | st.integers(0, 999_999_999))
    return st.builds(Group, st.lists(made, min_size=1, max_size=4), words, words, fields)


_OWN: dict[str, Any] = {
    "event_class_id": "a",
    "name": "user",
    "severity": "b",
    "extension": {
        "src": "a",
        "cn1": "b",
        "cs1": Labelled("Who", "user"),
        "suser": "日",
        "act": "c d",
        "dpt": "missing",
        "custom": "__topic__",
    },
}
OTHER_PAYLOADS: list[Payload] = [
    KeyValuePayload(quote=True),
    KeyValuePayload(sep="a|a", quote=True),
    JsonPayload(expand=("user",)),
    CefPayload(),
    LeefPayload(),
    LeefPayload(leef_version="1.0"),
    CefPayload(**_OWN),
    LeefPayload(**_OWN, delimiter="~"),
    CefPayload(
        event_class_id="__topic__", extension={"rt": "a", "dst": "__source__", "fname": "b"}
    ),
    CefPayload(mapping="waf"),
    LeefPayload(dialect="sc4s"),
    LeefPayload(**_OWN, dialect="sc4s"),
    KeyValuePayload(time=True),
    JsonPayload(names="flat"),
    JsonPayload(names="nested"),
]


@pytest.mark.parametrize("is_pure", [False, True], ids=["native", "pure"])
@given(
    # A name made from fields needs the slow path for every log.
    case=cases(hostname=mostly(st.none() | fixed_names, names), tag=mostly(fixed_names, names)),
    several=st.lists(groups | plain_groups(), min_size=1, max_size=3),
    kind=st.sampled_from([LogGroupList, LogGroupListRaw]),
    named=st.booleans(),
    other=st.none() | st.sampled_from(OTHER_PAYLOADS),
)
def test_the_fast_path_writes_what_the_slow_path_writes(
    is_pure: bool,
    case: Case,
    several: list[Group],
    kind: Any,
    named: bool,
    other: Payload | None,
) -> None:
    log_groups = kind()
    encoded = [encode_log_group(**group._asdict()) for group in several]
    log_groups.ParseFromString(b"".join(part for raw in encoded for part in frame_log_group(raw)))
    event_id = "event {}/{}".format if named else None
    settings = case.settings()
    if other is not None:
        settings = replace(settings, payload=other, sep="||")
    with pure_python(is_pure):
        slow, either = (
            LogEncoder(settings, MessageHooks(settings), logs_before_writer=0) for _ in range(2)
        )
    expected = EncodedLogs()
    for number, (log, reading) in enumerate(read_logs(log_groups, event_id)):
        alone = slow.encode_log(log)
        expected.frames += alone.frames
        kinds = [*reading, *(kind for _, kind in alone.outcomes)]
        expected.outcomes += [(number, kind) for kind in kinds]
    slow._fast_path = None
    assert slow.encode(log_groups, event_id) == expected
    got = either.encode(log_groups, event_id)
    assert b"".join(got.frames) == b"".join(expected.frames)
    if case.framing != "newline":
        assert got.frames == expected.frames
    if other is not None:  # the fast path does not look at fields that are not sent
        for made in (got, expected):
            made.outcomes = [each for each in made.outcomes if each[1] != "repaired_utf8"]
    assert got.outcomes == expected.outcomes


@given(
    case=cases(limits=st.none()),
    group=groups,
    kind=st.sampled_from([LogGroupList, LogGroupListRaw]),
)
def test_a_receiver_understands_of_every_log_what_the_documents_say(
    case: Case, group: Group, kind: Any
) -> None:
    frames = case.frames(group.served(kind))
    expected = [case.expects(group, entry) for entry in group.logs]
    assert [understood(read(case, frame)) for frame in frames] == expected


@given(
    case=cases(framings=["newline", "octet-counting"]),
    group=groups,
    sizes=st.lists(st.integers(0, 40), max_size=30),
)
def test_as_many_messages_arrive_as_there_are_logs_however_the_stream_is_cut(
    case: Case, group: Group, sizes: list[int]
) -> None:
    stream = b"".join(frames := case.frames(group.served()))
    alone = [message for frame in frames for message in messages(frame, case.framing)]
    assert len(alone) == len(group.logs)
    assert messages(stream, case.framing, sizes) == alone
    assert messages(stream, case.framing, [1] * len(stream)) == alone


@given(case=cases(framings=["newline"]), group=groups)
def test_under_newline_framing_nothing_leaves_that_could_end_a_message(
    case: Case, group: Group
) -> None:
    for frame in case.frames(group.served()):
        text = frame.decode()
        assert text[-1] == "\n"
        assert [character for character in text[:-1] if is_control(character)] == []
        assert not {*range(9), *range(10, 32), 127} & set(frame[:-1])


@given(case=cases(payload=st.just("json"), limits=st.none(), bom=st.just(False)), group=groups)
def test_a_json_payload_reads_back_as_the_log(case: Case, group: Group) -> None:
    def sent(text: str) -> str:
        # JSON has escapes of its own for all below U+0020; what it leaves bare becomes a space.
        bare = case.newlines == "space"
        return "".join(" " if bare and c >= " " and is_control(c) else c for c in text)

    for frame, entry in zip(case.frames(group.served()), group.logs, strict=True):
        log = json.loads(whole_msg(read(case, frame)), object_pairs_hook=list)
        assert log == [(sent(key), sent(value)) for key, value in log_of(group, entry).items()]


class OwnText(MessageHooks):
    """A user's own text, of which nobody knows the parts."""

    def format_message(self, log: Mapping[str, str]) -> str | None:
        return super().format_message(log)


@given(case=cases(limits=st.integers(480, 700)), group=groups)
def test_a_text_of_ones_own_is_the_longest_beginning_without_half_a_character_or_escape(
    case: Case, group: Group
) -> None:
    assert case.limit is not None
    for frame, entry in zip(case.frames(group.served(), OwnText), group.logs, strict=True):
        message, got = read(case, frame).raw, understood(read(case, frame))
        assert len(message) <= case.limit
        if not case.is_ambiguous(entry, group):
            assert got == case.expects(group, entry)
            continue
        whole = case._replace(limit=None).expects(group, entry)
        assert got == whole._replace(msg=got.msg)
        assert whole.msg.startswith(got.msg)
        # An escape has six bytes, a character four.
        assert got.msg == whole.msg or len(message) >= case.limit - 8


@given(case=cases(limits=st.integers(480, 700), bom=st.just(False)), group=groups)
def test_a_log_that_is_too_long_has_only_true_values(case: Case, group: Group) -> None:
    whole_case = case._replace(limit=None)
    for frame, entry in zip(case.frames(group.served()), group.logs, strict=True):
        message, got = read(case, frame).raw, understood(read(case, frame))
        assert len(message) <= (case.limit or 0)
        whole = whole_case.expects(group, entry)
        assert got == whole._replace(msg=got.msg)
        if case.payload == "json":
            pairs = json.loads(whole.msg, strict=False)
            for name, value in json.loads(got.msg, strict=False).items():
                assert value == pairs[name] or is_cut_from(pairs[name], value)


def is_cut_from(whole: str, value: str) -> bool:
    return len(whole) > 255 and value.endswith("...") and whole.startswith(value[:-3])


PART = re.compile(r"__part__=(\d+)/(\d+) __part_id__=([0-9a-f]{12}) (.*)", re.DOTALL)


@given(case=cases(limits=st.integers(480, 700), bom=st.just(False)), group=groups)
def test_a_message_that_is_split_is_all_there_in_its_parts(case: Case, group: Group) -> None:
    chosen = replace(case.settings(), oversize="split")
    encoder = LogEncoder(chosen, MessageHooks(chosen))
    assert case.limit is not None
    for log, entry in zip(group.served(), group.logs, strict=True):
        read_back = [read(case, frame) for frame in encoder.encode_log(log).frames]
        assert all(len(message.raw) <= case.limit for message in read_back)
        whole = case._replace(limit=None).expects(group, entry)
        got = [understood(message) for message in read_back]
        if len(got) == 1:
            assert got == [whole]
            continue
        parts = [match.groups() for part in got if (match := PART.fullmatch(part.msg))]
        numbers = [(str(number), str(len(got))) for number in range(1, len(got) + 1)]
        assert [part[:2] for part in parts] == numbers
        assert len({part[2] for part in parts}) == 1
        assert {part._replace(msg="") for part in got} == {whole._replace(msg="")}
        assert "".join(part[3] for part in parts) == whole.msg


def instant_of(moment: dt.datetime) -> dt.timedelta:
    """Time since 1970; ``==`` of two moments would call all unequal that a zone has twice."""
    offset = moment.utcoffset()
    assert offset is not None
    return moment.replace(tzinfo=None) - EPOCH - offset


@given(case=cases(zone=zones, syslog_format=st.just("rfc5424")), entry=entries)
@example(
    case=Case("rfc5424", "newline", "escape", Zone("UTC", 0), None, Name(((False, "-"),)), "||",
              "json", None, 1, 6),
    entry=LogEntry([], 2**32 - 1, 999_999_999),
)  # fmt: skip
def test_a_time_stamp_is_the_log_s_time_to_the_microsecond(case: Case, entry: LogEntry) -> None:
    (frame,) = case.frames(Group([entry], "", "", []).served())
    moment = read(case, frame).datetime
    assert moment is not None
    assert entry.time is not None
    expected = dt.timedelta(seconds=entry.time, microseconds=microseconds_of(entry))
    assert instant_of(moment) == expected


@pytest.mark.skipif(not NAMED_ZONES, reason="this machine has no tz database of its own")
@given(
    zone=st.sampled_from(NAMED_ZONES or [Zone("local")]),
    second=seconds,
    syslog_format=st.sampled_from(sorted(PARSERS)),
    by_name=st.booleans(),
)
def test_the_zone_by_its_name_and_as_this_machine_s_own_is_the_c_library_s(
    zone: Zone, second: int, syslog_format: str, by_name: bool
) -> None:
    tag = Name(((False, "-"),))
    case = Case(syslog_format, "newline", "escape", zone, None, tag, "||", "json", None, 1, 6)
    group = Group([LogEntry([], second)], "", "", [])
    with local_zone(None if by_name else f":{zone.file}"):
        set_zone = zone if by_name else Zone("local")
        (frame,) = case._replace(zone=set_zone).frames(group.served())
    assert read(case, frame).timestamp == case.expects(group, group.logs[0]).timestamp


# Messages made by hand. Each strategy below draws a value, legal or not.

any_texts = texts | st.text(st.characters(exclude_categories=()), max_size=8)  # surrogates too
not_texts = st.none() | st.integers(-1, 200) | st.binary(max_size=3) | st.booleans()
codes = st.integers(-1, 24) | st.booleans() | st.none() | st.floats()
header_fields = (
    st.none() | st.text(PRINTABLE, max_size=300) | st.text(PRINTABLE, max_size=33) | any_texts
    | st.integers()
)  # fmt: skip
odd_zones = st.builds(
    lambda seconds: dt.timezone(dt.timedelta(seconds=seconds)), st.integers(-86399, 86399)
)
moments = st.none() | st.datetimes(timezones=st.timezones() | odd_zones | st.none())
sd_names = st.text(PRINTABLE, max_size=34) | st.sampled_from(["a", "b@32473", "é", "", "a=b"])
params = st.lists(st.tuples(sd_names, any_texts), max_size=3)
elements = st.dictionaries(sd_names, params | st.dictionaries(sd_names, any_texts), max_size=3)
legal_names = st.text([c for c in PRINTABLE if c not in '=]"'], min_size=1, max_size=32)
legal_elements = st.dictionaries(
    legal_names, st.lists(st.tuples(legal_names, texts), max_size=3), max_size=3
)
LIMITS = {"hostname": 255, "app_name": 48, "procid": 128, "msgid": 32}
by_hand = st.fixed_dictionaries(
    {},
    optional={
        "message": any_texts | any_texts | not_texts,
        "facility": codes,
        "severity": codes,
        "timestamp": moments,
        **dict.fromkeys(LIMITS, header_fields),
        "structured_data": legal_elements | elements,
    },
)


def is_utf8(value: Any) -> bool:
    return isinstance(value, str) and not any(0xD800 <= ord(char) <= 0xDFFF for char in value)


def is_code(value: Any, most: int) -> bool:
    return type(value) is int and 0 <= value <= most


def is_header_field(value: Any, limit: int) -> bool:
    is_text = isinstance(value, str) and 1 <= len(value) <= limit
    return value is None or (is_text and all(character in PRINTABLE for character in value))


def is_sd_name(name: str) -> bool:
    return is_header_field(name, 32) and not set(name) & set('="]')


def pairs_of(given_params: Any) -> list[tuple[str, str]]:
    return list(given_params.items() if isinstance(given_params, dict) else given_params)


def is_structured_data(value: dict[str, Any]) -> bool:
    return all(
        is_sd_name(sd_id)
        and all(is_sd_name(name) and is_utf8(text) for name, text in pairs_of(given_params))
        for sd_id, given_params in value.items()
    )


def is_moment(value: dt.datetime | None) -> bool:
    return value is None or value.utcoffset() is not None


RULES: dict[str, Callable[[Any], bool]] = {
    "message": is_utf8,
    "facility": lambda value: is_code(value, 23),
    "severity": lambda value: is_code(value, 7),
    "timestamp": is_moment,
    "hostname": lambda value: is_header_field(value, 255),
    "app_name": lambda value: is_header_field(value, 48),
    "procid": lambda value: is_header_field(value, 128),
    "msgid": lambda value: is_header_field(value, 32),
    "structured_data": is_structured_data,
}


def nil(text: str | None) -> str | None:
    """NILVALUE is written as a field that holds nothing but a hyphen."""
    return None if text == "-" else text


@given(fields=by_hand)
def test_a_message_made_by_hand_is_made_exactly_when_every_field_keeps_its_rule(
    fields: dict[str, Any],
) -> None:
    broken = {name for name, value in fields.items() if not RULES[name](value)}
    if not broken:
        SyslogMessage(**fields)
        return
    with pytest.raises(InvalidMessageError) as refused:
        SyslogMessage(**fields)
    assert refused.value.field.partition("[")[0] in broken


@given(
    fields=by_hand.map(
        lambda fields: {name: value for name, value in fields.items() if RULES[name](value)}
    ),
    newlines=st.sampled_from(["escape", "space", "keep"]),
)
def test_a_message_made_by_hand_is_read_back_as_it_was_made(
    fields: dict[str, Any], newlines: NewlinePolicy
) -> None:
    wire = WireFormat(ClientSettings(host="siem", framing="octet-counting", newlines=newlines))
    message = SyslogMessage(**fields)
    try:
        (framed,) = wire.encode_message(message)
    except InvalidMessageError as error:
        assert error.field == "timestamp"  # noqa: PT017  # the one thing seen only now
        assert message.timestamp is not None
        assert message.timestamp.year in {1, 9999}
        assume(False)
    (frame,) = messages(framed, "octet-counting")
    got = parse_rfc5424(frame)
    assert got.facility == fields.get("facility", 1)
    assert got.severity == fields.get("severity", 6)
    for name in LIMITS:
        assert getattr(got, name) == nil(fields.get(name))
    assert (got.datetime and instant_of(got.datetime)) == (
        message.timestamp and instant_of(message.timestamp)
    )
    assert (got.structured_data or {}) == {
        sd_id: [(name, carried(text, newlines)) for name, text in pairs_of(given_params)]
        for sd_id, given_params in fields.get("structured_data", {}).items()
    }
    assert whole_msg(got) == carried(fields.get("message", ""), newlines)


@given(
    moment=st.datetimes(timezones=st.timezones() | odd_zones),
    minutes=st.integers(-1439, 1439),
    text=texts,
)
def test_a_message_made_by_hand_has_the_set_zone_s_time_in_rfc_3164(
    moment: dt.datetime, minutes: int, text: str
) -> None:
    zone: Any = fixed_zone(minutes).setting
    wire = WireFormat(ClientSettings(host="siem", syslog_format="rfc3164", timezone=zone))
    message = SyslogMessage(timestamp=moment, message=text, app_name="a")
    try:
        local = EPOCH + instant_of(moment) + dt.timedelta(minutes=minutes)
    except OverflowError:
        with pytest.raises(InvalidMessageError, match="timestamp"):
            wire.encode_message(message)
        return
    try:
        (frame,) = wire.encode_message(message)
    except InvalidMessageError:
        assert local.year in {1, 9999}  # on the way through UTC it left the calendar
        return
    got = parse_rfc3164(*messages(frame, "newline"))
    assert got.timestamp == f"{MONTHS[local.month - 1]} {local.day:2d} {local:%H:%M:%S}"
    assert (got.hostname, got.app_name, got.msg) == ("unknown", "a", carried(text, "escape"))


# That these properties can fail: two writers that are not this library.


def documented_client(text: str) -> bytes:
    """What the SDK's own sample client puts on a socket."""
    make: Any = SyslogClientRFC5424
    client = make("siem", 514, "tcp", clientname="relay")
    client.socket, peer = socket.socketpair()
    with peer, peer.makefile("rb") as stream:
        client.log(text)
        client.close()
        return stream.read()


def plain_writer(text: str) -> bytes:
    """A right header, and then the text as it is."""
    return f"<14>1 2026-11-23T03:15:00Z relay - - - - {text}\n".encode()


def is_one_message(stream: bytes, text: str) -> bool:
    try:
        (frame,) = messages(stream, "newline")
        return whole_msg(parse_rfc5424(frame)) == carried(text, "escape")
    except (GrammarError, ValueError):
        return False


@pytest.mark.parametrize(
    ("write", "least"),
    [(documented_client, "a plain text"), (plain_writer, "two\nlines")],
    ids=["documented-client", "plain-writer"],
)
def test_naive_writers_fail(write: Callable[[str], bytes], least: str) -> None:
    quick = settings(max_examples=1000, deadline=None, database=None)
    found = find(texts, lambda text: not is_one_message(write(text), text), settings=quick)
    assert not is_one_message(write(found), found)
    assert not is_one_message(write(least), least)
