"""Logs as bad as they come, and what a receiver should read for each: data for the tests.

What was meant is worked out slowly, character by character, from docs/reference/wire.md and the
RFCs. This module must never import anything of the library that writes messages, nor be clever.
"""

from __future__ import annotations

import platform
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import TypeAlias
from zoneinfo import ZoneInfo

from sls_syslog.testing import LogEntry, encode_log_group

__all__ = [
    "CORPUS",
    "SETTINGS",
    "ZONES",
    "Case",
    "Meant",
    "is_alphanumeric",
    "meant",
    "meant_rfc3164",
    "time_rfc3164",
]

Text: TypeAlias = str | bytes
Pair: TypeAlias = tuple[Text, Text]

NOON = int(datetime(2026, 11, 3, 4, 0, tzinfo=timezone.utc).timestamp())
HOST_TAG = "__hostname__"
SETTINGS: Mapping[str, str] = {
    "facility": "local3",
    "severity": "notice",
    "hostname": "{__tag__:__hostname__}",
    "tag": "{__topic__}",
}
"""What the corpus is shipped with: both templates lead to hostile fields."""

ZONES = ("America/St_Johns", "UTC", "Asia/Shanghai", "Asia/Kolkata", "America/New_York")


@dataclass(frozen=True)
class Case:
    """One log, alone in its LogGroup. Text may be bytes that are no UTF-8."""

    id: str
    contents: tuple[Pair, ...] = (("key", "value"),)
    topic: Text = "audit"
    source: Text = "192.0.2.7"
    tags: tuple[Pair, ...] = ((HOST_TAG, "web-1"),)
    time: int = NOON
    time_ns: int | None = None

    def group(self) -> bytes:
        """The LogGroup as SLS stores it."""
        entry = LogEntry(self.contents, self.time, self.time_ns)
        return encode_log_group([entry], topic=self.topic, source=self.source, tags=self.tags)


# What is meant


@dataclass(frozen=True)
class Meant:
    """What a receiver should read. None is NILVALUE.

    The time is ISO 8601 with its offset, without a fraction that is 0; or that of RFC 3164.
    """

    facility: int
    severity: int
    timestamp: str
    hostname: str | None
    app_name: str | None
    msg: str


def meant(case: Case, zone: ZoneInfo) -> Meant:
    """What an RFC 5424 receiver should read."""
    hostname, app_name = header_fields(case)
    return Meant(
        facility=19,
        severity=5,
        timestamp=moment(case, zone).isoformat(),
        hostname=None if hostname == "-" else hostname,
        app_name=None if app_name == "-" else app_name,
        msg=msg(case),
    )


def meant_rfc3164(case: Case, zone: ZoneInfo) -> Meant:
    """What an RFC 3164 receiver should read; this format has no NILVALUE."""
    hostname, app_name = header_fields(case)
    return Meant(
        facility=19,
        severity=5,
        timestamp=time_rfc3164(moment(case, zone)),
        hostname="".join(c if is_alphanumeric(c) or c in "_.-" else "-" for c in hostname).strip(
            "_.-"
        )
        or "unknown",
        app_name="sls"
        if app_name == "-"
        else "".join(c if is_alphanumeric(c) or c in "_./-" else "_" for c in app_name)[:32],
        msg=msg(case),
    )


def text(raw: Text) -> str:
    """U+FFFD stands for what is no UTF-8."""
    return raw if isinstance(raw, str) else raw.decode("utf-8", "replace")


def fields(case: Case) -> dict[str, str]:
    """All that SLS serves of the log, in the documented order."""
    served = {"__topic__": text(case.topic), "__source__": text(case.source)}
    if case.time_ns:  # SLS, and the SDK, take 0 for "has none"
        served["__time_ns_part__"] = str(case.time_ns)
    for key, value in case.tags:
        served["__tag__:" + text(key)] = text(value)
    for key, value in case.contents:
        served[own_name(text(key))] = text(value)
    return served


