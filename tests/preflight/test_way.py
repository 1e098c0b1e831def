"""What `check_destination` says of what stands before a receiver."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sls_syslog import check_destination
from sls_syslog.testing import SyslogReceiver, TemporaryCA
from tests.support.gate import keep_first
from tests.support.peers import HOST, reset_on_close
from tests.support.proxies import HaProxy, Nginx, Proxy
from tests.support.readers import AllowsOne, Reader
from tests.support.reports import failure, results
from tests.support.servers import ServerTls
from tests.support.waiting import holds_within

check = functools.partial(check_destination, timeout=10)
BEHIND: dict[str, Callable[..., Proxy]] = {
    "haproxy": HaProxy,
    "haproxy-check": functools.partial(HaProxy, check_interval=0.2),
    "nginx": Nginx,
    "nginx-half-close": functools.partial(Nginx, half_close=True),
}


class Resetter(Reader):
    """It reads everything, and ends with a reset."""

    def treat(self, connection: socket.socket) -> None:
        reset_on_close(connection)
        self.read(connection)


def find_text(report: Any, step: str) -> str:
    (receiver,) = report.receivers
    return " ".join(
        f"{each.found} {each.advice}" for each in receiver.findings if each.step == step
    )


def start(kind: str, tmp_path: Path, authority: TemporaryCA, protocol: str, port: int) -> Proxy:
    tls = ServerTls.of(authority) if protocol == "tls" else None
    return BEHIND[kind](tmp_path, backends=[port], tls=tls)


@pytest.mark.parametrize("protocol", keep_first(["tcp", "tls"]))
@pytest.mark.parametrize("kind", list(BEHIND))
def test_a_proxy_whose_receiver_is_away_is_told_of(
    kind: str, protocol: str, tmp_path: Path, authority: TemporaryCA
) -> None:
    with SyslogReceiver() as receiver:
        receiver.stop_listening()
        with start(kind, tmp_path, authority, protocol, receiver.port) as proxy:
            step, said = failure(check({**proxy.settings(), **trust(authority, protocol)}))
    # A proxy that ends TLS may give up before the handshake has come to its end.
    assert step == "message" or (step, protocol) == ("TLS", "tls")
    assert "a proxy or load balancer takes connections while its receiver cannot be reached" in said
    assert ("over which nothing was sent" in said) == (step == "message")


@pytest.mark.parametrize("protocol", ["tcp", "tls"])
@pytest.mark.parametrize("kind", list(BEHIND))
def test_a_proxy_whose_receiver_is_there_cannot_be_seen(
    kind: str, protocol: str, tmp_path: Path, authority: TemporaryCA
) -> None:
    with (
        SyslogReceiver(framing="newline") as receiver,
        start(kind, tmp_path, authority, protocol, receiver.port) as proxy,
    ):
        report = check({**proxy.settings(), **trust(authority, protocol)})
        assert holds_within(30.0, lambda: bool(receiver.frames))
    assert report.ok, str(report)
    assert report.receivers[0].level == "consumed"
    says_nginx = "if the proxy is nginx, set `proxy_half_close on`" in find_text(report, "way")
    assert says_nginx == (kind.startswith("nginx") and protocol == "tls")


def trust(authority: TemporaryCA, protocol: str) -> dict[str, str]:
    return {"cert_path": authority.cert_path} if protocol == "tls" else {}


def test_haproxy_with_nolinger_is_told_of(tmp_path: Path) -> None:
    with (
        SyslogReceiver() as receiver,
        HaProxy(tmp_path, backends=[receiver.port], options=["nolinger"]) as proxy,
    ):
        report = check(proxy.settings())
    assert report.ok, str(report)
    assert report.receivers[0].level == "acked"
    assert results(report)["confirm"] == "warning"
    assert "HAProxy has `option nolinger`" in find_text(report, "confirm")


@pytest.mark.parametrize(
    ("confirm", "result", "used"),
    [
        ("auto", "warning", "the shipper uses 'acked'"),
        ("acked", "warning", "the shipper uses 'acked'"),
        ("written", "warning", "the shipper uses 'written'"),
        ("consumed", "failed", "confirm='consumed' cannot work here"),
    ],
)
def test_a_receiver_that_always_resets_is_told_of(confirm: str, result: str, used: str) -> None:
    with Resetter() as receiver:
        settings = {"host": HOST, "port": receiver.port, "protocol": "tcp", "confirm": confirm}
        report = check(settings, timeout=2)
    assert report.ok == (result == "warning")
    assert results(report)["confirm"] == result
    said = find_text(report, "confirm")
    assert used in said
    assert "even if nothing was sent over it" in said
    assert len(report.receivers[0].messages) == 1


def test_a_receiver_that_allows_one_connection_is_not_taken_for_a_proxy() -> None:
    with AllowsOne() as receiver:
        settings = {"host": HOST, "port": receiver.port, "protocol": "tcp"}
        report = check(settings, timeout=2)
    assert report.ok, str(report)
    assert report.receivers[0].level == "consumed"
