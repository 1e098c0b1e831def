"""What counts as delivered, over real sockets that misbehave in every way."""

from __future__ import annotations

import contextlib
import logging
import shutil
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sls_syslog import ConnectError, MessageTooLongError, SendError, TlsError, UnconfirmedError
from sls_syslog.network.connection import Connection
from sls_syslog.network.deadline import Deadline, Stop
from sls_syslog.network.failover import open_transport
from sls_syslog.network.transport import Transport
from sls_syslog.settings.client import ClientSettings
from sls_syslog.testing import SyslogReceiver, TemporaryCA
from tests.support.gate import keep_first
from tests.support.peers import hold_closed_port
from tests.support.timings import connect_at_last, probe_soon
from tests.support.waiting import eventually

FRAMES = [b"<14>1 - - - - - - %d\n" % number for number in range(1000)]
PLAIN_OR_TLS = ["tcp", "tls1.2", "tls1.3"]
VERSIONS = {"tls1.2": ssl.TLSVersion.TLSv1_2, "tls1.3": ssl.TLSVersion.TLSv1_3}


@pytest.fixture(params=PLAIN_OR_TLS)
def receiver(request: pytest.FixtureRequest, temporary_ca: TemporaryCA) -> Iterator[SyslogReceiver]:
    version = VERSIONS.get(request.param)
    context = None
    if version is not None:
        context = temporary_ca.server_context(minimum_version=version, maximum_version=version)
    with SyslogReceiver("tls" if version else "tcp", ssl_context=context) as running:
        yield running


@contextlib.contextmanager
def transport_to(
    receiver: SyslogReceiver, ca: TemporaryCA, stop: Stop | None = None, **settings: Any
) -> Iterator[Transport]:
    settings.setdefault("timeout", 10)
    if receiver.protocol == "tls":
        settings.setdefault("cert_path", ca.cert_path)
    opened = open_transport(ClientSettings.of({**receiver.settings(), **settings}), stop)
    try:
        yield opened
    finally:
        opened.close()


LEVELS = ["auto", "consumed", "written"]
if sys.platform == "linux":
    LEVELS.append("acked")


@pytest.mark.parametrize("level", LEVELS)
def test_what_was_taken_is_confirmed(
    receiver: SyslogReceiver, temporary_ca: TemporaryCA, level: str
) -> None:
    with transport_to(receiver, temporary_ca, confirm=level) as transport:
        for _ in range(3):
            transport.send(FRAMES)
            transport.confirm()
        receiver.wait_for(3 * len(FRAMES))
    assert not receiver.errors


@pytest.mark.parametrize("level", ["auto", "consumed"])
def test_consumed_means_that_the_receiver_s_process_has_read_it_all(
    receiver: SyslogReceiver, temporary_ca: TemporaryCA, level: str
) -> None:
    with transport_to(receiver, temporary_ca, confirm=level) as transport:
        transport.send(FRAMES)
        transport.confirm()
        assert len(receiver.frames) == len(FRAMES)  # no waiting: it is so when confirm returns


@pytest.mark.parametrize("level", ["auto", "consumed"])
def test_a_process_that_dies_with_bytes_unread_confirms_nothing(
    receiver: SyslogReceiver, temporary_ca: TemporaryCA, level: str
) -> None:
    # The naive check, that the kernel has acknowledged everything, is satisfied all the while.
    with transport_to(receiver, temporary_ca, confirm=level) as transport:
        transport.send(FRAMES[:1])
        receiver.wait_for(1)
        receiver.pause()
        transport.send(FRAMES)
        reset = threading.Timer(0.3, receiver.reset_connections)
        reset.start()
        with pytest.raises(UnconfirmedError):
            transport.confirm()
        reset.join()


@pytest.mark.parametrize("level", LEVELS)
def test_a_peer_that_closed_before_it_was_asked_confirms_nothing(
    receiver: SyslogReceiver, temporary_ca: TemporaryCA, level: str
) -> None:
    with transport_to(receiver, temporary_ca, confirm=level) as transport:
        transport.send(FRAMES[:1])
        receiver.wait_for(1)
        receiver.stop()
        with pytest.raises((UnconfirmedError, SendError)):
            transport.confirm()


