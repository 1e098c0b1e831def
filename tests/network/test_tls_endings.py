"""TLS servers that end a session where few do: with the handshake, or when it is resumed.

The server is written here, over memory, so that it decides which records share a packet.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from typing import Any, TypeAlias

import pytest

from sls_syslog import TransportError
from sls_syslog.network.connection import Connection
from sls_syslog.network.deadline import Deadline
from sls_syslog.network.failover import open_transport
from sls_syslog.network.resolver import resolve
from sls_syslog.network.tcp import WRITE
from sls_syslog.network.timings import Timings
from sls_syslog.settings.client import ClientSettings
from sls_syslog.testing import TemporaryCA
from tests.support.peers import reset_on_close, serve
from tests.support.timings import hand_in

FRAMES = [b"<14>1 - - - - - - %d\n" % number for number in range(10)]
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
LIMIT = 20.0
LEVELS = ["written", "acked", "consumed", "auto"]


class Session:
    """The server's side of one connection."""

    def __init__(self, context: ssl.SSLContext, connection: socket.socket) -> None:
        self.socket = connection
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def shake_hands(self) -> None:
        """Complete the handshake; its last flight is not sent yet."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.flush()
                self._incoming.write(self.socket.recv(65536))
            else:
                return

    def flush(self) -> None:
        self.socket.sendall(self._outgoing.read())

    def say_goodbye(self) -> None:
        """Leave a close_notify to be sent."""
        with contextlib.suppress(ssl.SSLError):
            self.tls.unwrap()

    def read_to_the_end(self) -> bool:
        """Read until the client ends; return whether its close_notify has come."""
        while True:
            try:
                if not self.tls.read(65536):
                    return True
            except ssl.SSLWantReadError:
                received = self.socket.recv(65536)
                if not received:
                    return False
                self._incoming.write(received)


Script: TypeAlias = "Callable[[Session], Any]"


@contextlib.contextmanager
def server(context: ssl.SSLContext, script: Script) -> Iterator[int]:
    """A server that follows a script with each connection, one after the other; its port."""
    with serve(lambda connection: script(Session(context, connection))) as port:
        yield port


def settings_for(port: int, ca: TemporaryCA, **settings: Any) -> ClientSettings:
    """The settings; the servers here serve one connection at a time, so none is silent."""
    mapping = {"host": "127.0.0.1", "port": port, "protocol": "tls", "cert_path": ca.cert_path}
    hand_in(mapping, Timings(lone_age=0.0, sentinel_connect=0.2, prompt_answer=5.0))
    return ClientSettings.of({**mapping, "timeout": 5, **settings})


@pytest.mark.parametrize("level", LEVELS)
def test_a_goodbye_that_comes_with_the_handshake_is_heard(
    level: str, temporary_ca: TemporaryCA
) -> None:
    def end_at_once(session: Session) -> None:
        session.shake_hands()
        session.say_goodbye()
        session.flush()  # Finished and close_notify in one packet
        while session.socket.recv(65536):
            pass  # nobody reads what comes now

    context = temporary_ca.server_context(maximum_version=ssl.TLSVersion.TLSv1_2)
    with server(context, end_at_once) as port:
        settings = settings_for(port, temporary_ca, confirm=level)
        with closing(open_transport(settings)) as transport, pytest.raises(TransportError):
            transport.send(FRAMES)
            transport.confirm()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("says_goodbye", [True, False])
def test_a_server_that_ends_resumed_sessions_gets_a_full_handshake_after_each(
    version: ssl.TLSVersion, says_goodbye: bool, temporary_ca: TemporaryCA
) -> None:
    resumed: list[bool] = []

    def end_resumed(session: Session) -> None:
        session.shake_hands()
        session.flush()
        resumed.append(bool(session.tls.session_reused))
        if not resumed[-1]:
            session.read_to_the_end()
        if not resumed[-1] or says_goodbye:
            session.say_goodbye()
            session.flush()
        if resumed[-1]:  # by a reset: some of what came may have been read with the handshake
            reset_on_close(session.socket)

    context = temporary_ca.server_context(minimum_version=version, maximum_version=version)
    delivered: list[bool] = []
    with server(context, end_resumed) as port:
        settings = settings_for(port, temporary_ca, confirm="consumed")
        with closing(open_transport(settings)) as transport:
            for _ in range(6):
                try:
                    transport.send(FRAMES)
                    delivered.append(transport.confirm())
                except TransportError:
                    delivered.append(False)
                    transport.close()
    assert any(resumed)  # else nothing is tested here
    assert all(first or second for first, second in pairwise(delivered))
    assert delivered.count(False) <= 2  # two in a row are no chance: no session is offered any more


@pytest.mark.parametrize("version", VERSIONS)
def test_a_receiver_that_ends_idle_connections_is_resumed_all_the_same(
    version: ssl.TLSVersion, temporary_ca: TemporaryCA
) -> None:
    resumed: list[bool] = []
    confirmed, ended = threading.Semaphore(0), threading.Semaphore(0)

    def end_when_idle(session: Session) -> None:
        session.shake_hands()
        session.flush()
        resumed.append(bool(session.tls.session_reused))
        assert confirmed.acquire(timeout=10)
        session.socket.settimeout(0.1)  # all that was confirmed is here: nothing else comes
        with contextlib.suppress(TimeoutError):
            session.read_to_the_end()
        session.say_goodbye()
        session.flush()
        ended.release()

    context = temporary_ca.server_context(minimum_version=version, maximum_version=version)
    with server(context, end_when_idle) as port:
        settings = settings_for(port, temporary_ca, confirm="acked")
        with closing(open_transport(settings)) as transport:
            for _ in range(4):
                transport.send(FRAMES)
                assert transport.confirm()
                confirmed.release()
                assert ended.acquire(timeout=10)
    assert resumed == [False, True, True, True]


@pytest.mark.parametrize("version", VERSIONS)
def test_one_resumed_connection_that_breaks_may_be_chance(
    version: ssl.TLSVersion, temporary_ca: TemporaryCA
) -> None:
    resumed: list[bool] = []

    def break_the_third(session: Session) -> None:
        session.shake_hands()
        session.flush()
        resumed.append(bool(session.tls.session_reused))
        if len(resumed) == 3:
            reset_on_close(session.socket)
            return
        session.read_to_the_end()
        session.say_goodbye()
        session.flush()

    context = temporary_ca.server_context(minimum_version=version, maximum_version=version)
    with server(context, break_the_third) as port:
        settings = settings_for(port, temporary_ca, confirm="consumed")
        with closing(open_transport(settings)) as transport:
            for _ in range(7):
                try:
                    transport.send(FRAMES)
                    transport.confirm()
                except TransportError:
                    transport.close()
    assert resumed[:3] == [False, True, True]
    assert resumed[-1]


def test_what_was_sent_is_not_kept_in_memory(temporary_ca: TemporaryCA) -> None:
    def swallow(session: Session) -> None:
        session.shake_hands()
        session.flush()
        session.read_to_the_end()

    large = b"x" * 20_000_000
    with server(temporary_ca.server_context(), swallow) as port:
        settings = settings_for(port, temporary_ca, confirm="written")
        with closing(open_transport(settings)) as transport:
            transport.connect()
            tracemalloc.start()
            transport.send([large])
            kept, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
    assert kept < 1_000_000
    assert peak < 3_000_000  # TLS makes a copy of one piece at a time


def fill_send_queue(connection: Connection) -> bytes:
    """Send records until the kernels take nothing more for a while; return the rest."""
    assert connection._tls is not None
    rest, refusals = b"", 0
    while refusals < 3:
        if not rest:
            connection._tls.encrypt(memoryview(b"x" * 10_000))
            rest = connection._tls.take_outgoing()
        sent = connection._tcp.send(memoryview(rest))
        rest = rest[sent:]
        refusals = 0 if sent else refusals + 1
        time.sleep(0.0 if sent else 0.05)
    return rest


def send_rest(connection: Connection, rest: bytes) -> None:
    while rest:
        connection._tcp.wait(WRITE, Deadline(LIMIT))
        rest = rest[connection._tcp.send(memoryview(rest)) :]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_goodbye_that_finds_no_room_is_said_later(
    version: ssl.TLSVersion, temporary_ca: TemporaryCA
) -> None:
    """A second ``finish`` sends what the first one could not."""
    may_read = threading.Event()
    heard_goodbye: list[bool] = []

    def read_late(session: Session) -> None:
        session.shake_hands()
        session.flush()
        may_read.wait(LIMIT)
        heard_goodbye.append(session.read_to_the_end())

    context = temporary_ca.server_context(minimum_version=version, maximum_version=version)
    trust = ssl.create_default_context(cafile=temporary_ca.cert_path)
    with server(context, read_late) as port:
        [address] = resolve("127.0.0.1", port, socket.SOCK_STREAM, Deadline(LIMIT))
        with closing(Connection(address, Deadline(LIMIT), trust, "127.0.0.1")) as connection:
            rest = fill_send_queue(connection)
            for _ in range(2):
                with pytest.raises(TimeoutError):
                    connection.finish(Deadline(0.1))
            may_read.set()
            send_rest(connection, rest)
            connection.finish(Deadline(LIMIT))
    assert heard_goodbye == [True]
