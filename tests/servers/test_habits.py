"""What the real rsyslog and syslog-ng make of lines written by hand and sent by plain sockets.

The expected values are also the record of each server's habits, which the other tests rely on.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sls_syslog.testing import TemporaryCA
from tests.support.servers import (
    INVALID,
    ParsedByServer,
    Rsyslog,
    ServerStartError,
    ServerTls,
    SyslogNg,
    SyslogServer,
    require_server,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SERVERS = [pytest.param(Rsyslog, id="rsyslog"), pytest.param(SyslogNg, id="syslog-ng")]
TLS_SERVERS = [
    pytest.param(functools.partial(Rsyslog, tls_driver="ossl"), id="rsyslog-ossl"),
    pytest.param(functools.partial(Rsyslog, tls_driver="gtls"), id="rsyslog-gtls"),
    pytest.param(SyslogNg, id="syslog-ng"),
]
WAYS_OF_RFC5424 = [
    pytest.param("tcp", "newline", id="tcp-newline"),
    pytest.param("tcp", "octet-counting", id="tcp-octet-counting"),
    pytest.param("udp", "newline", id="udp"),
]
FRAMINGS = ["newline", "octet-counting"]

RFC5424_LINES = [
    "<134>1 2026-11-23T03:15:00.123456+08:00 host-1 app 42 ID47 "
    r'[a@32473 k="say \"hi\" [1\] c:\\d" name="张三"][b@32473 z="1" a=""] 你好，世界 "q" \ ||x=1 ',
    "<0>1 2026-11-23T03:15:00.1-03:30 - - - - -",
    "<191>1 2026-11-23T03:15:00Z host.example.com sls 7 - [only@32473]  two spaces, 😀",
]
RFC3164_LINES = [
    "<134>Nov  3 03:15:00 host-1 app[42]: 你好，世界 ||x=1",
    "<14>Nov 23 03:15:00 192.0.2.7 app: CEF:0|a|b|1|2|c|5|k=v",
    "<14>Nov 23 03:15:00 host-1 CEF:0|a|b|1|2|c|5|k=v",
]

RFC5424_AT_RSYSLOG = [
    ParsedByServer(
        pri=134,
        facility=16,
        severity=6,
        timestamp="2026-11-23T03:15:00.123456+08:00",
        hostname="host-1",
        app_name="app",
        procid="42",
        msgid="ID47",
        structured_data=r'[a@32473 k="say \"hi\" [1\] c:\\d" name="张三"][b@32473 z="1" a=""]',
        msg='你好，世界 "q" \\ ||x=1 ',
    ),
    ParsedByServer(
        pri=0,
        facility=0,
        severity=0,
        timestamp="2026-11-23T03:15:00.1-03:30",
        hostname="-",
        app_name="-",
        procid="-",
        msgid="-",
        structured_data="-",
        msg="",
    ),
    ParsedByServer(
        pri=191,
        facility=23,
        severity=7,
        timestamp="2026-11-23T03:15:00Z",
        hostname="host.example.com",
        app_name="sls",
        procid="7",
        msgid="-",
        structured_data="[only@32473]",
        msg=" two spaces, 😀",
    ),
]
# Always six digits, never a Z, the sender's address for a missing host, and nothing for nothing.
RFC5424_AT_SYSLOG_NG = [
    RFC5424_AT_RSYSLOG[0],
    replace(
        RFC5424_AT_RSYSLOG[1],
        timestamp="2026-11-23T03:15:00.100000-03:30",
        hostname="127.0.0.1",
        app_name="",
        procid="",
        msgid="",
        structured_data="",
    ),
    replace(RFC5424_AT_RSYSLOG[2], timestamp="2026-11-23T03:15:00.000000+00:00", msgid=""),
]
RFC3164_AT_SYSLOG_NG = [
    ParsedByServer(
        pri=134,
        facility=16,
        severity=6,
        timestamp="11-03T03:15:00.000000+00:00",
        hostname="host-1",
        app_name="app",
        procid="42",
        msgid="",
        structured_data="",
        msg="你好，世界 ||x=1",
    ),
    ParsedByServer(
        pri=14,
        facility=1,
        severity=6,
        timestamp="11-23T03:15:00.000000+00:00",
        hostname="192.0.2.7",
        app_name="app",
        procid="",
        msgid="",
        structured_data="",
        msg="CEF:0|a|b|1|2|c|5|k=v",
    ),
    ParsedByServer(
        pri=14,
        facility=1,
        severity=6,
        timestamp="11-23T03:15:00.000000+00:00",
        hostname="host-1",
        app_name="CEF",
        procid="",
        msgid="",
        structured_data="",
        msg="0|a|b|1|2|c|5|k=v",
    ),
]
# The space behind the colon of the tag belongs to the message, as in RFC 3164, section 4.1.3.
RFC3164_AT_RSYSLOG = [
    replace(
        record,
        timestamp=record.timestamp.replace(".000000", ""),
        procid=record.procid or "-",
        msgid="-",
        structured_data="-",
        msg=record.msg if record.app_name == "CEF" else f" {record.msg}",
    )
    for record in RFC3164_AT_SYSLOG_NG
]
RFC5424_AT = {"rsyslog": RFC5424_AT_RSYSLOG, "syslog-ng": RFC5424_AT_SYSLOG_NG}
RFC3164_AT = {"rsyslog": RFC3164_AT_RSYSLOG, "syslog-ng": RFC3164_AT_SYSLOG_NG}


def framed(line: bytes, framing: str) -> bytes:
    return line + b"\n" if framing == "newline" else b"%d %b" % (len(line), line)


def send(server: SyslogServer, lines: Sequence[str], client: ssl.SSLContext | None = None) -> None:
    """Send the lines and wait until a TCP or TLS server has read them all."""
    settings: dict[str, Any] = server.settings()
    address = (settings["host"], settings["port"])
    encoded = [line.encode() for line in lines]
    if server.protocol == "udp":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for line in encoded:
                sender.sendto(line, address)
        return
    data = b"".join(framed(line, settings["framing"]) for line in encoded)
    with socket.create_connection(address, timeout=10) as connection:
        if client is not None:
            send_over_tls(client, connection, data)
        else:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(1) == b""


def send_over_tls(client: ssl.SSLContext, connection: socket.socket, data: bytes) -> None:
    with client.wrap_socket(connection, server_hostname="127.0.0.1") as secured:
        secured.sendall(data)
        # rsyslog's GnuTLS driver answers the end of the stream without a close_notify.
        with contextlib.suppress(ssl.SSLEOFError):
            secured.unwrap()


def without_year(records: Sequence[ParsedByServer]) -> list[ParsedByServer]:
    """RFC 3164 has no year: the server puts in the current one, or the last one before it."""
    return [replace(record, timestamp=record.timestamp[5:]) for record in records]


@pytest.fixture
def server_tls(authority: TemporaryCA) -> ServerTls:
    return ServerTls.of(authority)


@pytest.fixture
def client(authority: TemporaryCA) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.cert_path)


@pytest.mark.parametrize(("protocol", "framing"), WAYS_OF_RFC5424)
@pytest.mark.parametrize("make", SERVERS)
def test_rfc5424_is_read_back(
    make: type[SyslogServer], protocol: str, framing: str, tmp_path: Path
) -> None:
    with make(tmp_path, protocol=protocol, framing=framing) as server:
        send(server, RFC5424_LINES)
        assert server.wait_for(len(RFC5424_LINES)) == RFC5424_AT[server.name]


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("make", SERVERS)
def test_rfc3164_is_read_back(make: type[SyslogServer], framing: str, tmp_path: Path) -> None:
    with make(tmp_path, framing=framing, syslog_format="rfc3164") as server:
        send(server, RFC3164_LINES)
        received = server.wait_for(len(RFC3164_LINES))
    assert without_year(received) == RFC3164_AT[server.name]


@pytest.mark.parametrize(
    "framing", ["newline", pytest.param("octet-counting", marks=pytest.mark.gate)]
)
@pytest.mark.parametrize("make", TLS_SERVERS)
def test_tls_is_read_back(
    make: Callable[..., SyslogServer],
    framing: str,
    server_tls: ServerTls,
    client: ssl.SSLContext,
    tmp_path: Path,
) -> None:
    with make(tmp_path, protocol="tls", framing=framing, tls=server_tls) as server:
        send(server, RFC5424_LINES, client)
        assert server.wait_for(len(RFC5424_LINES)) == RFC5424_AT[server.name]


@pytest.mark.parametrize("make", TLS_SERVERS)
def test_only_a_client_with_a_certificate_is_served_where_one_is_required(
    make: Callable[..., SyslogServer],
    server_tls: ServerTls,
    client: ssl.SSLContext,
    authority: TemporaryCA,
    tmp_path: Path,
) -> None:
    tls = replace(server_tls, require_client_certificate=True)
    with make(tmp_path, protocol="tls", tls=tls) as server:
        with contextlib.suppress(OSError):  # the refusal may come as an alert or as a reset
            send(server, RFC5424_LINES, client)
        mine = authority.issue("client.example.com")
        client.load_cert_chain(mine.cert_path, mine.key_path)
        send(server, RFC5424_LINES, client)
        assert server.wait_for(len(RFC5424_LINES)) == RFC5424_AT[server.name]
        assert "certificate" in server.printed()


@pytest.mark.parametrize("end", [SyslogServer.kill, SyslogServer.stop])
@pytest.mark.parametrize("make", SERVERS)
def test_a_server_ended_and_started_again_keeps_port_and_messages(
    make: type[SyslogServer], end: Callable[[SyslogServer], None], tmp_path: Path
) -> None:
    with make(tmp_path) as server:
        settings = server.settings()
        send(server, RFC5424_LINES[:1])
        server.wait_for(1)
        end(server)
        assert not server.running
        with pytest.raises(ConnectionRefusedError):
            send(server, RFC5424_LINES[1:])
        server.start()
        assert server.settings() == settings
        send(server, RFC5424_LINES[1:])
        assert server.wait_for(len(RFC5424_LINES)) == RFC5424_AT[server.name]


@pytest.mark.parametrize("make", SERVERS)
def test_a_line_that_a_kill_cut_short_does_not_spoil_the_next(
    make: type[SyslogServer], tmp_path: Path
) -> None:
    with make(tmp_path) as server:
        server.kill()
        (server.directory / "received.jsonl").write_bytes(b'{"pri":"134", "fac')
        assert server.received() == []
        server.start()
        send(server, RFC5424_LINES)
        assert server.wait_for(len(RFC5424_LINES)) == RFC5424_AT[server.name]


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize("make", SERVERS)
def test_a_port_that_is_taken_is_an_error(
    make: type[SyslogServer], protocol: str, tmp_path: Path
) -> None:
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind(("127.0.0.1", 0))
        server = make(tmp_path, protocol=protocol, port=holder.getsockname()[1])
        with pytest.raises(ServerStartError, match=r"in use|Could not create"):
            server.start()
    assert not server.running


@pytest.mark.parametrize("make", SERVERS)
def test_a_long_directory_name_is_no_obstacle(make: type[SyslogServer], tmp_path: Path) -> None:
    directory = tmp_path / ("long" * 30)
    directory.mkdir()
    with make(directory) as server:
        send(server, RFC5424_LINES)
        server.wait_for(len(RFC5424_LINES))


@pytest.mark.parametrize("make", SERVERS)
def test_rfc3164_times_are_read_in_the_zone_of_the_server(
    make: type[SyslogServer], tmp_path: Path
) -> None:
    with make(tmp_path, syslog_format="rfc3164", timezone="CST-8") as server:
        send(server, RFC3164_LINES[:1])
        (received,) = server.wait_for(1)
    assert received.timestamp.endswith("+08:00")


@pytest.mark.parametrize("make", SERVERS)
def test_the_part_of_a_line_beyond_the_limit_becomes_a_message_without_header(
    make: type[SyslogServer], tmp_path: Path
) -> None:
    header = "<14>1 2026-11-23T03:15:00Z h a p m - "
    with make(tmp_path, max_message_bytes=1000) as server:
        send(server, [header.ljust(1500, "x")])
        first, second = server.wait_for(2)
    assert first.msg == "x" * (1000 - len(header))
    assert second.pri == 13


@pytest.mark.parametrize(("escape", "text"), [(True, "a#011b"), (False, "a\tb")])
def test_rsyslog_escapes_control_characters_unless_told_not_to(
    escape: bool, text: str, tmp_path: Path
) -> None:
    with Rsyslog(tmp_path, escape_control_characters=escape) as server:
        send(server, ["<14>1 2026-11-23T03:15:00Z h a p m - a\tb"])
        (received,) = server.wait_for(1)
    assert received.msg == text


def test_rsyslog_with_a_queue_in_memory_stores_everything(tmp_path: Path) -> None:
    with Rsyslog(tmp_path, main_queue="LinkedList") as server:
        send(server, RFC5424_LINES * 1000)
        received = server.wait_for(len(RFC5424_LINES) * 1000)
    assert received == RFC5424_AT_RSYSLOG * 1000


def test_rsyslog_takes_an_impossible_priority_for_text(tmp_path: Path) -> None:
    line = "<192>1 2026-11-23T03:15:00Z h a p m - text"
    with Rsyslog(tmp_path) as server:
        send(server, [line])
        (received,) = server.wait_for(1)
    assert (received.pri, received.facility, received.msg) == (INVALID, INVALID, line)


def test_syslog_ng_reports_a_message_without_structured_data_as_an_error(tmp_path: Path) -> None:
    with SyslogNg(tmp_path) as server:
        send(server, ["<14>1 2026-11-23T03:15:00Z h a p m ||key=value"])
        (received,) = server.wait_for(1)
    assert received.app_name == "syslog-ng"
    assert received.msg.startswith("Error processing log message: <14>1 ")


@pytest.mark.parametrize("make", SERVERS)
def test_waiting_for_more_than_there_is_says_what_there_is(
    make: type[SyslogServer], tmp_path: Path
) -> None:
    with make(tmp_path) as server:
        send(server, RFC5424_LINES)
        server.wait_for(len(RFC5424_LINES))
        with pytest.raises(AssertionError, match=r"\(running\) stored 3 of 4 messages"):
            server.wait_for(4, timeout=0.1)
        server.kill()
        with pytest.raises(AssertionError, match=r"\(ended\) stored 3 of 4 messages"):
            server.wait_for(4)


def test_a_missing_server_skips_the_test_or_fails_it_on_demand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SLS_SYSLOG_REQUIRE_SERVERS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-server is not installed"):
        require_server("no-such-server")
    monkeypatch.setenv("SLS_SYSLOG_REQUIRE_SERVERS", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-server is required"):
        require_server("no-such-server")


def test_tls_files_and_the_tls_protocol_go_together(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="go together"):
        Rsyslog(tmp_path, protocol="tls")
