"""Emulator -> the SDK's ConsumerWorker over HTTP -> processor -> real rsyslog and syslog-ng.

What the server parsed is compared, field by field, with what went into SLS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from sls_syslog.testing import LogEntry, SlsEmulator, TemporaryCA
from tests.support.servers import ParsedByServer, Rsyslog, ServerTls, SyslogNg, SyslogServer
from tests.support.shipping import GROUP, shipping

SHANGHAI = timezone(timedelta(hours=8))
NOON = int(datetime(2026, 11, 3, 12, 0, tzinfo=SHANGHAI).timestamp())
TAGS = {"__hostname__": "web-1.example.com", "zone": "cn-hangzhou-b"}
TOPIC = "waf_access_log"
SOURCE = "192.0.2.7"


@dataclass(frozen=True)
class Way:
    """One way into one server."""

    server: type[SyslogServer]
    protocol: str
    framing: str
    syslog_format: str
    tls_driver: str | None = None

    def __str__(self) -> str:
        parts = (self.server.name, self.protocol, self.framing, self.syslog_format, self.tls_driver)
        return "-".join(part for part in parts if part)


def ways() -> Iterator[Way]:
    for server in (Rsyslog, SyslogNg):
        for syslog_format in ("rfc5424", "rfc3164"):
            yield Way(server, "udp", "newline", syslog_format)
            for framing in ("newline", "octet-counting"):
                yield Way(server, "tcp", framing, syslog_format)
                if server is SyslogNg:
                    yield Way(server, "tls", framing, syslog_format)
                else:
                    yield Way(server, "tls", framing, syslog_format, "ossl")
                    yield Way(server, "tls", framing, syslog_format, "gtls")


def is_for_the_gate(way: Way) -> bool:
    """Of each way, a plain run takes one format with one framing."""
    return (way.framing == "newline") != (way.syslog_format == "rfc5424")


@pytest.fixture(
    params=[
        pytest.param(way, marks=[pytest.mark.gate] if is_for_the_gate(way) else [])
        for way in ways()
    ],
    ids=str,
)
def way(request: pytest.FixtureRequest) -> Way:
    parameter: Way = request.param
    return parameter


@pytest.fixture
def server(way: Way, tmp_path: Path, authority: TemporaryCA) -> Iterator[SyslogServer]:
    options: dict[str, Any] = {"tls_driver": way.tls_driver} if way.tls_driver else {}
    with way.server(
        tmp_path,
        protocol=way.protocol,
        framing=way.framing,
        syslog_format=way.syslog_format,
        tls=ServerTls.of(authority) if way.protocol == "tls" else None,
        timezone="CST-8",
        **options,
    ) as running:
        yield running


def logs() -> list[LogEntry]:
    fields = [
        {"n": "0", "plain": "ascii text", "路径": "/首页", "空": "", "quote": 'say "hi" \\ ]'},
        {"n": "1", "user": "张三", "equals": "a=b=c", "spaces": "  two  ", "emoji": "😀"},
        {"n": "2", "empty": "", "percent": "100%", "json": '{"a": [1, "二"]}'},
    ]
    nanoseconds = [None, 123_456_789, 5_000]
    return [
        LogEntry(content, time=NOON + index, time_ns=ns)
        for index, (content, ns) in enumerate(zip(fields, nanoseconds, strict=True))
    ]


def expected_fields(entry: LogEntry) -> list[tuple[str, str]]:
    """Every key and value, in the documented order."""
    nanoseconds = [("__time_ns_part__", str(entry.time_ns))] if entry.time_ns else []
    tags = [(f"__tag__:{key}", value) for key, value in TAGS.items()]
    contents = [(str(key), str(value)) for key, value in dict(entry.contents).items()]
    head = [("__topic__", TOPIC), ("__source__", SOURCE)]
    return [*head, *nanoseconds, *tags, *contents]


def expected_time(way: Way, entry: LogEntry) -> datetime:
    assert entry.time is not None
    moment = datetime.fromtimestamp(entry.time, SHANGHAI)
    if way.syslog_format == "rfc3164":
        return moment
    return moment.replace(microsecond=(entry.time_ns or 0) // 1000)


def fields_of(record: ParsedByServer) -> list[tuple[str, str]]:
    head, *pairs = record.msg.lstrip(" ").split("||")
    assert head == ""
    return [(key, value) for key, _, value in (pair.partition("=") for pair in pairs)]


def test_every_field_arrives_as_it_went_in(
    way: Way, server: SyslogServer, authority: TemporaryCA
) -> None:
    settings = {
        **server.settings(),
        "facility": "local3",
        "severity": "notice",
        "timezone": "+08:00",
        "hostname": "{__tag__:__hostname__}",
        "tag": "sls-waf",
    }
    if way.protocol == "tls":
        settings["cert_path"] = authority.cert_path
    entries = logs()
    with SlsEmulator() as emulator:
        emulator.put_logs(entries, topic=TOPIC, source=SOURCE, tags=TAGS)
        with shipping(emulator, settings):
            records = server.wait_for(len(entries))
            emulator.wait_until_drained(GROUP)

    assert len(records) == len(entries)
    for entry, record in zip(entries, records, strict=True):
        assert fields_of(record) == expected_fields(entry)
        assert (record.facility, record.severity) == (19, 5)
        assert record.hostname == "web-1.example.com"
        assert record.app_name == "sls-waf"
        # The servers add the year that RFC 3164 leaves out: that of their own clock.
        read = datetime.fromisoformat(record.timestamp)
        assert read.replace(year=2026) == expected_time(way, entry)
        assert record.structured_data == server.nil
