"""Several receivers over real sockets: who gets the logs, when, and what is said of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any

import pytest

from sls_syslog import (
    ConnectError,
    MessageTooLongError,
    SendError,
    ShipperSettings,
    SyslogClient,
    TlsError,
    TransportError,
    UnconfirmedError,
)
from sls_syslog.network.deadline import Stop
from sls_syslog.network.failover import FailoverTransport, open_transport
from sls_syslog.network.stream import StreamTransport
from sls_syslog.network.timings import Timings
from sls_syslog.network.transport import Transport
from sls_syslog.network.udp import UdpTransport
from sls_syslog.settings.client import ClientSettings
from sls_syslog.testing import SlsEmulator, SyslogReceiver, TemporaryCA
from tests.support.shipping import numbers, shipping
from tests.support.waiting import eventually

FRAMES = [b"<14>1 - - - - - - %d\n" % number for number in range(100)]
FAIL_BACK = Timings().fail_back
SENT = [frame.rstrip(b"\n") for frame in FRAMES]


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def two() -> Iterator[list[SyslogReceiver]]:
    with SyslogReceiver() as first, SyslogReceiver() as second:
        yield [first, second]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """What failover has said so far."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(f"{record.levelname} {record.getMessage()}")

    said: list[str] = []
    handler, logger = Lines(), logging.getLogger("sls_syslog.network")
    caplog.set_level(logging.INFO, logger.name)
    logger.addHandler(handler)
    yield said
    logger.removeHandler(handler)


def settings_for(receivers: list[SyslogReceiver], **settings: Any) -> ClientSettings:
    hosts = [f"{receiver.host}:{receiver.port}" for receiver in receivers]
    protocol = receivers[0].protocol
    return ClientSettings.of({"hosts": hosts, "protocol": protocol, "timeout": 10, **settings})


def failover_to(
    receivers: list[SyslogReceiver], clock: Clock | None = None, **settings: Any
) -> FailoverTransport:
    return FailoverTransport(
        settings_for(receivers, **settings), Stop(), 10, clock=clock or Clock()
    )


def deliver(transport: Transport) -> None:
    transport.send(FRAMES)
    assert transport.confirm()


def deliver_at_last(transport: Transport, tries: int) -> int:
    """Deliver like one who sends all again after each failure; how many failures there were."""
    for failures in range(tries):
        try:
            deliver(transport)
        except TransportError:
            transport.close()
        else:
            return failures
    raise AssertionError(f"not delivered in {tries} tries")


def end(receiver: SyslogReceiver) -> None:
    """As when its process is killed; it can listen again."""
    receiver.stop_listening()
    receiver.reset_connections()


@pytest.mark.parametrize(
    ("mapping", "kind"),
    [
        ({"host": "siem"}, StreamTransport),
        ({"host": "siem", "protocol": "udp"}, UdpTransport),
        ({"hosts": "siem"}, StreamTransport),
        ({"hosts": "siem,relay"}, FailoverTransport),
        ({"hosts": "siem,relay", "protocol": "udp"}, FailoverTransport),
    ],
)
def test_the_settings_choose_the_transport(mapping: dict[str, Any], kind: type) -> None:
    assert type(open_transport(ShipperSettings.of(mapping))) is kind


def test_the_first_takes_everything_as_long_as_it_works(
    two: list[SyslogReceiver], lines: list[str]
) -> None:
    with closing(failover_to(two)) as transport:
        for _ in range(3):
            deliver(transport)
    assert two[0].frames == SENT * 3
    assert two[1].connections == 0
    assert not lines


def test_the_next_is_used_when_the_first_is_down_at_the_start(
    two: list[SyslogReceiver], lines: list[str]
) -> None:
    two[0].stop_listening()
    first, second = [one.destination for one in settings_for(two).receivers]
    with closing(failover_to(two)) as transport:
        with pytest.raises(ConnectError, match=f"127.0.0.1:{two[0].port}: .*refused"):
            transport.send(FRAMES)
        deliver(transport)
        deliver(transport)
    assert two[1].frames == SENT * 2
    (line,) = lines
    assert line.startswith(f"WARNING {first}: ")
    assert "refused" in line
    assert line.endswith(f"; from now on {second} takes the logs")


def test_nothing_is_lost_when_a_receiver_dies_in_the_middle(two: list[SyslogReceiver]) -> None:
    messages = [f"message {number}" for number in range(300)]
    unconfirmed: list[str] = []
    with closing(SyslogClient.from_settings(settings_for(two))) as client:
        for number, message in enumerate(messages, start=1):
            unconfirmed.append(message)
            if number == 150:
                two[0].pause()
                end(two[0])
            if number % 50 == 0:
                send_until_confirmed(client, unconfirmed)
                unconfirmed.clear()
    received = {message.msg for receiver in two for message in receiver.messages}
    assert received == set(messages)
    assert two[1].messages[-1].msg == messages[-1]