def test_silence_is_no_confirmation(receiver: SyslogReceiver, temporary_ca: TemporaryCA) -> None:
    receiver.answer_half_close = False
    with transport_to(receiver, temporary_ca, confirm="consumed", timeout=0.5) as transport:
        connect_at_last(transport)
        transport.send(FRAMES)
        with pytest.raises(UnconfirmedError, match=r"nothing for 0.5 s"):
            transport.confirm()


def test_auto_falls_back_for_a_process_that_is_alive_and_cannot_answer(
    temporary_ca: TemporaryCA, caplog: pytest.LogCaptureFixture
) -> None:
    with SyslogReceiver("tls", ssl_context=temporary_ca.server_context()) as receiver:
        receiver.answer_half_close = False
        probe_soon(receiver.settings())
        with transport_to(receiver, temporary_ca) as transport:
            for _ in range(3):
                transport.send(FRAMES)
                assert transport.confirm()
        receiver.wait_for(3 * len(FRAMES))
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert f"127.0.0.1:{receiver.port} never answers a half-close" in warnings[0].getMessage()


@pytest.mark.parametrize("has_answered", keep_first([False, True]))
def test_auto_never_falls_back_for_a_process_that_hangs(
    receiver: SyslogReceiver, temporary_ca: TemporaryCA, has_answered: bool
) -> None:
    """Its kernel completes connections and acknowledges bytes that will never be read."""
    if has_answered:
        with transport_to(receiver, temporary_ca) as transport:
            transport.send(FRAMES)
            transport.confirm()
        receiver.clear()
    else:
        probe_soon(receiver.settings())
    with transport_to(receiver, temporary_ca, timeout=0.5) as transport:
        connect_at_last(transport)
        transport.send(FRAMES)
        receiver.wait_for(len(FRAMES))
        receiver.pause()
        for _ in range(3):
            with contextlib.suppress(UnconfirmedError, SendError, ConnectError):
                transport.send(FRAMES[:10])
                assert not transport.confirm()


PIECE = [b"<14>1 - - - - - - " + b"x" * 100_000 + b"\n"]


@pytest.mark.skipif(sys.platform != "linux", reason="nothing else tells of windows")
def test_plain_tcp_is_held_back_until_the_receiver_has_provably_read(
    syslog_receiver: SyslogReceiver, temporary_ca: TemporaryCA
) -> None:
    syslog_receiver.answer_half_close = False
    probe_soon(syslog_receiver.settings())
    with transport_to(syslog_receiver, temporary_ca) as transport:
        transport.send(FRAMES)
        with pytest.raises(UnconfirmedError) as unconfirmed:  # what was sent so far is sent again
            transport.confirm()
        transport.send(FRAMES)
        assert not transport.confirm()
        known = [False]
        while not known[-1]:
            transport.send(PIECE)
            known.append(transport.confirm())
            assert len(known) < 300, "30 MB"
        assert len(known) > 10
        transport.send(FRAMES)
        assert transport.confirm()
        assert syslog_receiver.used_connections == 2
    assert "confirm='acked'" in str(unconfirmed.value)


@pytest.mark.parametrize("buffer", keep_first([None, 4_000_000, 4096, 200_000]))
def test_plain_tcp_is_never_confirmed_by_the_kernel_of_a_process_that_hangs(
    temporary_ca: TemporaryCA, buffer: int | None
) -> None:
    with SyslogReceiver("tcp", receive_buffer_bytes=buffer) as receiver:
        receiver.pause()
        probe_soon(receiver.settings())
        with transport_to(receiver, temporary_ca, timeout=0.5) as transport:
            connect_at_last(transport)
            transport.send(FRAMES)
            with pytest.raises(UnconfirmedError):
                transport.confirm()
            connect_at_last(transport)
            with pytest.raises((SendError, UnconfirmedError)):  # until it is full
                for _ in range(300):
                    transport.send(PIECE)
                    assert not transport.confirm()
        receiver.resume()


