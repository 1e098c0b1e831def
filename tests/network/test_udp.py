"""UDP: what it says of itself, and how fast it sends."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from sls_syslog import (
    MessageTooLongError,
    SendError,
    SyslogClient,
    SyslogMessage,
    UnconfirmedError,
)
from sls_syslog.network.deadline import Stop
from sls_syslog.network.failover import open_transport
from sls_syslog.network.pace import Pace
from sls_syslog.network.transport import Transport
from sls_syslog.settings.client import ClientSettings
from sls_syslog.testing import SyslogReceiver
from tests.support.datagrams import refuse_larger_datagrams
from tests.support.peers import hold_closed_port
from tests.support.waiting import eventually

FRAMES = [b"<14>1 - - - - - - %03d" % number for number in range(300)]


class SlowReceiver:
    """Takes a datagram, has something to do, takes the next: its buffer is all that it has."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.2)
        self.port = self._socket.getsockname()[1]
        self._sent = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> SlowReceiver:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._sent.set()
        self._thread.join(30)
        self._socket.close()

    def _run(self) -> None:
        while True:
            last = self._sent.is_set()
            with contextlib.suppress(TimeoutError):
                while True:
                    self.frames.append(self._socket.recv(2048))
                    time.sleep(0.005)
            if last:
                return


def udp(port: int, stop: Stop | None = None, rate: float | None = None) -> Transport:
    settings = ClientSettings(host="127.0.0.1", port=port, protocol="udp", max_rate=rate)
    return open_transport(settings, stop)


@pytest.fixture
def receiver() -> Iterator[SyslogReceiver]:
    with SyslogReceiver("udp") as running:
        yield running


def received(rate: float | None) -> list[bytes]:
    with SlowReceiver() as receiver, closing(udp(receiver.port, rate=rate)) as transport:
        transport.send(FRAMES)
        assert transport.confirm()
    return receiver.frames


def test_a_receiver_with_a_small_buffer_loses_what_comes_too_fast_and_nothing_else() -> None:
    assert len(received(rate=None)) < len(FRAMES)
    assert received(rate=100) == FRAMES


# --- the pace ---------------------------------------------------------------------


def moments(pace: Pace, rate: float, count: int, *, late: float = 0.0) -> list[float]:
    """When messages go out, if whoever sends them does nothing else and sleeps ``late`` longer."""
    now, sent = 1000.0, []
    for _ in range(count):
        wait = pace.reserve(now, rate)
        now += wait + (late if wait else 0.0)
        sent.append(now)
    return sent


def most_within(seconds: float, sent: list[float]) -> int:
    return max(sum(start <= at < start + seconds for at in sent) for start in sent)


@pytest.mark.parametrize("rate", [0.5, 7.0, 100.0, 1000.0, 20_000.0])
@pytest.mark.parametrize("late", [0.0, 0.001, 0.004])
def test_the_rate_is_kept_and_nearly_reached(rate: float, late: float) -> None:
    count = max(20, round(rate / 2))
    sent = moments(Pace(), rate, count, late=late)
    least = (count - 1) / rate
    assert least - 0.0101 <= sent[-1] - sent[0] <= least + 0.0101 + late


@pytest.mark.parametrize("rate", [0.5, 7.0, 100.0, 1000.0, 20_000.0])
def test_a_burst_is_as_large_as_a_hundredth_of_a_second(rate: float) -> None:
    sent = moments(Pace(), rate, 500)
    assert most_within(1e-9, sent) <= 0.01 * rate + 2
    assert most_within(1.0, sent) <= 1.01 * rate + 2


def test_idleness_is_not_saved_up() -> None:
    pace = Pace()
    moments(pace, 1000.0, 10)
    waits = [pace.reserve(5000.0, 1000.0) for _ in range(100)]
    assert waits[:9] == [0.0] * 9
    assert waits[-1] == pytest.approx(0.094)


def test_senders_of_one_receiver_share_its_time() -> None:
    pace = Pace()
    waits = [pace.reserve(0.0, rate) for rate in [10.0, 1000.0] * 50]
    assert waits[-1] == pytest.approx(50 * 0.1 + 49 * 0.001 - 0.005)


def test_all_transports_to_a_receiver_share_its_pace(receiver: SyslogReceiver) -> None:
    stop = Stop(grace=0.0)
    with (
        closing(udp(receiver.port, rate=0.01)) as one,
        closing(udp(receiver.port, stop, rate=0.01)) as other,
    ):
        one.send(FRAMES[:1])
        receiver.wait_for(1)
        threading.Timer(0.2, stop.request).start()
        with pytest.raises(SendError, match="stopped"):  # its turn would be in 100 s
            other.send(FRAMES[:1])
    assert receiver.frames == FRAMES[:1]