def test_shards_ship_to_the_next_receiver_and_lose_nothing(
    sls_emulator: SlsEmulator, two: list[SyslogReceiver]
) -> None:
    settings = {"hosts": [f"127.0.0.1:{receiver.port}" for receiver in two], "timeout": 5}
    with shipping(sls_emulator, settings):
        sls_emulator.put_logs([{"n": str(n)} for n in range(200)])
        two[0].wait_for(100)
        two[0].pause()
        end(two[0])
        sls_emulator.put_logs([{"n": str(n)} for n in range(200, 400)])
        eventually(lambda: set(numbers(two[0])) | set(numbers(two[1])) == set(range(400)))
    assert set(range(200, 400)) <= set(numbers(two[1]))


def send_until_confirmed(client: SyslogClient, messages: list[str]) -> None:
    for _ in range(5):
        try:
            for message in messages:
                client.log(message)
            return client.confirm()
        except TransportError:
            client.close()
    raise AssertionError("five failures")


def test_what_was_in_doubt_when_a_receiver_failed_is_not_forgotten(
    two: list[SyslogReceiver],
) -> None:
    with closing(failover_to(two)) as transport:
        transport.send(FRAMES)
        two[0].wait_for(len(FRAMES))
        end(two[0])
        with pytest.raises(SendError):
            for _ in range(100):
                transport.send(FRAMES)
        transport.send(FRAMES)  # goes to the second, which says nothing of the first
        with pytest.raises(UnconfirmedError, match=f":{two[0].port}: delivery not confirmed"):
            transport.confirm()
        deliver(transport)
    assert two[1].frames == SENT * 2


def test_a_failure_of_nothing_leaves_nothing_in_doubt(two: list[SyslogReceiver]) -> None:
    two[0].stop_listening()
    with closing(failover_to(two)) as transport:
        with pytest.raises(ConnectError):
            transport.send(FRAMES)
        assert transport.confirm()
        deliver(transport)


def test_all_are_tried_in_turn_until_one_is_back(lines: list[str]) -> None:
    with ExitStack() as stack:
        receivers = [stack.enter_context(SyslogReceiver()) for _ in range(3)]
        for receiver in receivers:
            receiver.stop_listening()
        transport = stack.enter_context(closing(failover_to(receivers)))
        ports = []
        for _ in range(7):
            with pytest.raises(ConnectError) as failed:
                transport.connect()
            ports.append(failed.value.destination.rpartition(":")[2])
        assert ports == [str(receivers[turn % 3].port) for turn in range(7)]
        assert not lines  # whoever tries again and again says so, once
        receivers[2].listen_again()
        assert deliver_at_last(transport, tries=3) == 1
        assert receivers[2].frames == SENT
    assert len(lines) == 1
    assert f":{receivers[2].port} takes the logs" in lines[0]


def test_a_short_outage_of_all_changes_nothing(two: list[SyslogReceiver], lines: list[str]) -> None:
    with closing(failover_to(two)) as transport:
        deliver(transport)
        for receiver in two:
            end(receiver)
        for _ in range(2):
            with pytest.raises(TransportError):
                transport.send(FRAMES)
        two[0].listen_again()
        assert deliver_at_last(transport, tries=2) == 0
    assert two[0].frames == SENT * 2
    assert not lines


def test_the_first_is_used_again_after_a_while(two: list[SyslogReceiver], lines: list[str]) -> None:
    clock = Clock()
    two[0].stop_listening()
    first, second = [one.destination for one in settings_for(two).receivers]
    with closing(failover_to(two, clock)) as transport:
        assert deliver_at_last(transport, tries=2) == 1
        two[0].listen_again()
        clock.now += FAIL_BACK - 1
        deliver(transport)
        assert two[0].frames == []
        clock.now += 1
        deliver(transport)
        deliver(transport)
    assert two[0].frames == SENT * 2
    assert two[1].frames == SENT * 2
    assert lines[1:] == [f"INFO {first} takes the logs again, instead of {second}"]


def test_a_first_that_is_still_down_costs_nothing(
    two: list[SyslogReceiver], lines: list[str]
) -> None:
    clock = Clock()
    two[0].stop_listening()
    with closing(failover_to(two, clock)) as transport:
        assert deliver_at_last(transport, tries=2) == 1
        for _ in range(3):
            clock.now += FAIL_BACK
            deliver(transport)
        two[0].listen_again()
        deliver(transport)
        assert two[0].frames == []  # it was looked for a moment ago
        clock.now += FAIL_BACK
        deliver(transport)
        assert two[0].frames == SENT
    assert len(lines) == 2


def test_nobody_leaves_a_receiver_that_has_not_confirmed(two: list[SyslogReceiver]) -> None:
    clock = Clock()
    two[0].stop_listening()
    with closing(failover_to(two, clock)) as transport:
        assert deliver_at_last(transport, tries=2) == 1
        two[0].listen_again()
        transport.send(FRAMES)
        clock.now += FAIL_BACK
        transport.send(FRAMES)
        assert transport.confirm()
        assert two[1].frames == SENT * 3
        with pytest.raises(SendError, match="failing over to"):  # it is watched no longer
            transport.watch()
        deliver(transport)
    assert two[0].frames == SENT


