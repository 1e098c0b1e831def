"""Delivery over RELP: what counts is the receiver's answer to each message, and nothing else."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sls_syslog import (
    ConnectError,
    SendError,
    SyslogClient,
    SyslogMessage,
    UnconfirmedError,
)
from sls_syslog.network.confirmation import State
from sls_syslog.network.deadline import Stop
from sls_syslog.network.failover import open_transport
from sls_syslog.network.relp import RelpTransport
from sls_syslog.network.transport import Transport
from sls_syslog.settings.client import ClientSettings
from sls_syslog.testing import SyslogReceiver, TemporaryCA
from tests.support.peers import hold_closed_port, serve
from tests.support.relp import OK, RelpServer
from tests.support.waiting import eventually

MESSAGES = [b"<14>1 - - - - - - %d" % number for number in range(1000)]


@contextmanager
def transport_to(port: int, stop: Stop | None = None, **settings: Any) -> Iterator[Transport]:
    given = {"host": "127.0.0.1", "port": port, "protocol": "relp", "timeout": 10, **settings}
    opened = open_transport(ClientSettings.of(given), stop)
    try:
        yield opened
    finally:
        opened.close()


def withhold_from(first: int) -> Callable[[int, bytes], bytes | None]:
    """Answer the messages before this one, and no other."""
    return lambda count, message: OK if count < first else None


def test_every_message_arrives_once_over_one_connection() -> None:
    with RelpServer() as server, transport_to(server.port) as transport:
        assert isinstance(transport, RelpTransport)
        for begin in range(0, len(MESSAGES), 100):
            transport.send(MESSAGES[begin : begin + 100])
            assert transport.confirm()
            assert transport.state is State.OPEN
        transport.close()
        assert server.messages == MESSAGES
        assert (server.sessions, server.breaches) == (1, [])
        assert server.commands[-1] == b"close"


def test_messages_of_every_kind_arrive_as_they_are() -> None:
    messages = [
        b"",
        b"\n",
        b"two\nlines\n",
        b"1 rsp 6 200 OK\n",
        bytes(range(256)),
        b"x" * 3_000_000,
    ]
    with RelpServer() as server, transport_to(server.port) as transport:
        transport.send(messages)
        assert transport.confirm()
        assert server.messages == messages


def test_what_is_not_answered_is_not_confirmed_whatever_arrived() -> None:
    with (
        RelpServer(withhold_from(999)) as server,
        transport_to(server.port, timeout=0.5) as transport,
    ):
        transport.send(MESSAGES)
        with pytest.raises(UnconfirmedError, match="nothing for"):
            transport.confirm()
        assert server.messages == MESSAGES
        assert transport.state is State.IDLE
        assert transport.acknowledged == 999


def test_a_late_answer_is_waited_for() -> None:
    is_time = threading.Event()

    def answer(count: int, message: bytes) -> bytes:
        assert is_time.wait(30)
        return OK

    with RelpServer(answer) as server, transport_to(server.port) as transport:
        transport.send(MESSAGES)
        timer = threading.Timer(0.3, is_time.set)
        timer.start()
        assert transport.confirm()
        assert is_time.is_set()


@pytest.mark.parametrize("answered", [0, 500])
def test_after_a_reset_only_the_rest_is_in_doubt(answered: int) -> None:
    def answer(count: int, message: bytes) -> bytes:
        if count == answered:
            server.reset()
        return OK

    with RelpServer(answer) as server, transport_to(server.port) as transport:
        with pytest.raises((SendError, UnconfirmedError)):  # perhaps while it is sent
            transport.send(MESSAGES)
            transport.confirm()
        acknowledged = transport.acknowledged
        # A reset may overtake the last answers, but never invents one.
        assert acknowledged <= answered
        transport.close()
        transport.send(MESSAGES[acknowledged:])
        assert transport.confirm()
        assert set(server.messages) == set(MESSAGES)
        assert server.sessions == 2


def test_a_send_error_is_followed_by_one_unconfirmed_error() -> None:
    def answer(count: int, message: bytes) -> bytes:
        server.reset()
        return OK

    with RelpServer(answer) as server, transport_to(server.port) as transport:
        transport.send(MESSAGES[:1])
        with pytest.raises(SendError):
            for _ in itertools.repeat(None):
                transport.watch()
        assert transport.state is State.BROKEN
        with pytest.raises(SendError, match="was not confirmed"):
            transport.send(MESSAGES)
        with pytest.raises(UnconfirmedError):
            transport.confirm()
        assert transport.confirm()


def test_a_refused_message_is_an_error_but_no_broken_connection() -> None:
    def answer(count: int, message: bytes) -> bytes:
        return b"500 too odd" if message == MESSAGES[10] else OK

    with RelpServer(answer) as server, transport_to(server.port) as transport:
        transport.send(MESSAGES[:20])
        with pytest.raises(SendError, match="it answered '500 too odd'"):
            transport.confirm()
        assert transport.acknowledged == 10
        assert transport.confirm()  # the error is raised once
        transport.close()
        transport.send(MESSAGES[11:])
        assert transport.confirm()
        assert not server.breaches


def test_a_refusal_does_not_fail_over_and_stays_until_it_is_heard() -> None:
    def refuse(count: int, message: bytes) -> bytes:
        return b"500 no"

    with RelpServer(refuse) as first, RelpServer() as second:
        hosts = [f"127.0.0.1:{first.port}", f"127.0.0.1:{second.port}"]
        settings = ClientSettings.of({"hosts": hosts, "protocol": "relp"})
        transport = open_transport(settings)
        transport.send(MESSAGES[:1])
        eventually(lambda: len(first.messages) == 1)
        with pytest.raises(SendError, match="refuses a message"):
            for _ in itertools.repeat(None):
                transport.watch()
                transport.send(MESSAGES[:1])
        with pytest.raises(SendError, match="refuses a message"):
            transport.confirm()
        transport.close()
        with pytest.raises(SendError, match="refuses a message"):
            transport.send(MESSAGES[:1])
            transport.confirm()
        transport.close()
        assert second.messages == []


def test_failover_takes_what_the_first_receiver_did_not_acknowledge() -> None:
    def answer(count: int, message: bytes) -> bytes:
        if count == 300:
            first.reset()
        return OK

    with RelpServer(answer) as first, RelpServer() as second:
        hosts = [f"127.0.0.1:{first.port}", f"127.0.0.1:{second.port}"]
        transport = open_transport(ClientSettings.of({"hosts": hosts, "protocol": "relp"}))
        with pytest.raises((SendError, UnconfirmedError)):
            transport.send(MESSAGES)
            transport.confirm()
        acknowledged = transport.acknowledged
        assert acknowledged <= 300
        transport.close()
        assert transport.acknowledged == 0
        transport.send(MESSAGES[acknowledged:])
        assert transport.confirm()
        transport.close()
        assert set(MESSAGES[acknowledged:]) == set(second.messages)


def test_answers_are_read_while_the_receiver_s_buffers_are_full() -> None:
    """The server reads nothing while it cannot send its answers, and they are long."""

    def answer(count: int, message: bytes) -> bytes:
        return b"200 " + b"x" * 10_000

    messages = [b"%d " % number + b"y" * 5000 for number in range(150)]
    with (
        RelpServer(answer, receive_bytes=16 * 1024) as server,
        transport_to(server.port, timeout=60) as transport,
    ):
        transport.send(messages)
        assert transport.confirm()
        assert server.messages == messages


def test_the_window_bounds_what_is_sent_without_an_answer() -> None:
    messages = [b"%d" % number for number in range(10_000)]
    with (
        RelpServer(withhold_from(0)) as server,
        transport_to(server.port, timeout=0.5) as transport,
    ):
        with pytest.raises(SendError, match="nothing for"):
            transport.send(messages)
        assert transport.state is State.BROKEN
        assert len(server.messages) <= 2048


def test_a_stop_ends_the_wait_for_answers() -> None:
    stop = Stop(grace=0.2)
    with (
        RelpServer(withhold_from(0)) as server,
        transport_to(server.port, stop, timeout=300) as transport,
    ):
        transport.send(MESSAGES)
        timer = threading.Timer(0.1, stop.request)
        timer.start()
        with pytest.raises(UnconfirmedError, match="stopped"):
            transport.confirm()


@pytest.mark.parametrize("call", ["send", "confirm"])
def test_a_receiver_that_talks_without_end_is_no_answer(call: str) -> None:
    """Hints need no answer, and a receiver may send any number of them."""

    def answer(count: int, message: bytes) -> None:
        while server.say(b"0 hint 0\n" * 100):
            pass

    with RelpServer(answer) as server, transport_to(server.port, timeout=2.0) as transport:
        with pytest.raises((SendError, UnconfirmedError), match="does not answer our messages"):
            transport.send(MESSAGES * 5 if call == "send" else MESSAGES[:1])
            transport.confirm()
        transport.close()


@pytest.mark.parametrize(
    ("nonsense", "problem"),
    [
        (b"9 rsp 6 200 OK\n", "answered 9, which is not in flight"),
        (b"hello\n", "is not RELP: b'hello"),
        (b"1 rsp 9999999 ", "has 9999999 bytes"),
        (b"5 syslog 1 x\n", "command 'syslog'"),
    ],
)
def test_nonsense_in_place_of_an_answer_confirms_nothing(nonsense: bytes, problem: str) -> None:
    def answer(count: int, message: bytes) -> None:
        server.say(nonsense)

    with RelpServer(answer) as server, transport_to(server.port) as transport:
        transport.send(MESSAGES[:1])
        with pytest.raises(UnconfirmedError, match=problem):
            transport.confirm()


def test_a_session_that_the_receiver_ends_is_opened_again() -> None:
    with RelpServer() as server, transport_to(server.port) as transport:
        transport.send(MESSAGES[:10])
        assert transport.confirm()
        server.say(b"0 serverclose 0\n")

        def is_seen() -> bool:
            with_hint = transport.state
            transport.send([])
            transport.connect()
            return with_hint is State.OPEN and server.sessions == 2

        eventually(is_seen)
        transport.send(MESSAGES[10:])
        assert transport.confirm()
        assert server.messages == MESSAGES


def test_a_session_that_ends_with_messages_in_flight_leaves_them_in_doubt() -> None:
    with RelpServer(withhold_from(5)) as server, transport_to(server.port) as transport:
        transport.send(MESSAGES[:10])
        eventually(lambda: len(server.messages) == 10)
        server.say(b"0 serverclose 0\n")
        with pytest.raises(UnconfirmedError, match="has ended the session"):
            transport.confirm()
        assert transport.acknowledged == 5


@pytest.mark.parametrize("key", ["idle_seconds", "max_connection_seconds"])
def test_an_old_connection_is_ended_in_order_and_only_when_all_is_answered(key: str) -> None:
    settings: dict[str, Any] = {key: 0.05}
    with RelpServer() as server, transport_to(server.port, **settings) as transport:
        transport.send(MESSAGES)

        def is_retired() -> bool:
            transport.retire()
            return transport.state is State.IDLE

        eventually(is_retired)
        assert server.messages == MESSAGES
        assert server.commands[-1] == b"close"
        assert transport.confirm()
        assert not server.breaches


def test_a_watched_connection_is_replaced_by_another_before_it_ends() -> None:
    with (
        RelpServer() as server,
        transport_to(server.port, max_connection_seconds=0.05) as transport,
    ):
        transport.watch()

        def is_replaced() -> bool:
            transport.watch()
            return server.sessions > 1

        eventually(is_replaced)
        assert transport.state is State.OPEN


def test_a_receiver_that_does_not_answer_our_close_holds_nothing_up() -> None:
    def be_silent(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"1 rsp 37 200 OK\nrelp_version=0\ncommands=syslog\n")
        while connection.recv(1000):
            pass

    with serve(be_silent) as port, transport_to(port) as transport:
        transport.connect()
        begun = time.monotonic()
        transport.close()
        assert transport.state is State.IDLE
        assert time.monotonic() - begun < 30  # and not the 300 s of `timeout`


def test_a_receiver_without_relp_is_said_so() -> None:
    def read_all(connection: socket.socket) -> None:
        while connection.recv(1000):
            pass

    with serve(read_all) as port, transport_to(port, timeout=0.5) as transport:
        with pytest.raises(ConnectError, match="no answer when a RELP session was opened"):
            transport.connect()
        assert transport.state is State.IDLE


def test_a_receiver_that_ends_the_connection_is_said_so() -> None:
    with (
        serve(lambda connection: connection.recv(1000)) as port,
        transport_to(port) as transport,
        pytest.raises(ConnectError, match=r"does the receiver speak RELP.*protocol=relp\+tls"),
    ):
        transport.connect()


def test_plain_relp_to_a_port_for_tls_is_said_so(authority: TemporaryCA) -> None:
    with (
        SyslogReceiver("tls", ssl_context=authority.server_context()) as receiver,
        transport_to(receiver.port) as transport,
        pytest.raises(ConnectError, match=r"protocol=relp\+tls"),
    ):
        transport.connect()


@pytest.mark.parametrize(
    ("accepted", "problem"),
    [(b"500 full", "refuses the session: '500 full'"), (b"200 OK", "no version")],
)
def test_a_session_that_is_not_accepted_is_no_connection(accepted: bytes, problem: str) -> None:
    with (
        RelpServer(accepted=accepted) as server,
        transport_to(server.port) as transport,
        pytest.raises(ConnectError, match=problem),
    ):
        transport.send(MESSAGES)


def test_no_listener_is_no_connection() -> None:
    with hold_closed_port() as port, transport_to(port) as transport:
        with pytest.raises(ConnectError):
            transport.send(MESSAGES)
        assert transport.confirm()


def test_a_client_s_messages_keep_their_line_feeds() -> None:
    with RelpServer() as server:
        with SyslogClient("127.0.0.1", server.port, protocol="relp", newlines="keep") as client:
            client.send(SyslogMessage(message="a\nb"))
        assert server.messages == [b"<14>1 - - - - - - a\nb"]
