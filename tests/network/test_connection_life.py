"""What outlives a connection, what ends one, and what it must hear before it counts as made."""

from __future__ import annotations

import functools
import itertools
import shutil
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sls_syslog import ConnectError, SendError, TlsError, UnconfirmedError
from sls_syslog.network.connection import Connection
from sls_syslog.network.deadline import Deadline
from sls_syslog.network.failover import open_transport
from sls_syslog.network.resolver import resolve
from sls_syslog.network.timings import Timings
from sls_syslog.network.transport import Transport
from sls_syslog.settings.client import ClientSettings
from sls_syslog.testing import SyslogReceiver, TemporaryCA
from tests.support.gate import keep_first
from tests.support.peers import Peer, Relay, reset_on_close
from tests.support.servers import Rsyslog, ServerTls, SyslogNg, SyslogServer
from tests.support.timings import hand_in

FRAMES = [b"<14>1 - - - - - - %d\n" % number for number in range(100)]
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
LEVELS = ["consumed", "written", *(["acked"] if sys.platform == "linux" else [])]

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux's own way with TCP")


@contextmanager
def transport_to(settings: dict[str, Any], **changes: Any) -> Iterator[Transport]:
    with closing(open_transport(ClientSettings.of({"timeout": 10, **settings, **changes}))) as made:
        yield made


def deliver(transport: Transport, times: int = 1) -> None:
    """Batches over a connection each, whatever the level."""
    for _ in range(times):
        transport.send(FRAMES)
        transport.confirm()
        transport.close()


def server_context(ca: TemporaryCA, version: str, **options: Any) -> ssl.SSLContext:
    only = VERSIONS[version]
    return ca.server_context(minimum_version=only, maximum_version=only, **options)


# --- a peer that is gone ----------------------------------------------------------


class Remembered(socket.socket):
    """A socket that can be found later."""

    made: ClassVar[list[socket.socket]] = []

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.made.append(self)