@pytest.mark.gate
def test_a_first_that_fails_as_soon_as_it_is_used_is_tried_less_often(
    two: list[SyslogReceiver], lines: list[str]
) -> None:
    clock = Clock()
    two[0].stop_listening()
    with closing(failover_to(two, clock, timeout=1, confirm="consumed")) as transport:
        assert deliver_at_last(transport, tries=2) == 1
        two[0].listen_again()
        two[0].pause()  # it can be connected to, and that is all
        waits: list[float] = []
        for _ in range(2):
            before, failures = clock.now, 0
            while not failures:
                clock.now += FAIL_BACK
                failures = deliver_at_last(transport, tries=2)
            waits.append(clock.now - before)
        assert waits == [FAIL_BACK, 2 * FAIL_BACK]
    assert len(lines) == 1


def test_a_connection_that_is_closed_for_being_idle_is_no_failure(
    two: list[SyslogReceiver],
) -> None:
    with closing(failover_to(two, confirm="written")) as transport:
        deliver(transport)
        two[0].wait_for(len(FRAMES))
        two[0].reset_connections()
        with pytest.raises(SendError):
            transport.watch()
        deliver(transport)
        two[0].wait_for(2 * len(FRAMES))
    assert two[1].connections == 0


def test_many_shards_change_with_one_line(two: list[SyslogReceiver], lines: list[str]) -> None:
    clock = Clock()
    with ExitStack() as stack:
        shards = [stack.enter_context(closing(failover_to(two, clock))) for _ in range(16)]
        threads = stack.enter_context(ThreadPoolExecutor(16))
        list(threads.map(deliver, shards))
        end(two[0])
        assert list(threads.map(lambda shard: deliver_at_last(shard, tries=2), shards)) == [1] * 16
        assert [line.split()[0] for line in lines] == ["WARNING"]
        two[0].listen_again()
        clock.now += FAIL_BACK
        list(threads.map(deliver, shards))
    assert [line.split()[0] for line in lines] == ["WARNING", "INFO"]
    assert len(two[0].frames) == len(two[1].frames) + len(SENT) * 16


def test_each_receiver_is_verified_by_its_own_name(temporary_ca: TemporaryCA) -> None:
    with ExitStack() as stack:
        receivers = [
            stack.enter_context(
                SyslogReceiver("tls", ssl_context=temporary_ca.server_context(name))
            )
            for name in ("localhost", "127.0.0.1")
        ]
        ports = [receiver.port for receiver in receivers]
        trust = {"protocol": "tls", "cert_path": temporary_ca.cert_path, "timeout": 10}
        right = ClientSettings.of({"hosts": "localhost:{},127.0.0.1:{}".format(*ports), **trust})
        wrong = ClientSettings.of({"hosts": "127.0.0.1:{},localhost:{}".format(*ports), **trust})
        with closing(open_transport(right)) as transport:
            deliver(transport)
            end(receivers[0])
            assert deliver_at_last(transport, tries=2) == 1
            receivers[0].listen_again()
        assert [receiver.frames for receiver in receivers] == [SENT, SENT]
        with closing(open_transport(wrong)) as transport:
            for port in ports:
                with pytest.raises(TlsError, match=f":{port}: .*not trusted"):
                    transport.send(FRAMES)


def test_one_name_may_be_that_of_all(temporary_ca: TemporaryCA) -> None:
    with ExitStack() as stack:
        receivers = [
            stack.enter_context(
                SyslogReceiver("tls", ssl_context=temporary_ca.server_context("siem.example"))
            )
            for _ in range(2)
        ]
        settings = settings_for(
            receivers, cert_path=temporary_ca.cert_path, server_hostname="siem.example"
        )
        with closing(open_transport(settings)) as transport:
            deliver(transport)
            end(receivers[0])
            assert deliver_at_last(transport, tries=2) == 1
        assert [receiver.frames for receiver in receivers] == [SENT, SENT]


def test_a_refused_datagram_is_a_failure() -> None:
    with SyslogReceiver("udp") as first, SyslogReceiver("udp") as second:
        first.stop_listening()
        with closing(failover_to([first, second])) as transport:
            with pytest.raises(SendError, match=f":{first.port}: .*refused"):
                for _ in range(100):
                    transport.send(FRAMES)
            transport.close()  # gives up what is in doubt
            deliver(transport)
            second.wait_for(len(FRAMES))


def test_a_datagram_that_is_too_long_is_no_failure() -> None:
    with SyslogReceiver("udp") as first, SyslogReceiver("udp") as second:
        with closing(failover_to([first, second])) as transport:
            with pytest.raises(MessageTooLongError):
                transport.send([b"x" * 70_000])
            deliver(transport)
        first.wait_for(len(FRAMES))
        assert second.frames == []