def own_name(key: str) -> str:
    """A log's author cannot name a field like one of SLS's own."""
    reserved = {"__time__", "__time_ns_part__", "__topic__", "__source__", "__event_id__"}
    if key in reserved or key.startswith(("__tag__:", "__content__:")):
        return "__content__:" + key
    return key


@cache
def msg(case: Case) -> str:
    """The documented MSG, with line ends and control characters escaped."""
    plain = "".join(f"||{key}={value}" for key, value in fields(case).items())
    return "".join(escaped(character) for character in plain)


def escaped(character: str) -> str:
    if character == "\n":
        return "\\n"
    if character == "\r":
        return "\\r"
    control = unicodedata.category(character) == "Cc" and character != "\t"
    if control or character in {"\u2028", "\u2029"}:
        return "\\u" + format(ord(character), "04x")
    return character


def header_fields(case: Case) -> tuple[str, str]:
    """HOSTNAME and APP-NAME: missing and empty fields leave this machine's name, and none."""
    served = fields(case)
    hostname = served.get("__tag__:" + HOST_TAG) or platform.node()
    app_name = served["__topic__"] or "-"
    return readable_everywhere(printable_ascii(hostname)[:255]) or "-", printable_ascii(app_name)[
        :48
    ]


def readable_everywhere(hostname: str) -> str:
    """Without brackets and colons, where they are not those of a bare IPv6 address."""
    before_last_colon = hostname.rpartition(":")[0]
    is_address = set(before_last_colon) <= set("0123456789abcdefABCDEF:.")
    if is_address and "[" not in hostname and "]" not in hostname:
        return hostname
    return hostname.translate(str.maketrans("[]:", "___"))


def printable_ascii(value: str) -> str:
    return "".join(character if 33 <= ord(character) <= 126 else "_" for character in value)


def is_alphanumeric(character: str) -> bool:
    return character.isascii() and character.isalnum()


def moment(case: Case, zone: ZoneInfo) -> datetime:
    """The log's time, to the microsecond; a fraction of a second or more is none."""
    nanoseconds = case.time_ns or 0
    microseconds = nanoseconds // 1000 if nanoseconds < 1_000_000_000 else 0
    since = timedelta(seconds=case.time, microseconds=microseconds)
    return (datetime(1970, 1, 1, tzinfo=timezone.utc) + since).astimezone(zone)


def time_rfc3164(when: datetime) -> str:
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return (
        f"{months[when.month - 1]} {when.day:>2} {when.hour:02}:{when.minute:02}:{when.second:02}"
    )


# The cases

FORGED = "<0>1 2026-01-01T00:00:00Z evil su 1 ID - root logged in"


def raw(value: Text) -> bytes:
    return value.encode() if isinstance(value, str) else value


def everywhere(name: str, hostile: Text) -> Iterator[Case]:
    """The same hostile text in every place that has room for text."""
    inside, alone = b"a" + raw(hostile) + b"b", raw(hostile)
    fine = ("fine", "1")
    yield Case(f"{name}-in-value", (fine, ("key", inside), ("last", alone)))
    yield Case(f"{name}-in-key", (fine, (inside, "value"), (alone, "value")))
    yield Case(f"{name}-in-tag-value", tags=((HOST_TAG, "web-1"), ("tag", inside), ("t", alone)))
    yield Case(f"{name}-in-tag-key", tags=((HOST_TAG, "web-1"), (inside, "v"), (alone, "v")))
    yield Case(f"{name}-in-hostname", tags=((HOST_TAG, inside),))
    yield Case(f"{name}-in-topic", topic=inside)
    yield Case(f"{name}-in-source", source=inside)


def controls() -> Iterator[Case]:
    """Each C0 and C1 control character and DEL, in all places of one log."""
    for code in (*range(0x20), 0x7F, *range(0x80, 0xA0)):
        hostile = f"a{chr(code)}b"
        yield Case(
            f"control-{code:02x}",
            ((hostile, hostile), ("alone", chr(code))),
            topic=hostile,
            source=hostile,
            tags=((HOST_TAG, hostile), (hostile, hostile)),
        )