def test_a_stop_lets_go_out_what_there_is_time_for(receiver: SyslogReceiver) -> None:
    stop = Stop(grace=30.0)
    stop.request()
    with closing(udp(receiver.port, stop, rate=100)) as transport:
        transport.send(FRAMES[:20])
    assert receiver.wait_for(20) == FRAMES[:20]


# --- what it says -----------------------------------------------------------------


def test_udp_says_once_that_nobody_knows_what_arrives(
    receiver: SyslogReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        with closing(udp(receiver.port)) as transport:
            transport.connect()
            transport.send([])
            assert transport.confirm()
    assert not caplog.records
    for _ in range(2):
        with closing(udp(receiver.port)) as transport:
            transport.send(FRAMES)
    (line,) = caplog.records
    assert line.levelno == logging.WARNING
    assert f"udp://127.0.0.1:{receiver.port}" in line.getMessage()
    assert "tcp or tls" in line.getMessage()


def settings_for_nobody(*, several: bool) -> ClientSettings:
    with hold_closed_port() as first, hold_closed_port() as second:
        hosts = [f"127.0.0.1:{port}" for port in (first, second)[: 2 if several else 1]]
    return ClientSettings.of({"hosts": hosts, "protocol": "udp"})


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a refusal may not be reported")
@pytest.mark.parametrize("several", [False, True])
def test_a_refusal_that_watching_finds_is_told_by_confirm(several: bool) -> None:
    with closing(open_transport(settings_for_nobody(several=several))) as transport:
        transport.send([b"<14>1 - - - - - - x"])
        with pytest.raises(SendError):
            for _ in range(500):
                transport.watch()
                time.sleep(0.01)
        with pytest.raises(UnconfirmedError):
            transport.confirm()
        assert transport.confirm()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a refusal may not be reported")
@pytest.mark.parametrize("several", [False, True])
def test_what_was_sent_before_an_error_of_the_caller_is_in_doubt(several: bool) -> None:
    def frames() -> Iterator[bytes]:
        yield b"<14>1 - - - - - - x"
        raise ValueError("an error of the caller's own")

    def is_refused() -> bool:
        with closing(open_transport(settings_for_nobody(several=several))) as transport:
            with pytest.raises(ValueError, match="own"):
                transport.send(frames())
            try:
                transport.confirm()
            except (SendError, UnconfirmedError):
                return True
            return False

    eventually(is_refused)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a refusal may not be reported")
def test_a_refused_datagram_is_told_again_at_the_end_of_the_block() -> None:
    """The caller knows of one datagram; that an earlier one was lost is what confirm() says."""
    client = SyslogClient.from_settings(settings_for_nobody(several=False))

    def is_refused() -> bool:
        try:
            client.log("x")
        except SendError:
            return True
        return False

    with pytest.raises(UnconfirmedError, match="refused"), client:
        eventually(is_refused)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a refusal may not be reported")
def test_a_message_that_is_too_long_hides_no_refusal() -> None:
    def is_told() -> bool:
        with closing(open_transport(settings_for_nobody(several=False))) as transport:
            transport.send([b"<14>1 - - - - - - x"])
            time.sleep(0.05)
            try:
                with pytest.raises(MessageTooLongError):
                    transport.send([b"x" * 70_000])
                transport.confirm()
            except (SendError, UnconfirmedError):
                return True
            return False

    eventually(is_told)


def test_a_client_splits_what_no_datagram_of_this_system_carries(
    monkeypatch: pytest.MonkeyPatch, receiver: SyslogReceiver
) -> None:
    refuse_larger_datagrams(monkeypatch, 3000)
    long = "".join(f"{number:05}" for number in range(4000))
    messages = [SyslogMessage(message=text) for text in ("first", long, "between", long, "last")]
    with SyslogClient("127.0.0.1", receiver.port, protocol="udp", oversize="split") as client:
        client.send_many(messages)
        client.log(long)
    receiver.wait_until(lambda: sum(b"03999" in frame for frame in receiver.frames) == 3)
    texts = [message.msg for message in receiver.messages]
    whole = "".join(re.sub(r"^__part__=\S+ __part_id__=\S+ ", "", text) for text in texts)
    assert whole == f"first{long}between{long}last{long}"
    assert max(map(len, receiver.frames)) <= 3000


def test_a_client_tells_what_it_must_not_split(
    monkeypatch: pytest.MonkeyPatch, receiver: SyslogReceiver
) -> None:
    refuse_larger_datagrams(monkeypatch, 9216)
    with SyslogClient("127.0.0.1", receiver.port, protocol="udp", oversize="drop") as client:
        with pytest.raises(MessageTooLongError, match="at most 9216 bytes"):
            client.log("x" * 20_000)
        client.log("short")
    assert receiver.wait_for(1)[0].endswith(b"short")
