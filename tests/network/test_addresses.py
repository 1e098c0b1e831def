"""Names with several addresses: one that is away, or drops what it gets, is no obstacle."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from typing import Any

import pytest

from sls_syslog import ConnectError, SendError
from sls_syslog.network.addresses import AddressOrder
from sls_syslog.network.deadline import Stop
from sls_syslog.network.destination import known_destinations
from sls_syslog.network.failover import open_transport
from sls_syslog.network.resolver import Address
from sls_syslog.network.timings import Timings
from sls_syslog.settings.client import ClientSettings
from sls_syslog.testing import SyslogReceiver, TemporaryCA
from tests.support.deliveries import FRAMES
from tests.support.timings import hand_in
from tests.support.waiting import eventually

NAME = "siem.example"
DEAD, ALIVE = "127.0.0.2", "127.0.0.1"
# Far longer than a test waits: no address may use it up.
PATIENT = 600.0
LIMIT = 30.0

Names = dict[str, Any]

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="all of 127.0.0.0/8 is this machine")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def four(number: int) -> Address:
    return socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{number}", 514)


def six(number: int) -> Address:
    return socket.AF_INET6, socket.SOCK_STREAM, 6, "", (f"2001:db8::{number}", 514, 0, 0)


# --- the order --------------------------------------------------------------------


def test_the_order_of_the_resolver_stays_and_the_families_take_turns() -> None:
    found = [six(1), six(2), six(3), four(1), four(2)]
    assert AddressOrder().arrange(found) == [six(1), four(1), six(2), four(2), six(3)]
    found = [four(2), four(1), four(2)]
    assert AddressOrder().arrange(found) == [four(2), four(1)]


def test_an_address_that_failed_is_the_last_for_a_while() -> None:
    clock = Clock()
    order = AddressOrder(Timings(avoid_address=60.0), clock)
    found = [six(1), four(1), four(2)]
    order.note_failures([six(1)])
    assert order.arrange(found) == [four(1), four(2), six(1)]
    clock.now += 30
    order.note_failures([four(1)])
    assert order.arrange(found) == [four(2), six(1), four(1)]
    clock.now += 45
    assert order.arrange(found) == [six(1), four(2), four(1)]
    clock.now += 45
    assert order.arrange(found) == [six(1), four(1), four(2)]


def test_of_many_addresses_all_are_tried_in_the_end() -> None:
    order = AddressOrder()
    found = [four(number) for number in range(50)]
    tried: set[Address] = set()
    for _ in range(7):
        addresses = order.arrange(found)
        assert len(addresses) == 8
        order.note_failures(addresses)
        tried |= set(addresses)
    assert tried == set(found)


def test_few_failures_are_remembered_however_many_addresses_a_name_has() -> None:
    order = AddressOrder()
    for number in range(5000):
        order.note_failures([(socket.AF_INET, 1, 6, "", (f"host {number}", 514))])
    assert len(order._failed_at) == 100


def test_a_receiver_that_is_far_away_has_more_time_to_answer() -> None:
    order = AddressOrder()
    expected = {0.01: 0.25, 0.3: 0.6, 3.0: 2.0, 0.1: 0.25}
    for round_trip, stagger in expected.items():
        order.note_round_trip(round_trip)
        assert order.stagger == stagger


# --- streams ----------------------------------------------------------------------


def listen_at_dead() -> socket.socket:
    """Listen at ``DEAD``, with a queue of no length, at a port that is free at ``ALIVE`` too."""
    for _ in range(20):
        listener = socket.socket()
        listener.bind((DEAD, 0))
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind((ALIVE, listener.getsockname()[1]))
            listener.listen(0)
            return listener
        listener.close()
    pytest.fail("no port is free at both addresses")


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port of ``DEAD`` that drops what comes: the queue of its listener is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(listen_at_dead())
        for _ in range(3):
            waiting = stack.enter_context(closing(socket.socket()))
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@on_linux
@pytest.mark.parametrize("protocol", ["tcp", "tls"])
@pytest.mark.parametrize("level", ["consumed", "written"])
def test_an_address_that_drops_what_it_gets_holds_up_nothing(
    names: Names, silent_port: int, temporary_ca: TemporaryCA, protocol: str, level: str
) -> None:
    names[NAME] = [DEAD, ALIVE]
    context = temporary_ca.server_context(NAME) if protocol == "tls" else None
    with SyslogReceiver(protocol, port=silent_port, ssl_context=context) as receiver:
        trust = {"cert_path": temporary_ca.cert_path} if context else {}
        settings = ClientSettings.of(
            {**receiver.settings(), **trust, "host": NAME, "timeout": PATIENT, "confirm": level}
        )
        stop = Stop(grace=0.0)
        with closing(open_transport(settings, stop)) as transport, ThreadPoolExecutor(1) as pool:
            try:
                pool.submit(transport.send, FRAMES).result(LIMIT)
                assert pool.submit(transport.confirm).result(LIMIT)
            finally:
                stop.request()
        receiver.wait_for(len(FRAMES))
    found = socket.getaddrinfo(NAME, silent_port, type=socket.SOCK_STREAM)
    (first, *_) = known_destinations.find(settings.destination).addresses.arrange(found)
    assert first[4][0] == ALIVE  # the next connection begins there


@on_linux
def test_an_address_that_hangs_in_the_handshake_leaves_time_for_the_next(
    names: Names, temporary_ca: TemporaryCA
) -> None:
    names[NAME] = [DEAD, ALIVE]
    context = temporary_ca.server_context(NAME)
    with (
        SyslogReceiver("tls", ssl_context=context) as receiver,
        socket.create_server((DEAD, receiver.port)),
    ):
        settings = {**receiver.settings(), "cert_path": temporary_ca.cert_path, "host": NAME}
        client = ClientSettings.of({**settings, "timeout": 6, "confirm": "written"})
        with closing(open_transport(client)) as transport:
            transport.send(FRAMES)
        receiver.wait_for(len(FRAMES))


@on_linux
def test_a_name_with_many_addresses_does_not_take_the_time_of_all(names: Names) -> None:
    names[NAME] = [f"127.0.1.{number}" for number in range(1, 51)]
    with socket.socket() as holder:
        holder.bind(("", 0))  # and does not listen
        settings = ClientSettings(host=NAME, port=holder.getsockname()[1], timeout=30)
        with closing(open_transport(settings)) as transport:
            for _ in range(2):
                with pytest.raises(ConnectError) as failed:
                    transport.connect()
                tried = str(failed.value).count("127.0.1.")
                assert tried == 8


# --- datagrams --------------------------------------------------------------------


def datagrams(port: int) -> ClientSettings:
    return ClientSettings(host=NAME, port=port, protocol="udp")


@on_linux
def test_datagrams_go_to_the_next_address_after_a_refusal(names: Names) -> None:
    names[NAME] = [DEAD, ALIVE]
    with SyslogReceiver("udp") as receiver:
        with closing(open_transport(datagrams(receiver.port))) as transport:
            transport.send(FRAMES[:1])
            with pytest.raises(SendError, match="refused"):
                eventually(lambda: not transport.confirm())
            transport.send(FRAMES)
            assert transport.confirm()
            receiver.wait_for(len(FRAMES))
        with closing(open_transport(datagrams(receiver.port))) as transport:
            transport.send(FRAMES)
            assert transport.confirm()
        assert len(receiver.wait_for(2 * len(FRAMES))) == 2 * len(FRAMES)


@on_linux
def test_datagrams_follow_a_name_that_moves(names: Names) -> None:
    names[NAME] = ALIVE
    with SyslogReceiver("udp") as old, SyslogReceiver("udp", host=DEAD, port=old.port) as new:
        settings = datagrams(old.port)
        hand_in({"host": NAME, "port": old.port, "protocol": "udp"}, Timings(resolve_again=0.0))
        with closing(open_transport(settings)) as transport:
            transport.send(FRAMES)
            old.wait_for(len(FRAMES))
            names[NAME] = DEAD
            transport.send(FRAMES)
            assert transport.confirm()
            new.wait_for(len(FRAMES))
            assert len(old.frames) == len(FRAMES)


def test_datagrams_go_on_while_the_resolver_fails(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    names[NAME] = ALIVE
    with SyslogReceiver("udp") as receiver:
        settings = datagrams(receiver.port)
        hand_in(
            {"host": NAME, "port": receiver.port, "protocol": "udp"}, Timings(resolve_again=0.0)
        )
        with closing(open_transport(settings)) as transport:
            transport.send(FRAMES)
            monkeypatch.setattr(socket, "getaddrinfo", fail)
            transport.send(FRAMES)
            assert transport.confirm()
        receiver.wait_for(2 * len(FRAMES))
