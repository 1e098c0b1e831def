"""What holds behind the real HAProxy and nginx, at the library's default settings.

While the receiver is up, each log arrives and is confirmed. While it refuses connections, nginx
resets the sender's, and nothing is lost.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sls_syslog import SyslogClient
from sls_syslog.errors import TransportError
from sls_syslog.testing import SlsEmulator, SyslogReceiver, TemporaryCA
from tests.support.proxies import HaProxy, Nginx, Proxy
from tests.support.servers import Rsyslog, ServerTls
from tests.support.shipping import GROUP, numbers, shipping
from tests.support.waiting import eventually, holds_within

LOGS = 100
REFUSALS = 4  # connections that nginx could not relay; the pauses between them grow to seconds

AWAY_LOGS = 300
AWAY_SECONDS = 12.0  # how long a receiver is away; HAProxy gives up a connection after 3
AWAY_LIMIT = 150.0  # longest wait for the checkpoint after that; a busy machine is slow

REFUSED_BY_RECEIVER = "Connection refused"  # what nginx prints for each
ARRIVAL_SECONDS = 30.0  # longest wait for what is on its way from nginx to the receiver

PROXIES: dict[str, Callable[..., Proxy]] = {
    "haproxy": HaProxy,
    "haproxy-check": functools.partial(HaProxy, check_interval=0.5),
    "haproxy-redispatch": functools.partial(HaProxy, options=["redispatch"]),
    "nginx": Nginx,
    "nginx-half-close": functools.partial(Nginx, half_close=True, connect_timeout=5.0),
}
RESETTING: dict[str, Callable[..., Proxy]] = {  # they end with a reset, so one warning says so
    "haproxy-nolinger": functools.partial(HaProxy, options=["nolinger"]),
}
SIDES = {  # what the sender speaks, and what the receiver
    "tcp": ("tcp", "tcp"),
    "tls-ends-at-proxy": ("tls", "tcp"),
    "tls-through-proxy": ("tls", "tls"),
}
PLAIN_RUN = {
    ("haproxy", "tcp"),
    ("haproxy", "tls-ends-at-proxy"),
    ("nginx", "tcp"),
    ("nginx", "tls-ends-at-proxy"),
}


@dataclass(frozen=True)
class Way:
    """A proxy, and who speaks TLS."""

    proxy: str
    sides: str

    def __str__(self) -> str:
        return f"{self.proxy}-{self.sides}"


def ways(*, plain_run: set[tuple[str, str]] = PLAIN_RUN) -> pytest.MarkDecorator:
    """Parametrize with each way. Those that are not in `plain_run` are for the gate."""
    return pytest.mark.parametrize(
        "way",
        [
            pytest.param(
                Way(proxy, sides),
                marks=[] if (proxy, sides) in plain_run else [pytest.mark.gate],
                id=f"{proxy}-{sides}",
            )
            for proxy in PROXIES
            for sides in SIDES
        ],
    )


class Place:
    """Starts what stands in a way. All of it ends with the test."""

    def __init__(self, tmp_path: Path, authority: TemporaryCA, ends: ExitStack) -> None:
        self._tmp_path, self._authority, self._ends = tmp_path, authority, ends

    def start_kit(self, way: Way) -> SyslogReceiver:
        protocol = SIDES[way.sides][1]
        context = self._authority.server_context() if protocol == "tls" else None
        return self._ends.enter_context(SyslogReceiver(protocol, ssl_context=context))

    def start_rsyslog(self, way: Way) -> Rsyslog:
        protocol = SIDES[way.sides][1]
        tls = ServerTls.of(self._authority) if protocol == "tls" else None
        return self._ends.enter_context(Rsyslog(self._tmp_path, protocol=protocol, tls=tls))

    def start_proxy(self, way: Way, *backends: int | None) -> Proxy:
        tls = ServerTls.of(self._authority) if way.sides == "tls-ends-at-proxy" else None
        make = {**PROXIES, **RESETTING}[way.proxy]
        return self._ends.enter_context(make(self._tmp_path, backends=backends, tls=tls))

    def start_kit_behind_proxy(self, way: Way) -> tuple[SyslogReceiver, Proxy]:
        receiver = self.start_kit(way)
        return receiver, self.start_proxy(way, receiver.port)

    def make_settings(self, way: Way, proxy: Proxy) -> dict[str, Any]:
        settings = {**proxy.settings(), "protocol": SIDES[way.sides][0]}
        return settings | ({"cert_path": self._authority.cert_path} if way.sides != "tcp" else {})


@pytest.fixture
def place(tmp_path: Path, authority: TemporaryCA) -> Iterator[Place]:
    with ExitStack() as ends:
        yield Place(tmp_path, authority, ends)


def log_numbers(settings: dict[str, Any]) -> None:
    """Log `LOGS` messages over two connections, and have each of them confirmed."""
    with SyslogClient(**settings) as client:
        for half in range(2):
            for number in range(half * LOGS // 2, (half + 1) * LOGS // 2):
                client.log(f"||n={number}")
            client.confirm()


def wait_until_arrived(way: Way, proxy: Proxy, *receivers: SyslogReceiver) -> None:
    """See that the receivers have each number once between them, as soon as it is confirmed.

    nginx without `proxy_half_close` ends a connection when its kernel has the bytes: they come a
    little later.
    """
    if way.proxy == "nginx":
        holds_within(ARRIVAL_SECONDS, lambda: sum(len(one.frames) for one in receivers) >= LOGS)
    arrived = sorted(number for receiver in receivers for number in numbers(receiver))
    assert arrived == list(range(LOGS)), proxy.printed()
    assert sum(len(receiver.frames) for receiver in receivers) == LOGS, proxy.printed()


def assert_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    """See that no connection broke, and that no level of confirmation was given up."""
    said = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in said] == []


@ways()
def test_what_is_confirmed_arrives(
    way: Way, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    receiver, proxy = place.start_kit_behind_proxy(way)
    log_numbers(place.make_settings(way, proxy))
    wait_until_arrived(way, proxy, receiver)
    assert_no_warning(caplog)


@ways(plain_run={("haproxy", "tcp"), ("nginx", "tls-ends-at-proxy")})
def test_rsyslog_behind_a_proxy_has_what_is_confirmed(
    way: Way, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    server = place.start_rsyslog(way)
    proxy = place.start_proxy(way, server.port)
    log_numbers(place.make_settings(way, proxy))
    records = server.wait_for(LOGS)
    arrived = sorted(int(record.msg.rpartition("=")[2]) for record in records)
    assert arrived == list(range(LOGS)), proxy.printed()
    assert_no_warning(caplog)


@ways(plain_run={("haproxy", "tls-ends-at-proxy"), ("nginx", "tcp")})
def test_the_sdk_drains_a_logstore_through_a_proxy(
    way: Way, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    receiver, proxy = place.start_kit_behind_proxy(way)
    with SlsEmulator(shards=2) as emulator:
        emulator.put_logs([{"n": str(number)} for number in range(LOGS)])
        with shipping(emulator, place.make_settings(way, proxy)):
            emulator.wait_until_drained(GROUP)
    wait_until_arrived(way, proxy, receiver)
    assert_no_warning(caplog)


@ways(plain_run={("haproxy", "tcp")})
def test_receivers_that_share_the_load_have_all_between_them(way: Way, place: Place) -> None:
    receivers = [place.start_kit(way) for _ in range(2)]
    proxy = place.start_proxy(way, *(receiver.port for receiver in receivers))
    log_numbers(place.make_settings(way, proxy))
    wait_until_arrived(way, proxy, *receivers)
    assert all(receiver.frames for receiver in receivers), proxy.printed()


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(Way("nginx", "tcp"), id="nginx-tcp"),
        pytest.param(Way("nginx-half-close", "tcp"), id="half-close-tcp", marks=pytest.mark.gate),
    ],
)
def test_a_receiver_that_refuses_connections_behind_nginx_loses_nothing(
    way: Way, place: Place
) -> None:
    receiver, proxy = place.start_kit_behind_proxy(way)
    with SlsEmulator(shards=2) as emulator, ExitStack() as ends:
        ends.enter_context(shipping(emulator, place.make_settings(way, proxy)))
        emulator.put_logs([{"n": str(number)} for number in range(LOGS // 2)])
        emulator.wait_until_drained(GROUP)
        receiver.stop_listening()
        emulator.put_logs([{"n": str(number)} for number in range(LOGS // 2, LOGS)])
        eventually(lambda: proxy.printed().count(REFUSED_BY_RECEIVER) >= REFUSALS)
        assert not emulator.drained(GROUP)
        receiver.listen_again()
        emulator.wait_until_drained(GROUP)
    holds_within(ARRIVAL_SECONDS, lambda: len(numbers(receiver)) == LOGS)
    assert numbers(receiver) == list(range(LOGS)), proxy.printed()


@pytest.mark.gate
@pytest.mark.parametrize(
    "way",
    [
        Way("haproxy", "tcp"),
        Way("haproxy-check", "tcp"),
        Way("haproxy-nolinger", "tcp"),
        Way("haproxy", "tls-ends-at-proxy"),
        Way("nginx", "tcp"),
        Way("nginx-half-close", "tcp"),
        Way("nginx-half-close", "tls-ends-at-proxy"),
    ],
    ids=str,
)
def test_a_receiver_that_is_away_behind_a_proxy_loses_nothing(way: Way, place: Place) -> None:
    """HAProxy reads what is sent meanwhile, gives up after 3 seconds, and ends in order."""
    receiver, proxy = place.start_kit_behind_proxy(way)
    with SlsEmulator() as emulator, shipping(emulator, place.make_settings(way, proxy)):
        for number in range(AWAY_LOGS):
            if number == AWAY_LOGS // 6:
                eventually(lambda: bool(receiver.frames))
                receiver.stop_listening()
                receiver.reset_connections()
                left = time.monotonic()
            emulator.put_logs([{"n": str(number)}])
            time.sleep(AWAY_SECONDS / AWAY_LOGS)
        time.sleep(max(0.0, left + AWAY_SECONDS - time.monotonic()))
        receiver.listen_again()
        emulator.wait_until_drained(GROUP, AWAY_LIMIT)
    holds_within(ARRIVAL_SECONDS, lambda: len(numbers(receiver)) == AWAY_LOGS)
    lost = set(range(AWAY_LOGS)) - set(numbers(receiver))
    assert not lost, proxy.printed()
    assert len(receiver.frames) < 2 * AWAY_LOGS  # fewer copies than logs


def test_a_proxy_started_again_keeps_its_port(place: Place) -> None:
    for name in ("haproxy", "nginx"):
        way = Way(name, "tcp")
        receiver, proxy = place.start_kit_behind_proxy(way)
        settings = place.make_settings(way, proxy)
        proxy.kill()
        with pytest.raises(TransportError):
            log_numbers({**settings, "timeout": 5})
        proxy.start()
        assert place.make_settings(way, proxy) == settings
        log_numbers(settings)
        wait_until_arrived(way, proxy, receiver)
