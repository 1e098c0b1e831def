"""Connections that rest, or live long: ended before somebody on the way ends them."""

from __future__ import annotations

import selectors
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from sls_syslog import SendError, SyslogClient, UnconfirmedError
from sls_syslog.network.destination import known_destinations
from sls_syslog.network.failover import open_transport
from sls_syslog.network.half_close import Answer
from sls_syslog.settings.client import ClientSettings
from sls_syslog.testing import SlsEmulator, SyslogReceiver, TemporaryCA
from tests.support.peers import Relay, reset_on_close
from tests.support.shipping import GROUP, numbers, shipping
from tests.support.timings import probe_soon
from tests.support.waiting import eventually

LEVELS = ["consumed", "written", *(["acked"] if sys.platform == "linux" else [])]


def texts(receiver: SyslogReceiver) -> list[str]:
    return [message.msg for message in receiver.messages]


def client_of(settings: dict[str, Any], **changes: Any) -> SyslogClient:
    return SyslogClient.from_settings({"timeout": 10, **settings, **changes})


# --- somebody on the way who ends what is idle ------------------------------------


class Balancer(Relay):
    """A load balancer: it passes on what comes, and forgets a connection that rests.

    Args:
        port: Where to, on this machine.
        way: What it does with a connection that has rested: ``closes``, ``resets``, or
            ``swallows`` what still comes, as a firewall does that has lost its state.
        seconds: For how long one may rest.
    """

    def __init__(self, port: int, way: str, seconds: float) -> None:
        super().__init__(port)
        self.forgotten = threading.Semaphore(0)
        self._way, self._seconds = way, seconds

    def pass_on(self, here: socket.socket, there: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(here, selectors.EVENT_READ, there)
            selector.register(there, selectors.EVENT_READ, here)
            while ready := selector.select(self._seconds):
                for key, _ in ready:
                    if not self._pass_on(key.fileobj, key.data):
                        selector.unregister(key.fileobj)
                if not selector.get_map():
                    return
        if self._way == "resets":
            reset_on_close(here)
        if self._way != "swallows":
            here.close()
        self.forgotten.release()
        if self._way == "swallows":
            self.ending.wait()

    @staticmethod
    def _pass_on(source: Any, target: socket.socket) -> bool:
        chunk = source.recv(65536)
        if chunk:
            target.sendall(chunk)
        else:
            target.shutdown(socket.SHUT_WR)
        return bool(chunk)


@contextmanager
def behind(
    way: str, seconds: float = 1.0
) -> Iterator[tuple[SyslogReceiver, Balancer, dict[str, Any]]]:
    with SyslogReceiver() as receiver, Balancer(receiver.port, way, seconds) as relay:
        yield receiver, relay, {**receiver.settings(), "port": relay.port}


@pytest.mark.parametrize("way", ["closes", "swallows"])
def test_a_naive_sender_loses_what_follows_a_rest(way: str) -> None:
    with (
        behind(way) as (receiver, relay, _),
        socket.create_connection(("127.0.0.1", relay.port)) as naive,
    ):
        naive.sendall(b"<14>1 - - - - - - before\n")
        receiver.wait_for(1)
        assert relay.forgotten.acquire(timeout=10)
        naive.sendall(b"<14>1 - - - - - - after\n")  # and nobody complains
    assert texts(receiver) == ["before"]


@pytest.mark.parametrize("way", ["closes", "resets", "swallows"])
def test_what_follows_a_rest_goes_over_a_new_connection(way: str) -> None:
    with behind(way) as (receiver, relay, settings):
        with client_of(settings, confirm="written", idle_seconds=0.1) as client:
            client.log("before")
            client.confirm()
            assert relay.forgotten.acquire(timeout=10)
            client.log("after")
        receiver.wait_for(2)
        assert texts(receiver) == ["before", "after"]


def test_without_a_limit_written_is_no_more_than_written() -> None:
    with (
        behind("swallows") as (receiver, relay, settings),
        client_of(settings, confirm="written", idle_seconds=0) as client,
    ):
        client.log("before")
        client.confirm()
        assert relay.forgotten.acquire(timeout=10)
        client.log("after")
    assert texts(receiver) == ["before"]


@pytest.mark.parametrize("way", ["closes", "resets"])
def test_what_was_not_confirmed_before_a_rest_is_said_to_be_in_doubt(way: str) -> None:
    with behind(way) as (receiver, relay, settings):
        with client_of(settings, idle_seconds=0.1) as client:
            client.log("before")
            assert relay.forgotten.acquire(timeout=10)
            with pytest.raises(SendError):
                client.log("after")
            with pytest.raises(UnconfirmedError):
                client.confirm()
            client.log("before")
            client.log("after")
        assert texts(receiver)[-2:] == ["before", "after"]


@pytest.mark.gate
def test_a_shard_s_connection_is_ended_before_somebody_forgets_it(
    sls_emulator: SlsEmulator,
) -> None:
    with behind("swallows", seconds=8) as (receiver, _, settings):
        settings |= {"confirm": "written", "idle_seconds": 0.1}
        with shipping(sls_emulator, settings):
            for number in range(2):
                sls_emulator.put_logs([{"n": str(number)}], shard=0)
                receiver.wait_for(number + 1)
                sls_emulator.wait_until_drained(GROUP)
                receiver.wait_until(lambda: receiver.open_connections == 0)
    assert numbers(receiver) == [0, 1]
    assert receiver.used_connections == 2


# --- a receiver that has everything, and one that may not -------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_a_rest_of_a_client_confirms_what_went_before_it(level: str) -> None:
    with SyslogReceiver() as receiver:
        with client_of(receiver.settings(), confirm=level, idle_seconds=0.02) as client:
            for number in range(5):
                client.log(str(number))
                receiver.wait_until(lambda: receiver.open_connections > 0)
                time.sleep(0.05)  # a rest
        assert texts(receiver) == list("01234")
        assert receiver.used_connections == 5
        assert receiver.resets == 0


def test_a_connection_stays_while_nothing_can_be_known_of_what_went_over_it(
    syslog_receiver: SyslogReceiver,
) -> None:
    """A half-close of it, never answered, would leave what it carried in doubt."""
    probe_soon(syslog_receiver.settings())
    syslog_receiver.answer_half_close = False
    client = client_of(syslog_receiver.settings(), idle_seconds=0.01)
    sent = 0

    def is_doubted() -> bool:
        nonlocal sent
        client.log(str(sent))
        sent += 1
        half_close = known_destinations.find(client.settings.destination).half_close
        return half_close.known is Answer.DOUBTED

    with closing(client):
        eventually(is_doubted)
        for _ in range(3):
            time.sleep(0.05)  # a rest
            is_doubted()
        syslog_receiver.wait_for(sent)
        assert texts(syslog_receiver) == [str(number) for number in range(sent)]
        assert syslog_receiver.used_connections == 1


# --- age --------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["tcp", "tls"])
@pytest.mark.parametrize("level", LEVELS)
def test_under_steady_traffic_old_connections_are_replaced_and_nothing_is_lost(
    level: str, protocol: str, temporary_ca: TemporaryCA
) -> None:
    context = temporary_ca.server_context() if protocol == "tls" else None
    trust = {"cert_path": temporary_ca.cert_path} if protocol == "tls" else {}
    sent: list[str] = []
    with SyslogReceiver(protocol, ssl_context=context) as receiver:
        limits = {"confirm": level, "max_connection_seconds": 0.1}
        with client_of(receiver.settings(), **trust, **limits) as client:

            def are_several_connections() -> bool:
                sent.append(str(len(sent)))
                client.log(sent[-1])
                return receiver.connections >= 4

            eventually(are_several_connections)
        receiver.wait_for(len(sent))
        assert texts(receiver) == sent
        assert receiver.resets == 0


@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is this machine on Linux only")
def test_a_name_that_moves_is_followed_without_a_failure(names: dict[str, str | list[str]]) -> None:
    with SyslogReceiver() as old, SyslogReceiver(host="127.0.0.2", port=old.port) as new:
        names["siem.example"] = old.host
        settings = {"host": "siem.example", "port": old.port, "confirm": "written"}
        with client_of(settings, max_connection_seconds=0.1) as client:
            client.log("here")
            old.wait_for(1)
            names["siem.example"] = new.host

            def has_followed() -> bool:
                client.log("where")
                return new.connections > 0

            eventually(has_followed)
        old.wait_until(lambda: old.open_connections == 0)
        new.wait_for(1)


# --- settings ---------------------------------------------------------------------


def test_the_receiver_in_use_of_several_is_rested_from() -> None:
    with SyslogReceiver() as first, SyslogReceiver() as second:
        first.stop()
        hosts = [f"127.0.0.1:{receiver.port}" for receiver in (first, second)]
        settings = ClientSettings(hosts=tuple(hosts), confirm="written", idle_seconds=0.1)
        with closing(open_transport(settings)) as transport:
            with pytest.raises(OSError, match="refused"):
                transport.connect()
            transport.send([b"<14>1 - - - - - - one\n"])
            assert transport.confirm()
            second.wait_for(1)

            def is_rested_from() -> bool:
                transport.retire()
                return second.open_connections == 0

            eventually(is_rested_from)


@pytest.mark.parametrize("key", ["idle_seconds", "max_connection_seconds"])
def test_datagrams_have_no_connection_to_limit(key: str) -> None:
    with pytest.raises(ValueError, match=f"^{key}: contradicts protocol 'udp'"):
        ClientSettings.from_mapping({"host": "siem", "protocol": "udp", key: 5})