@pytest.mark.gate
def test_a_receiver_that_hung_for_a_while_is_asked_again(
    syslog_receiver: SyslogReceiver, temporary_ca: TemporaryCA
) -> None:
    probe_soon(syslog_receiver.settings(), half_close_probe_interval=0.0)
    with transport_to(syslog_receiver, temporary_ca) as transport:
        syslog_receiver.pause()
        transport.send(FRAMES)
        with pytest.raises(UnconfirmedError):
            transport.confirm()
        syslog_receiver.resume()
        transport.send(FRAMES)
        assert not transport.confirm()
        eventually(transport.confirm)
    assert syslog_receiver.frames[-1] == FRAMES[-1].rstrip(b"\n")


def test_a_stop_during_the_probe_is_no_proof(
    temporary_ca: TemporaryCA, caplog: pytest.LogCaptureFixture
) -> None:
    stop = Stop(grace=0.1)
    with SyslogReceiver("tls", ssl_context=temporary_ca.server_context()) as receiver:

        def stop_at_the_probe() -> None:
            receiver.wait_until(lambda: receiver.connections == 3)  # one is silent
            stop.request()

        receiver.answer_half_close = False
        probe_soon(receiver.settings(), half_close_probe=60.0)
        with (
            transport_to(receiver, temporary_ca, stop) as transport,
            ThreadPoolExecutor(1) as pool,
        ):
            transport.send(FRAMES)
            stopping = pool.submit(stop_at_the_probe)
            with pytest.raises(UnconfirmedError):
                transport.confirm()
            stopping.result()
    assert not caplog.records


def test_auto_does_not_fall_back_for_a_receiver_that_is_only_slow(
    receiver: SyslogReceiver, temporary_ca: TemporaryCA, caplog: pytest.LogCaptureFixture
) -> None:
    with transport_to(receiver, temporary_ca, timeout=0.5) as transport:
        connect_at_last(transport)
        transport.send(FRAMES[:1])
        receiver.wait_for(1)
        receiver.bytes_per_second = 2000
        transport.send(FRAMES)
        with pytest.raises(UnconfirmedError):
            transport.confirm()
    assert not caplog.records


def test_a_receiver_that_reads_nothing_ends_in_an_error(
    receiver: SyslogReceiver, temporary_ca: TemporaryCA
) -> None:
    with transport_to(receiver, temporary_ca, timeout=0.5) as transport:
        connect_at_last(transport)
        transport.send(FRAMES[:1])
        receiver.wait_for(1)
        receiver.pause()
        with pytest.raises(SendError, match=r"nothing for 0.5 s"):
            transport.send([b"<14>1 - - - - - - x\n" * 50_000] * 50)


def test_a_stop_ends_the_waiting(receiver: SyslogReceiver, temporary_ca: TemporaryCA) -> None:
    stop = Stop(grace=0.2)
    with transport_to(receiver, temporary_ca, stop) as transport:
        transport.send(FRAMES[:1])
        receiver.wait_for(1)
        receiver.pause()
        threading.Timer(0.2, stop.request).start()
        with pytest.raises(SendError, match="stopped"):
            transport.send([b"<14>1 - - - - - - x\n" * 50_000] * 50)


def test_a_slow_reader_of_tls_1_3_loses_nothing(temporary_ca: TemporaryCA) -> None:
    """Session tickets that nobody reads turn a naive client's close into a reset."""

    def naive(receiver: SyslogReceiver) -> None:
        context = ssl.create_default_context(cafile=temporary_ca.cert_path)
        with (
            socket.create_connection((receiver.host, receiver.port)) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as tls,
        ):
            tls.sendall(b"".join(frames))

    def ours(receiver: SyslogReceiver) -> None:
        with transport_to(receiver, temporary_ca) as transport:
            transport.send(frames)
            transport.confirm()

    def received(send: Any) -> int:
        with SyslogReceiver("tls", ssl_context=temporary_ca.server_context()) as receiver:
            receiver.bytes_per_second = 4_000_000
            send(receiver)
            receiver.wait_until(lambda: receiver.open_connections == 0)
            return len(receiver.frames)

    frames = [b"<14>1 - - - - - - %s\n" % (b"x" * 280)] * 10_000
    assert received(naive) < len(frames)
    assert received(ours) == len(frames)