ENDS_OF_LINES = {
    "lf": "\n",
    "cr": "\r",
    "crlf": "\r\n",
    "nul": "\0",
    "tab": "\t",
    "next-line": "\u0085",
    "line-separator": "\u2028",
    "paragraph-separator": "\u2029",
    "bom": "\ufeff",
    "forged-line": f"\n{FORGED}",
    "forged-frame": f"\n{len(FORGED)} {FORGED}",
}
NO_UTF8 = {
    "continuation": b"\x80",
    "cut-2-of-3": "中".encode()[:2],
    "cut-3-of-4": "😀".encode()[:3],
    "overlong-lf": b"\xc0\x8a",
    "overlong-nul": b"\xc0\x80",
    "overlong-slash-3": b"\xe0\x80\xaf",
    "overlong-slash-4": b"\xf0\x80\x80\xaf",
    "high-surrogate": b"\xed\xa0\x80",
    "low-surrogate": b"\xed\xbf\xbf",
    "surrogate-pair": b"\xed\xa0\xbd\xed\xb8\x80",
    "beyond-unicode": b"\xf4\x90\x80\x80",
    "fe-ff": b"\xfe\xff",
    "latin-1": "café".encode("latin-1"),
    "gbk": "中文日志".encode("gbk"),
    "utf-16": "log\n".encode("utf-16"),
    "random": bytes(range(0x80, 0x100)),
}
TEXTS = {
    "chinese": "访问日志，成功",
    "emoji": "😀🔥",
    "zwj-family": "👨‍👩‍👧‍👦",
    "flag": "🇨🇳",
    "right-to-left": "שלום عليكم",
    "bidi-override": "a\u202egnp.exe\u202c",
    "combining-stack": "e" + "\u0301\u0323\u0336" * 20,
    "decomposed-and-composed": "e\u0301 é",
    "full-width": "ＡＢＣ　＜１３４＞",
    "astral": "𠜎𝔘𐍈",
    "noncharacters": "\ufdd0\ufffe\uffff\U0010ffff",
    "private-use": "\ue000\U000f0000",
    "replacement": "\ufffd",
    "zero-width": "\u200b\u200c\u2060\u00ad",
    "spaces": "\u00a0\u2003\u3000",
    "language-tag": "\U000e0001\U000e007f",
}
VALUES = {
    "empty": "",
    "one-space": " ",
    "spaces-around": "  two words  ",
    "nilvalue": "-",
    "equals": "a=b==c",
    "separator": "a||forged=1||",
    "pipes": "|||",
    "backslash-last": "C:\\",
    "backslashes": "\\\\\\",
    "written-escape": r"\n \r \u0000 \\n",
    "quotes": "\"double\" 'single' `back`",
    "quote-last": 'say "',
    "brackets": "[a][b] ] [",
    "structured-data": '[evil@32473 user="root"]',
    "braces": "{__topic__} {} {{",
    "percent": "100% %s %d %n %(x)s %",
    "dollar": "$MSG ${HOST} $(echo) @cim:",
    "json": '{"a":[1,"二",null],"b":"\\n"}',
    "xml": "<a b='c'>&lt;]]></a>",
    "sql": "'; DROP TABLE logs; --",
    "octet-count": "66 <134>1 2026-11-23T03:15:00Z h a p m - text",
    "digits": "134",
    "message-rfc5424": FORGED,
    "message-rfc3164": "<0>Jan  1 00:00:00 evil su: root logged in",
    "cef": "CEF:0|a|b|1|2|c|5|k=v",
    "ansi": "\x1b[2J\x1b]0;title\x07",
    "rsyslog-escape": "#012 #011 #000",
    "separators-of-ascii": "\x1c\x1d\x1e\x1f",
    "dot": ".",
    "long": "x" * 60_000,
    "long-chinese": "中" * 20_000,
    "long-of-lines": "line\n" * 5_000,
}
KEYS = {
    "empty": "",
    "space": " ",
    "equals": "a=b",
    "separator": "a||b",
    "chinese": "路径",
    "emoji": "🔑",
    "dots": "event.userIdentity.accessKeyId",
    "brackets": "a[0]",
    "quote": 'a"b',
    "backslash": "a\\",
    "long": "k" * 1_000,
    "time": "__time__",
    "time-ns": "__time_ns_part__",
    "event-id": "__event_id__",
    "topic": "__topic__",
    "source": "__source__",
    "tag": f"__tag__:{HOST_TAG}",
    "tag-alone": "__tag__:",
    "almost-tag": "__tag__",
    "almost-topic": "__topic__ ",
    "full-width-topic": "＿＿topic＿＿",
    "content": "__content__:key",
    "reserved": "__pack_meta__",
}
HOSTNAMES = {
    "space": "web 1",
    "spaces-only": "   ",
    "300-characters": "h" * 300,
    "255-characters": "h" * 255,
    "256-bytes-chinese": "主机" * 64,
    "chinese": "主机",
    "empty": "",
    "nilvalue": "-",
    "two-nilvalues": "--",
    "ipv6": "2001:db8::1",
    "zone": "fe80::1%eth0",
    "forged": f"web-1 {FORGED}",
    "brackets": "[a]",
    "quote": 'a"b\\',
    "underscore-and-dot": "_a.b_",
    "colon-last": "web-1:",
    "digits": "66",
    "less-than": "<134>1",
    "slashes": "a/b\\c",
    "printable": "".join(map(chr, range(33, 127))),
}
TOPICS = {
    "space": "waf access",
    "spaces-only": "  ",
    "300-characters": "t" * 300,
    "48-characters": "t" * 48,
    "49-characters": "t" * 49,
    "33-characters": "t" * 33,
    "chinese": "审计日志",
    "48-and-chinese": "t" * 47 + "日志",
    "empty": "",
    "nilvalue": "-",
    "colon": "a:b",
    "colon-space": "su: root",
    "pid": "su[1]",
    "bracket": "[su",
    "forged": FORGED,
    "path": "/var/log/a.log",
    "printable": "".join(map(chr, range(33, 127))),
    "printable-backwards": "".join(map(chr, range(126, 32, -1))),
    "cef": "CEF:0|a|b|1",
    "digits": "12345",
}
# The seconds around every change of the clocks in 2026, and of one at 00:01 in St John's, 2010.
CLOCK_CHANGES = {
    "new-york-spring": datetime(2026, 3, 8, 7, 0, tzinfo=timezone.utc),
    "new-york-autumn": datetime(2026, 11, 1, 6, 0, tzinfo=timezone.utc),
    "st-johns-spring": datetime(2026, 3, 8, 5, 30, tzinfo=timezone.utc),
    "st-johns-autumn": datetime(2026, 11, 1, 4, 30, tzinfo=timezone.utc),
    "st-johns-2010": datetime(2010, 11, 7, 2, 31, tzinfo=timezone.utc),
    "shanghai-1986": datetime(1986, 5, 3, 18, 0, tzinfo=timezone.utc),
    "shanghai-1991": datetime(1991, 9, 14, 17, 0, tzinfo=timezone.utc),
}
TIMES = {
    "epoch": 0,
    "epoch-and-1": 1,
    "2038-last": 2**31 - 1,
    "2038-first": 2**31,
    "2106-last": 2**32 - 1,
    "1-billion": 10**9,
    "leap-day": int(datetime(2028, 2, 29, 23, 59, 59, tzinfo=timezone.utc).timestamp()),
    "no-leap-year-2100": int(datetime(2100, 3, 1, tzinfo=timezone.utc).timestamp()),
    "new-year": int(datetime(2027, 1, 1, tzinfo=timezone.utc).timestamp()),
    "one-digit-day": int(datetime(2026, 11, 9, 12, 0, tzinfo=timezone.utc).timestamp()),
    "leap-second-2016": int(datetime(2017, 1, 1, tzinfo=timezone.utc).timestamp()) - 1,
}
NANOSECONDS = (0, 1, 999, 1000, 1001, 100_000_000, 123_456_789, 999_999_000, 999_999_999)
NO_NANOSECONDS = (10**9, 2**31, 2**32 - 1)


