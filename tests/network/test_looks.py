"""Short messages go without a look for the receiver's end; no lost one is ever confirmed."""

from __future__ import annotations

import math
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any

import pytest

from sls_syslog import SendError, UnconfirmedError
from sls_syslog.network import connection
from sls_syslog.network.failover import open_transport
from sls_syslog.network.tcp import TcpSocket
from sls_syslog.network.transport import Transport
from sls_syslog.settings.client import ClientSettings
from sls_syslog.testing import SyslogReceiver

LEVELS = ["auto", "consumed", "written", *(["acked"] if sys.platform == "linux" else [])]
ENDINGS = {"end": SyslogReceiver.stop, "reset": SyslogReceiver.reset_connections}
FIRST = 20  # messages; the first ones look, to see how large the receiver's window is


@pytest.fixture
def _one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one look last for ever, so that no machine is too slow for what a test wants to see."""
    monkeypatch.setattr(connection, "_LOOK_SECONDS", math.inf)


@contextmanager
def begin(receiver: SyslogReceiver, **settings: Any) -> Iterator[Transport]:
    """A transport that has sent a few messages, which have arrived."""
    mapping = {**receiver.settings(), "timeout": 10, **settings}
    transport = open_transport(ClientSettings.of(mapping))
    try:
        for number in range(FIRST):
            transport.send((b"<14>1 - - - - - - first %d\n" % number,))
        receiver.wait_for(FIRST)
        yield transport
    finally:
        transport.close()


def send(transport: Transport, text: bytes) -> None:
    transport.send((b"<14>1 - - - - - - %b\n" % text,))


def end(receiver: SyslogReceiver, ending: str) -> None:
    ENDINGS[ending](receiver)
    receiver.wait_until(lambda: receiver.open_connections == 0)


@pytest.mark.usefixtures("_one_look")
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("level", LEVELS)
def test_an_end_that_no_message_has_seen_is_seen_by_the_confirmation(
    syslog_receiver: SyslogReceiver, level: str, ending: str
) -> None:
    with begin(syslog_receiver, confirm=level) as transport:
        end(syslog_receiver, ending)
        if ending == "end":
            send(transport, b"lost")  # which the system takes
        with pytest.raises(UnconfirmedError):
            transport.confirm()


@pytest.mark.usefixtures("_one_look")
def test_a_reset_is_seen_by_the_next_message(syslog_receiver: SyslogReceiver) -> None:
    with begin(syslog_receiver) as transport:
        end(syslog_receiver, "reset")
        with pytest.raises(SendError):
            send(transport, b"not sent")
        with pytest.raises(UnconfirmedError):
            transport.confirm()


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_end_is_seen_by_the_first_message_after_a_moment(
    syslog_receiver: SyslogReceiver, ending: str
) -> None:
    with begin(syslog_receiver) as transport:
        end(syslog_receiver, ending)
        time.sleep(connection._LOOK_SECONDS)
        with pytest.raises(SendError):
            send(transport, b"not sent")
        with pytest.raises(UnconfirmedError):
            transport.confirm()


@pytest.mark.usefixtures("_one_look")
def test_an_end_after_a_confirmation_loses_nothing(syslog_receiver: SyslogReceiver) -> None:
    with begin(syslog_receiver, confirm="written") as transport:
        transport.confirm()
        syslog_receiver.reset_connections()
        syslog_receiver.wait_until(lambda: syslog_receiver.open_connections == 0)
        send(transport, b"over a new connection")
        assert transport.confirm()
        syslog_receiver.wait_for(FIRST + 1)


@pytest.mark.usefixtures("_one_look")
def test_a_message_is_one_system_call(
    syslog_receiver: SyslogReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    with begin(syslog_receiver) as transport:
        for name in ("send", "receive", "wait", "count_unacknowledged"):
            spy_on(monkeypatch, name, calls)
        for _ in range(100):
            send(transport, b"x")
        assert calls == ["send"] * 100
    syslog_receiver.wait_for(FIRST + 100)


@pytest.mark.usefixtures("_one_look")
@pytest.mark.parametrize("level", LEVELS)
def test_what_the_system_gathers_is_sent_before_it_is_confirmed(
    syslog_receiver: SyslogReceiver, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with begin(syslog_receiver, confirm=level) as transport:
        asked: list[bool] = []
        monkeypatch.setattr(TcpSocket, "gather", lambda _, wanted: asked.append(wanted))
        send(transport, b"one")
        send(transport, b"two")
        send(transport, b"x" * 20_000)  # which looks
        assert asked == [True, True, False]
        send(transport, b"three")
        assert transport.confirm()
        assert asked[3:] == [True, False]
    syslog_receiver.wait_for(FIRST + 4)


def test_a_socket_gathers_only_while_it_is_told_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        (address,) = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        tested = TcpSocket(address)
        try:
            for is_wanted in (False, True, True, False):
                tested.gather(is_wanted)
                with socket.socket(fileno=os.dup(tested.fileno())) as same:
                    is_at_once = same.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                assert bool(is_at_once) is not is_wanted
        finally:
            tested.close()


def spy_on(monkeypatch: pytest.MonkeyPatch, name: str, calls: list[str]) -> None:
    """Note each call of a method of ``TcpSocket``."""
    method = getattr(TcpSocket, name)

    def note_and_call(*arguments: Any, **options: Any) -> Any:
        calls.append(name)
        return method(*arguments, **options)

    monkeypatch.setattr(TcpSocket, name, note_and_call)


@pytest.mark.usefixtures("_one_look")
def test_what_the_system_takes_in_parts_arrives_whole(syslog_receiver: SyslogReceiver) -> None:
    texts = [b"%d " % number + b"x" * 15_000 for number in range(1000)]  # more than it can hold
    with begin(syslog_receiver) as transport:
        syslog_receiver.pause()
        late = Timer(0.2, syslog_receiver.resume)
        late.start()
        for text in texts:
            send(transport, text)
        assert transport.confirm()
        late.join()
    assert [message.msg.encode() for message in syslog_receiver.messages[FIRST:]] == texts


@pytest.mark.usefixtures("_one_look")
def test_a_receiver_that_stops_reading_is_an_error(syslog_receiver: SyslogReceiver) -> None:
    with begin(syslog_receiver, timeout=0.5) as transport:
        syslog_receiver.pause()
        with pytest.raises(SendError, match=r"0\.5 s"):
            for _ in range(10_000):
                send(transport, b"x" * 15_000)
        with pytest.raises(UnconfirmedError):
            transport.confirm()