def test_every_address_of_a_name_is_tried() -> None:
    # "localhost" is ::1 as well on most machines; the receiver listens on 127.0.0.1 only.
    with SyslogReceiver() as receiver:
        settings = ClientSettings(host="localhost", port=receiver.port, timeout=5)
        transport = open_transport(settings)
        transport.send(FRAMES)
        transport.confirm()
        assert len(receiver.frames) == len(FRAMES)
        transport.close()


def test_connecting_has_a_deadline(temporary_ca: TemporaryCA) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as silent:  # accepts, never answers
        settings = ClientSettings(
            host="127.0.0.1",
            port=silent.getsockname()[1],
            protocol="tls",
            cert_path=temporary_ca.cert_path,
            timeout=0.3,
        )
        with pytest.raises(ConnectError, match=r"nothing for 0.3 s"):
            open_transport(settings).send(FRAMES)


def test_a_datagram_that_is_too_large_is_named() -> None:
    with SyslogReceiver("udp") as receiver:
        transport = open_transport(ClientSettings.of({**receiver.settings()}))
        with pytest.raises(MessageTooLongError, match="70000 bytes"):
            transport.send([b"x" * 70_000])
        transport.send([b"<14>1 - - - - - - fits"])
        transport.close()
        receiver.wait_for(1)


def test_a_refused_datagram_is_an_error_on_the_next_send() -> None:
    with hold_closed_port() as port:
        transport = open_transport(ClientSettings(host="127.0.0.1", port=port, protocol="udp"))
    with pytest.raises(SendError, match="refused"):
        for _ in range(100):
            transport.send([b"x"])
            time.sleep(0.01)
    transport.close()


# --- trust ------------------------------------------------------------------------


def tls_settings(receiver: SyslogReceiver, **settings: Any) -> ClientSettings:
    return ClientSettings.of({**receiver.settings(), "timeout": 5, **settings})


def deliver(settings: ClientSettings) -> None:
    transport = open_transport(settings)
    try:
        transport.send(FRAMES)
        transport.confirm()
    finally:
        transport.close()


@pytest.mark.parametrize(
    ("names", "expired", "problem"),
    [
        (("evil.example",), False, "IP address mismatch|127.0.0.1"),
        (("127.0.0.1",), True, "expired"),
    ],
    ids=["wrong name", "expired"],
)
def test_a_bad_certificate_is_refused(
    temporary_ca: TemporaryCA, names: tuple[str, ...], expired: bool, problem: str
) -> None:
    context = temporary_ca.server_context(*names, expired=expired)
    with SyslogReceiver("tls", ssl_context=context) as receiver:
        with pytest.raises(TlsError, match=problem):
            deliver(tls_settings(receiver, cert_path=temporary_ca.cert_path))
        assert receiver.frames == []


def test_a_certificate_of_an_unknown_authority_is_refused(temporary_ca: TemporaryCA) -> None:
    with (
        TemporaryCA() as other,
        SyslogReceiver("tls", ssl_context=other.server_context()) as receiver,
        pytest.raises(TlsError, match="not trusted"),
    ):
        deliver(tls_settings(receiver, cert_path=temporary_ca.cert_path))


def test_the_name_to_check_can_be_given_or_not_be_checked(temporary_ca: TemporaryCA) -> None:
    context = temporary_ca.server_context("siem.example")
    with SyslogReceiver("tls", ssl_context=context) as receiver:
        trust = {"cert_path": temporary_ca.cert_path}
        deliver(tls_settings(receiver, server_hostname="siem.example", **trust))
        deliver(tls_settings(receiver, verify_hostname=False, **trust))
        assert len(receiver.frames) == 2 * len(FRAMES)