def times() -> Iterator[Case]:
    for name, change in CLOCK_CHANGES.items():
        second = int(change.timestamp())
        yield Case(f"time-before-{name}", time=second - 1, time_ns=999_999_999)
        yield Case(f"time-at-{name}", time=second)
        yield Case(f"time-hour-after-{name}", time=second + 3600)
    for name, second in TIMES.items():
        yield Case(f"time-{name}", time=second)
    for nanoseconds in (*NANOSECONDS, *NO_NANOSECONDS):
        yield Case(f"time-ns-{nanoseconds}", time_ns=nanoseconds)
    yield Case("time-last-of-all", time=2**32 - 1, time_ns=999_999_999)
    yield Case("time-ns-of-epoch", time=0, time_ns=1_000)


def shapes() -> Iterator[Case]:
    yield Case("no-fields", ())
    yield Case("nothing-at-all", (), topic="", source="", tags=())
    yield Case("no-tags", tags=())
    yield Case("fields-2000", tuple((f"key-{n}", f"值 {n}\n") for n in range(2_000)))
    yield Case("tags-200", tags=tuple((f"tag-{n}", "\0") for n in range(200)))
    yield Case("duplicate-keys", (("a", "1"), ("b", "2"), ("a", "3")))
    yield Case("duplicate-keys-by-repair", ((b"\xff", "1"), (b"\xfe", "2"), ("\ufffd", "3")))
    yield Case("duplicate-tags", tags=((HOST_TAG, "first"), ("a", "1"), (HOST_TAG, "last")))
    yield Case("spoofed-twice", (("__topic__", "evil"), ("__topic__", "worse")))
    yield Case("spoofed-everything", tuple((key, "evil") for key in KEYS.values()))
    yield Case("spoofed-missing-hostname", ((f"__tag__:{HOST_TAG}", "evil"),), tags=())
    yield Case("tag-named-like-a-field", tags=(("__topic__", "evil"), ("key", "tag")))
    yield Case("tag-with-empty-key", tags=(("", "value"), (HOST_TAG, "web-1")))
    yield Case("space-last", (("key", "ends "),))
    yield Case("tab-last", (("key", "ends\t"),))
    yield Case("line-ends-last", (("key", "ends\r\n\r\n"),))
    yield Case("only-line-ends", (("\n", "\n"), ("\r\n", "\r\n")))


def all_cases() -> Iterator[Case]:
    yield from controls()
    for name, separator in ENDS_OF_LINES.items():
        yield from everywhere(name, separator)
    for name, no_text in NO_UTF8.items():
        yield from everywhere(name, no_text)
    for name, value in TEXTS.items():
        yield Case(
            f"text-{name}", ((value, value), ("last", value)), value, value, ((HOST_TAG, value),)
        )
    for name, value in VALUES.items():
        yield Case(f"value-{name}", (("key", value),))
        if len(value) < 1_000:
            yield Case(f"tag-value-{name}", tags=((HOST_TAG, "web-1"), ("tag", value)))
    for name, key in KEYS.items():
        yield Case(f"key-{name}", (("before", "1"), (key, "evil"), ("after", "2")))
        yield Case(f"tag-key-{name}", tags=((HOST_TAG, "web-1"), (key, "evil")))
    for name, hostname in HOSTNAMES.items():
        yield Case(f"hostname-{name}", tags=((HOST_TAG, hostname),))
    for name, topic in TOPICS.items():
        yield Case(f"topic-{name}", topic=topic)
    yield from times()
    yield from shapes()


CORPUS = tuple(all_cases())
"""Every case, each with an id of its own."""
