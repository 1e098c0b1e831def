"""RELP through the processor and the real SDK, to a real rsyslog with imrelp."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sls_syslog import check_destination
from sls_syslog.testing import SlsEmulator, TemporaryCA
from tests.support.proxies import HaProxy, Nginx, Proxy
from tests.support.relp import OK, RelpServer
from tests.support.servers import Rsyslog, ServerTls
from tests.support.shipping import GROUP, shipping
from tests.support.waiting import eventually

COUNT = 3000
PROXIES: dict[str, Callable[..., Proxy]] = {
    "haproxy": HaProxy,
    "haproxy-check": functools.partial(HaProxy, check_interval=0.5),
    "haproxy-nolinger": functools.partial(HaProxy, options=["nolinger"]),
    "nginx": Nginx,
}
SIDES = {  # what the sender speaks, and what the receiver
    "plain": ("relp", "relp"),
    "tls-ends-at-proxy": ("relp+tls", "relp"),
    "tls-through-proxy": ("relp+tls", "relp+tls"),
}
PLAIN_RUN = {("haproxy", "plain"), ("nginx", "tls-through-proxy")}
FLAPS = 4


def put(emulator: SlsEmulator, first: int = 0, end: int = COUNT) -> None:
    for begin in range(first, end, 100):
        emulator.put_logs([{"n": str(n)} for n in range(begin, begin + 100)], topic="t", source="s")


def find_numbers(texts: Iterator[str]) -> list[int]:
    return [int(match[1]) for one in texts if (match := re.search(r"\|\|n=(\d+)", one))]


def stored(server: Rsyslog) -> list[int]:
    return find_numbers(record.msg for record in server.received())


@pytest.fixture(params=["relp", "relp+tls"])
def server(
    request: pytest.FixtureRequest, tmp_path: Path, authority: TemporaryCA
) -> Iterator[Rsyslog]:
    tls = ServerTls.of(authority) if request.param == "relp+tls" else None
    with Rsyslog(tmp_path, protocol=request.param, tls=tls) as running:
        yield running


def settings_for(server: Rsyslog, authority: TemporaryCA) -> dict[str, Any]:
    trust = {"cert_path": authority.cert_path} if server.tls else {}
    return {**server.settings(), **trust, "receiver": "rsyslog-relp"}


def test_every_log_arrives_once(server: Rsyslog, authority: TemporaryCA) -> None:
    with SlsEmulator() as emulator:
        put(emulator)
        with shipping(emulator, settings_for(server, authority)):
            server.wait_for(COUNT)
            emulator.wait_until_drained(GROUP)
    assert sorted(stored(server)) == list(range(COUNT))


def test_nothing_is_lost_when_the_receiver_is_killed(
    server: Rsyslog, authority: TemporaryCA
) -> None:
    with SlsEmulator() as emulator:
        put(emulator)
        with shipping(emulator, settings_for(server, authority)):
            server.wait_for(1)
            server.kill()
            server.start()
            eventually(lambda: set(stored(server)) == set(range(COUNT)), timeout=60)
            emulator.wait_until_drained(GROUP)


@pytest.fixture(
    params=[
        pytest.param(
            (proxy, sides),
            marks=[] if (proxy, sides) in PLAIN_RUN else [pytest.mark.gate],
            id=f"{proxy}-{sides}",
        )
        for proxy in PROXIES
        for sides in SIDES
    ]
)
def behind(
    request: pytest.FixtureRequest, tmp_path: Path, authority: TemporaryCA
) -> Iterator[tuple[Rsyslog, dict[str, Any], Proxy]]:
    """A running rsyslog behind a proxy, the settings of a sender to the proxy, and the proxy."""
    make, (ours, theirs) = PROXIES[request.param[0]], SIDES[request.param[1]]
    tls = ServerTls.of(authority)
    with ExitStack() as ends:
        running = ends.enter_context(
            Rsyslog(tmp_path, protocol=theirs, tls=tls if theirs == "relp+tls" else None)
        )
        terminates = tls if ours != theirs else None
        proxy = ends.enter_context(make(tmp_path, backends=[running.port], tls=terminates))
        trust = {"cert_path": authority.cert_path} if ours == "relp+tls" else {}
        yield running, {**proxy.settings(), **trust, "protocol": ours}, proxy


def says_more(proxy: Proxy, said: str) -> bool:
    return proxy.printed() != said


@pytest.mark.gate
def test_nothing_is_lost_behind_a_proxy_whose_receiver_flaps(
    behind: tuple[Rsyslog, dict[str, Any], Proxy],
) -> None:
    """It is killed while logs flow, stays away for some attempts, comes back, and again."""
    server, settings, proxy = behind
    share = COUNT // (FLAPS + 1)
    with SlsEmulator(shards=2) as emulator, shipping(emulator, settings):
        put(emulator, 0, share)
        emulator.wait_until_drained(GROUP)
        for flap in range(1, FLAPS + 1):
            said = proxy.printed()
            put(emulator, flap * share, flap * share + share // 2)
            server.kill()
            put(emulator, flap * share + share // 2, (flap + 1) * share)
            eventually(functools.partial(says_more, proxy, said))
            server.start()
            emulator.wait_until_drained(GROUP, 60)
            assert set(stored(server)) == set(range((flap + 1) * share)), proxy.printed()
    assert len(stored(server)) - COUNT < COUNT


def test_nothing_is_lost_when_a_proxy_is_killed(
    behind: tuple[Rsyslog, dict[str, Any], Proxy],
) -> None:
    server, settings, proxy = behind
    with SlsEmulator(shards=2) as emulator:
        put(emulator)
        with shipping(emulator, settings):
            for part in range(1, FLAPS + 1):
                server.wait_for(part * 100)
                proxy.kill()
                proxy.start()
            emulator.wait_until_drained(GROUP, 60)
    assert set(stored(server)) == set(range(COUNT)), proxy.printed()


def test_what_was_acknowledged_before_a_break_does_not_come_again() -> None:
    """The server answers 1,500 messages, reads the rest, and ends with a hint and no answer."""

    def answer(count: int, message: bytes) -> bytes | None:
        if count < COUNT // 2 or relp.sessions > 1:
            return OK
        if count == COUNT // 2:
            relp.say(b"0 serverclose 0\n")
        return None

    with RelpServer(answer) as relp, SlsEmulator() as emulator:
        put(emulator)
        settings = {"host": "127.0.0.1", "port": relp.port, "protocol": "relp"}
        with shipping(emulator, settings):
            emulator.wait_until_drained(GROUP)
        numbers = find_numbers(message.decode() for message in relp.messages)
        assert set(numbers) == set(range(COUNT))
        assert [n for n in range(COUNT // 2) if numbers.count(n) > 1] == []
        assert not relp.breaches


def test_a_window_that_was_acknowledged_when_its_connection_broke_is_confirmed() -> None:
    """Two sessions end without an answer, and the third one with all of them."""
    logs = 100

    def answer(count: int, message: bytes) -> bytes | None:
        if (count + 1) % logs == 0:
            answers = b"".join(b"%d rsp 6 200 OK\n" % txnr for txnr in range(2, logs + 2))
            relp.say((answers if relp.sessions == 3 else b"") + b"0 serverclose 0\n")
        return None

    with RelpServer(answer) as relp, SlsEmulator() as emulator:
        put(emulator, end=logs)
        settings = {"host": "127.0.0.1", "port": relp.port, "protocol": "relp"}
        with shipping(emulator, settings):
            emulator.wait_until_drained(GROUP)
        assert len(relp.messages) == 3 * logs


def test_a_refused_log_is_held_and_goes_out_when_it_is_accepted() -> None:
    refusals = 0

    def answer(count: int, message: bytes) -> bytes:
        nonlocal refusals
        if message.endswith(b"||n=150") and refusals < 3:
            refusals += 1
            return b"500 not now"
        return OK

    with RelpServer(answer) as relp, SlsEmulator() as emulator:
        put(emulator)
        settings = {"host": "127.0.0.1", "port": relp.port, "protocol": "relp"}
        with shipping(emulator, settings):
            emulator.wait_until_drained(GROUP)
        assert refusals == 3
        numbers = find_numbers(message.decode() for message in relp.messages)
        assert set(numbers) == set(range(COUNT))


def test_the_check_reports_the_acknowledgement(server: Rsyslog, authority: TemporaryCA) -> None:
    report = check_destination(settings_for(server, authority))
    (record,) = server.wait_for(1)
    assert report.ok, str(report)
    assert report.receivers[0].level == "consumed"
    assert report.receivers[0].messages[0].id in record.msg
    assert "has acknowledged it" in str(report)


def test_the_check_says_why_a_message_is_refused() -> None:
    with RelpServer(lambda count, message: b"500 full") as relp:
        settings = {"host": "127.0.0.1", "port": relp.port, "protocol": "relp"}
        assert "it answered '500 full'" in check_destination(settings).verdict