def test_a_context_of_ones_own_is_used_as_it_is(temporary_ca: TemporaryCA) -> None:
    context = ssl.create_default_context(cafile=temporary_ca.cert_path)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with SyslogReceiver("tls", ssl_context=temporary_ca.server_context()) as receiver:
        deliver(tls_settings(receiver, ssl_context=context))
        assert len(receiver.frames) == len(FRAMES)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("password", [None, "secret"])
def test_a_client_certificate_is_shown(
    temporary_ca: TemporaryCA, version: str, password: str | None
) -> None:
    context = temporary_ca.server_context(
        require_client_cert=True,
        minimum_version=VERSIONS[version],
        maximum_version=VERSIONS[version],
    )
    mine = temporary_ca.issue("shipper.example", password=password)
    with SyslogReceiver("tls", ssl_context=context) as receiver:
        deliver(
            tls_settings(
                receiver,
                cert_path=temporary_ca.cert_path,
                client_cert=mine.cert_path,
                client_key=mine.key_path,
                client_key_password=password,
            )
        )
        assert len(receiver.frames) == len(FRAMES)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_missing_client_certificate_is_noticed_before_anything_is_confirmed(
    temporary_ca: TemporaryCA, version: str
) -> None:
    # TLS 1.3 tells a client of its refusal only after the handshake, and after a send, worked.
    context = temporary_ca.server_context(
        require_client_cert=True,
        minimum_version=VERSIONS[version],
        maximum_version=VERSIONS[version],
    )
    with SyslogReceiver("tls", ssl_context=context) as receiver:
        with pytest.raises((TlsError, SendError, UnconfirmedError)):
            deliver(tls_settings(receiver, cert_path=temporary_ca.cert_path))
        assert receiver.frames == []


def test_a_certificate_that_is_spoilt_later_is_an_error_of_the_connection(
    temporary_ca: TemporaryCA, tmp_path: Any
) -> None:
    spoilt = tmp_path / "ca.pem"
    shutil.copy(temporary_ca.cert_path, spoilt)
    with SyslogReceiver("tls", ssl_context=temporary_ca.server_context()) as receiver:
        settings = tls_settings(receiver, cert_path=str(spoilt))
        deliver(settings)
        spoilt.write_text("")
        with pytest.raises(TlsError, match="cert_path"):
            deliver(settings)


def test_a_slow_receiver_is_given_the_time_it_needs(
    receiver: SyslogReceiver, temporary_ca: TemporaryCA
) -> None:
    frames = [b"<14>1 - - - - - - %s\n" % (b"x" * 980)] * 2100
    with transport_to(receiver, temporary_ca, timeout=1.5) as transport:
        transport.send(frames[:1])
        receiver.wait_for(1)
        receiver.bytes_per_second = 600_000  # longer than the timeout for all of it
        transport.send(frames)
        transport.confirm()
        assert len(receiver.frames) == 2101


class Unlucky(socket.socket):
    """A socket that the kernel gives the very port to which it connects."""

    def connect_ex(self, address: Any) -> int:
        self.bind(address)
        return super().connect_ex(address)


@pytest.mark.skipif(sys.platform != "linux", reason="not every system connects a socket to itself")
def test_a_connection_to_itself_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port of the ephemeral range on which nobody listens may be given to the very socket."""

    def find_unused() -> tuple[str, int]:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            found: tuple[str, int] = unused.getsockname()
            return found

    with Unlucky() as naive:
        assert naive.connect_ex(find_unused()) == 0
        assert naive.getpeername() == naive.getsockname()
    address = (socket.AF_INET, socket.SOCK_STREAM, 0, "", find_unused())
    monkeypatch.setattr(socket, "socket", Unlucky)
    with pytest.raises(ConnectionRefusedError, match="itself"):
        Connection(address, Deadline(5))