@pytest.mark.parametrize(
    ("level", "option", "value"),
    [
        (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
        (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 5),
        (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 5),
        (socket.IPPROTO_TCP, "TCP_KEEPCNT", 5),
        (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 30_000),
    ],
)
def test_a_connection_asks_its_kernel_whether_the_peer_lives(
    level: int, option: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hasattr(socket, option):
        pytest.skip(f"this platform has no {option}")
    with SyslogReceiver() as receiver:
        (address,) = resolve("127.0.0.1", receiver.port, socket.SOCK_STREAM, Deadline(5))
        with monkeypatch.context() as patch:
            patch.setattr(socket, "socket", Remembered)
            connection = Connection(address, Deadline(5))
        with closing(connection):
            peers = {made.getpeername(): made for made in Remembered.made if made.fileno() >= 0}
            shown = peers[receiver.host, receiver.port].getsockopt(level, getattr(socket, option))
    Remembered.made.clear()
    assert bool(shown) == bool(value)
    assert option == "SO_KEEPALIVE" or shown == value


class Hasty(socket.socket):
    """A socket that is given up after 0.3 seconds in place of 30."""

    def setsockopt(self, *arguments: Any) -> None:
        level, option, value = arguments
        is_user_timeout = (level, option) == (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        super().setsockopt(level, option, 300 if is_user_timeout else value)


@on_linux
def test_a_host_that_is_gone_is_no_doubt_about_half_closing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The kernel gives the connection up long before the deadline: that is proof enough."""
    monkeypatch.setattr(socket, "socket", Hasty)
    with (
        SyslogReceiver(receive_buffer_bytes=4096) as receiver,
        transport_to(receiver.settings(), timeout=60) as transport,
    ):
        transport.send(FRAMES[:1])
        receiver.wait_for(1)
        receiver.pause()
        transport.send(FRAMES * 200)
        with pytest.raises(UnconfirmedError, match="no longer answers"):
            transport.confirm()
        assert receiver.connections == 2  # one is silent, and nobody probed


# --- sessions ---------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("client_certificate", [False, True])
@pytest.mark.parametrize("level", LEVELS)
def test_the_next_connection_resumes_the_session(
    temporary_ca: TemporaryCA, version: str, client_certificate: bool, level: str
) -> None:
    context = server_context(temporary_ca, version, require_client_cert=client_certificate)
    trust = {"cert_path": temporary_ca.cert_path}
    if client_certificate:
        mine = temporary_ca.issue("shipper.example")
        trust |= {"client_cert": mine.cert_path, "client_key": mine.key_path}
    with SyslogReceiver("tls", ssl_context=context) as receiver:
        with transport_to(receiver.settings(), **trust, confirm=level) as transport:
            deliver(transport, times=4)
        receiver.wait_for(4 * len(FRAMES))
        assert receiver.used_connections == 4
    # On a busy machine a ticket may come too late to be read; then one handshake is a full one.
    assert context.session_stats()["hits"] >= 2


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_is_not_resumed_for_ever(temporary_ca: TemporaryCA, version: str) -> None:
    """A server renews it with each resumption, and nobody would look at its certificate again."""
    context = server_context(temporary_ca, version)
    with SyslogReceiver("tls", ssl_context=context) as receiver:
        hand_in(receiver.settings(), Timings(resumption=0.0))
        trust = {"cert_path": temporary_ca.cert_path}
        with transport_to(receiver.settings(), **trust) as transport:
            deliver(transport, times=3)
    assert context.session_stats()["hits"] == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_belongs_to_the_certificates_it_was_made_with(
    temporary_ca: TemporaryCA, version: str, tmp_path: Path
) -> None:
    trusted = tmp_path / "ca.pem"
    shutil.copy(temporary_ca.cert_path, trusted)
    context = server_context(temporary_ca, version)
    with SyslogReceiver("tls", ssl_context=context) as receiver:
        with transport_to(receiver.settings(), cert_path=str(trusted)) as transport:
            deliver(transport)
            with TemporaryCA() as other:
                shutil.copy(other.cert_path, trusted)
                with pytest.raises(TlsError, match="not trusted"):
                    deliver(transport)
            shutil.copy(temporary_ca.cert_path, trusted)
            deliver(transport)
        assert len(receiver.frames) == 2 * len(FRAMES)
    assert context.session_stats()["hits"] == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_a_renewed_client_certificate_is_shown_at_the_next_connection(
    temporary_ca: TemporaryCA, version: str, tmp_path: Path
) -> None:
    mine = {"client_cert": str(tmp_path / "cert.pem"), "client_key": str(tmp_path / "key.pem")}

    def renew(ca: TemporaryCA) -> None:
        issued = ca.issue("shipper.example")
        shutil.copy(issued.cert_path, mine["client_cert"])
        shutil.copy(issued.key_path, mine["client_key"])

    context = server_context(temporary_ca, version, require_client_cert=True)
    with SyslogReceiver("tls", ssl_context=context) as receiver, TemporaryCA() as other:
        renew(other)
        trust = {"cert_path": temporary_ca.cert_path, **mine}
        with transport_to(receiver.settings(), **trust) as transport:
            with pytest.raises((TlsError, SendError, UnconfirmedError)):
                deliver(transport)
            transport.close()
            renew(temporary_ca)
            deliver(transport)
        assert len(receiver.frames) == len(FRAMES)


def test_a_key_that_is_renewed_before_its_certificate_is_an_outage_and_no_more(
    temporary_ca: TemporaryCA, tmp_path: Path
) -> None:
    """Two files cannot be replaced at the same time."""
    old, new = temporary_ca.issue("shipper.example"), temporary_ca.issue("shipper.example")
    mine = {"client_cert": str(tmp_path / "cert.pem"), "client_key": str(tmp_path / "key.pem")}
    shutil.copy(old.cert_path, mine["client_cert"])
    shutil.copy(old.key_path, mine["client_key"])
    context = server_context(temporary_ca, "1.3", require_client_cert=True)
    with SyslogReceiver("tls", ssl_context=context) as receiver:
        trust = {"cert_path": temporary_ca.cert_path, **mine}
        with transport_to(receiver.settings(), **trust) as transport:
            deliver(transport)
            shutil.copy(new.key_path, mine["client_key"])
            transport.close()
            with pytest.raises(TlsError, match="does not belong to the certificate in"):
                deliver(transport)
            shutil.copy(new.cert_path, mine["client_cert"])
            deliver(transport)
        assert len(receiver.frames) == 2 * len(FRAMES)


class Grudging(Peer):
    """A TLS server that answers a ClientHello with a session as some do: with a fatal alert.

    OpenSSL servers that ask for client certificates, but have no session id context, are so:
    rsyslog's OpenSSL driver is one.
    """

    ALERT_INTERNAL_ERROR = bytes([21, 3, 3, 0, 2, 2, 80])  # RFC 8446 section 6.2
    REFUSED = 1  # the second connection, the first that can offer a session

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()
        self.handshakes = 0
        self.resumed = 0
        self._context = context
        self._numbers = itertools.count()

    def treat(self, connection: socket.socket) -> None:
        is_refused = next(self._numbers) == self.REFUSED
        (self._refuse if is_refused else self._take)(connection)

    def _refuse(self, accepted: socket.socket) -> None:
        accepted.recv(65536)
        accepted.sendall(self.ALERT_INTERNAL_ERROR)
        accepted.shutdown(socket.SHUT_WR)
        accepted.recv(65536)

    def _take(self, accepted: socket.socket) -> None:
        with self._context.wrap_socket(accepted, server_side=True) as tls:
            self.handshakes += 1
            self.resumed += bool(tls.session_reused)
            while tls.recv(65536):
                pass
            tls.unwrap()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_server_that_refuses_sessions_is_reached_without(
    temporary_ca: TemporaryCA, version: str
) -> None:
    with Grudging(server_context(temporary_ca, version)) as server:
        settings = {"host": "127.0.0.1", "port": server.port, "protocol": "tls"}
        with transport_to(
            settings, cert_path=temporary_ca.cert_path, confirm="written"
        ) as transport:
            deliver(transport, times=4)
    assert (server.handshakes, server.resumed) == (4, 0)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("client_certificate", [False, True])
@pytest.mark.parametrize("level", keep_first(["consumed", "written"]))
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(functools.partial(Rsyslog, tls_driver="ossl"), id="rsyslog-ossl"),
        pytest.param(functools.partial(Rsyslog, tls_driver="gtls"), id="rsyslog-gtls"),
        pytest.param(SyslogNg, id="syslog-ng"),
    ],
)
@on_linux
def test_real_servers_take_connection_after_connection(
    temporary_ca: TemporaryCA,
    tmp_path: Path,
    make: Callable[..., SyslogServer],
    version: str,
    client_certificate: bool,
    level: str,
) -> None:
    mine = temporary_ca.issue("shipper.example")
    tls = ServerTls.of(temporary_ca, require_client_certificate=client_certificate)
    context = ssl.create_default_context(cafile=temporary_ca.cert_path)
    # No minimum: rsyslog's GnuTLS driver has no 1.3 when it asks for no certificate.
    context.maximum_version = VERSIONS[version]
    if client_certificate:
        context.load_cert_chain(mine.cert_path, mine.key_path)
    with make(tmp_path, protocol="tls", tls=tls) as server:
        with transport_to(server.settings(), ssl_context=context, confirm=level) as transport:
            deliver(transport, times=3)
        assert len(server.wait_for(3 * len(FRAMES))) == 3 * len(FRAMES)


# --- certificates of ours that are refused ----------------------------------------


class FarAway(Relay):
    """It makes the receiver seem far away: 0.1 s there and back."""

    ONE_WAY_SECONDS = 0.05

    def pass_on(self, here: socket.socket, there: socket.socket) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(self._pass_on, there, here)
            self._pass_on(here, there)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while chunk := source.recv(65536):
                self.ending.wait(self.ONE_WAY_SECONDS)
                target.sendall(chunk)
            end = socket.SHUT_WR
        except OSError:
            # A reset must not become a clean end; the other direction wakes, and closes with it.
            reset_on_close(target)
            end = socket.SHUT_RD
        with suppress(OSError):
            target.shutdown(end)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("foreign", [False, True], ids=["no certificate", "of another CA"])
@pytest.mark.parametrize("level", LEVELS)
def test_a_refused_client_certificate_is_never_a_success(
    temporary_ca: TemporaryCA, version: str, foreign: bool, level: str
) -> None:
    trust = {"cert_path": temporary_ca.cert_path}
    context = server_context(temporary_ca, version, require_client_cert=True)
    with (
        TemporaryCA() as other,
        SyslogReceiver("tls", ssl_context=context) as receiver,
        FarAway(receiver.port) as relay,
    ):
        if foreign:
            mine = other.issue("shipper.example")
            trust |= {"client_cert": mine.cert_path, "client_key": mine.key_path}
        settings = {**receiver.settings(), "port": relay.port}
        with transport_to(settings, **trust, confirm=level) as transport:
            for _ in range(2):
                with pytest.raises((ConnectError, SendError, UnconfirmedError)):
                    deliver(transport)
                transport.close()
        assert receiver.frames == []


@on_linux
def test_a_server_that_closes_after_the_handshake_is_heard(
    temporary_ca: TemporaryCA, tmp_path: Path
) -> None:
    """GnuTLS leaves it to the program to look at a certificate, after the handshake of 1.2 too."""
    tls = ServerTls.of(temporary_ca, require_client_certificate=True)
    context = ssl.create_default_context(cafile=temporary_ca.cert_path)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        Rsyslog(tmp_path, protocol="tls", tls=tls, tls_driver="gtls") as server,
        FarAway(int(server.settings()["port"])) as relay,
    ):
        settings = {**server.settings(), "port": relay.port, "ssl_context": context}
        with (
            transport_to(settings, confirm="written") as transport,
            pytest.raises(ConnectError, match="closed the connection"),
        ):
            transport.connect()


def test_a_server_that_has_nothing_to_say_is_not_waited_for_long(
    temporary_ca: TemporaryCA,
) -> None:
    context = server_context(temporary_ca, "1.3")
    context.num_tickets = 0
    with SyslogReceiver("tls", ssl_context=context) as receiver:
        trust = {"cert_path": temporary_ca.cert_path}
        with transport_to(receiver.settings(), **trust, confirm="written") as transport:
            deliver(transport, times=2)
        receiver.wait_for(2 * len(FRAMES))


# --- names ------------------------------------------------------------------------


@on_linux
def test_a_name_that_moves_is_followed(names: dict[str, str | list[str]]) -> None:
    with SyslogReceiver() as old, SyslogReceiver(host="127.0.0.2", port=old.port) as new:
        names["siem.example"] = old.host
        with transport_to({"host": "siem.example", "port": old.port}) as transport:
            deliver(transport)
            names["siem.example"] = new.host
            deliver(transport)
        assert len(old.frames) == len(new.frames) == len(FRAMES)
