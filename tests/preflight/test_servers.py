"""`check_destination` against the real rsyslog and syslog-ng: the matrix of wrong configurations.

Each cell says which setting the report must name, and what the server must have stored by then.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from sls_syslog import check_destination
from sls_syslog.settings.profiles import PROFILES
from sls_syslog.testing import TemporaryCA
from tests.support.reports import failure, ids, results
from tests.support.servers import Rsyslog, ServerTls, SyslogNg, SyslogServer

check = functools.partial(check_destination, timeout=4)
Make = Callable[..., SyslogServer]

OSSL = functools.partial(Rsyslog, tls_driver="ossl")
GTLS = functools.partial(Rsyslog, tls_driver="gtls")
PLAIN: dict[str, Make] = {"rsyslog": Rsyslog, "syslog-ng": SyslogNg}
TLS: dict[str, Make] = {"rsyslog-ossl": OSSL, "rsyslog-gtls": GTLS, "syslog-ng": SyslogNg}
FRAMINGS = ("newline", "octet-counting")


def each(servers: dict[str, Make]) -> pytest.MarkDecorator:
    cells = [pytest.param(make, id=name) for name, make in servers.items()]
    return pytest.mark.parametrize("make", cells)


@pytest.fixture(scope="module")
def another() -> Iterator[TemporaryCA]:
    """A CA that nobody trusts."""
    with TemporaryCA() as ca:
        yield ca


@dataclass
class Certificates:
    """What a TLS server has, and the trust of a client to whom it is right."""

    authority: TemporaryCA
    required: bool = False
    names: tuple[str, ...] = ("127.0.0.1",)
    expired: bool = False
    trust: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.trust = {"cert_path": self.authority.cert_path}
        if self.required:
            mine = self.authority.issue("shipper.example")
            self.trust.update(client_cert=mine.cert_path, client_key=mine.key_path)

    def server(self) -> ServerTls:
        issued = self.authority.issue(*self.names, expired=self.expired)
        return ServerTls.of(self.authority, issued, require_client_certificate=self.required)


# Right configurations


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("syslog_format", ["rfc5424", "rfc3164"])
@each(PLAIN)
def test_tcp(make: Make, syslog_format: str, framing: str, tmp_path: Path) -> None:
    with make(tmp_path, framing=framing, syslog_format=syslog_format) as server:
        report = check({**server.settings(), "tag": "audit"})
        (record,) = server.wait_for(1)
    assert report.ok, str(report)
    assert report.receivers[0].level == "consumed"
    assert results(report)["framing"] == ("ok" if framing == "newline" else "warning")
    assert record.app_name == "audit"
    assert [record.msg.rpartition("=")[2]] == ids(report)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_receiver_that_reads_both_framings_does(framing: str, tmp_path: Path) -> None:
    """The check believes what the profile says of it."""
    assert PROFILES["rsyslog"].reads_both_framings
    with Rsyslog(tmp_path, framing="octet-counting") as server:
        report = check({**server.settings(), "receiver": "rsyslog", "framing": framing})
        (record,) = server.wait_for(1)
    assert results(report)["framing"] == "ok"
    assert [record.msg.rpartition("=")[2]] == ids(report)


@pytest.mark.parametrize(
    ("required", "framing"),
    [
        pytest.param(False, "newline", id="tls-newline"),
        pytest.param(True, "octet-counting", id="mutual-tls-octet-counting"),
        pytest.param(False, "octet-counting", id="tls-octet-counting", marks=pytest.mark.gate),
        pytest.param(True, "newline", id="mutual-tls-newline", marks=pytest.mark.gate),
    ],
)
@each(TLS)
def test_tls(
    make: Make, required: bool, framing: str, tmp_path: Path, authority: TemporaryCA
) -> None:
    certificates = Certificates(authority, required=required)
    with make(tmp_path, protocol="tls", framing=framing, tls=certificates.server()) as server:
        report = check({**server.settings(), **certificates.trust})
        (record,) = server.wait_for(1)
    assert report.ok, str(report)
    assert report.receivers[0].level == "consumed"
    assert results(report)["certificate"] == "ok"
    assert [record.msg.rpartition("=")[2]] == ids(report)


@each(PLAIN)
def test_udp(make: Make, tmp_path: Path) -> None:
    with make(tmp_path, protocol="udp") as server:
        report = check(server.settings())
        (record,) = server.wait_for(1)
    assert report.ok
    assert [record.msg.rpartition("=")[2]] == ids(report)


# Framing


@pytest.mark.parametrize("protocol", ["tcp", "tls"])
def test_newline_framing_to_an_input_that_requires_octet_counting(
    protocol: str, tmp_path: Path, authority: TemporaryCA
) -> None:
    certificates = Certificates(authority)
    tls = certificates.server() if protocol == "tls" else None
    trust = certificates.trust if protocol == "tls" else {}
    with SyslogNg(tmp_path, protocol=protocol, framing="octet-counting", tls=tls) as server:
        report = check({**server.settings(), "framing": "newline", **trust})
        (record,) = server.wait_for(1)
    step, said = failure(report)
    assert step == "message"
    assert (
        "set framing='octet-counting': the receiver took a second message in this framing" in said
    )
    assert record.msg.rpartition("=")[2] == ids(report)[1]


@pytest.mark.parametrize("protocol", ["tcp", "tls"])
def test_octet_counting_to_an_input_of_lines_looks_as_the_report_says(
    protocol: str, tmp_path: Path, authority: TemporaryCA
) -> None:
    certificates = Certificates(authority)
    tls = certificates.server() if protocol == "tls" else None
    trust = certificates.trust if protocol == "tls" else {}
    with SyslogNg(tmp_path, protocol=protocol, framing="newline", tls=tls) as server:
        report = check({**server.settings(), "framing": "octet-counting", **trust})
        (record,) = server.wait_for(1)
    text = " ".join(str(report).split())
    assert results(report)["framing"] == "warning"
    assert "an input that reads lines accepts it too" in text
    assert f"if '{record.app_name}' is its program" in text
    assert "set framing='newline'" in text
    assert record.msg.rpartition("=")[2] == ids(report)[0]


def test_rfc5424_to_an_input_of_rfc3164_looks_as_the_report_says(tmp_path: Path) -> None:
    with SyslogNg(tmp_path, syslog_format="rfc3164") as server:
        report = check({**server.settings(), "syslog_format": "rfc5424"})
        (record,) = server.wait_for(1)
    text = " ".join(str(report).split())
    assert f"if '{record.app_name}' is its program" in text
    assert "set syslog_format='rfc3164'" in text


# The wrong port


@pytest.mark.parametrize(
    "framing", ["newline", pytest.param("octet-counting", marks=pytest.mark.gate)]
)
@each(TLS)
def test_plain_text_to_a_port_that_speaks_tls(
    make: Make, framing: str, tmp_path: Path, authority: TemporaryCA
) -> None:
    tls = Certificates(authority, required=True).server()
    with make(tmp_path, protocol="tls", framing=framing, tls=tls) as server:
        step, said = failure(check({**server.settings(), "protocol": "tcp"}))
        assert server.received() == []
    assert step == "message"
    assert "set protocol='tls': this port speaks TLS" in said


@pytest.mark.parametrize("framing", FRAMINGS)
@each(PLAIN)
def test_tls_to_a_port_that_speaks_plain_text(
    make: Make, framing: str, tmp_path: Path, authority: TemporaryCA
) -> None:
    with make(tmp_path, framing=framing) as server:
        trust = Certificates(authority).trust
        step, said = failure(check({**server.settings(), "protocol": "tls", **trust}, timeout=1))
    assert step == "TLS"
    assert "does the receiver speak TLS on this port" in said
    assert "set protocol='tcp'" in said


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@each(PLAIN)
def test_the_other_protocol_of_a_port(make: Make, protocol: str, tmp_path: Path) -> None:
    other = {"tcp": "udp", "udp": "tcp"}[protocol]
    with make(tmp_path, protocol=other) as server:
        settings = {**server.settings(), "protocol": protocol}
        settings.pop("framing", None)
        _, said = failure(check(settings))
    assert f"no program listens for {protocol} at port {server.port}" in said


@each(PLAIN)
def test_a_server_that_is_down(make: Make, tmp_path: Path) -> None:
    with make(tmp_path) as server:
        pass
    step, said = failure(check(server.settings()))
    assert step == "connect"
    assert "check that the receiver runs" in said


# Trust


@each(TLS)
@pytest.mark.parametrize(
    ("wrong", "setting"),
    [("CA", "cert_path"), ("name", "server_hostname"), ("time", "expired")],
)
def test_a_certificate_of_the_server_that_cannot_be_trusted(
    make: Make,
    wrong: str,
    setting: str,
    tmp_path: Path,
    authority: TemporaryCA,
    another: TemporaryCA,
) -> None:
    certificates = Certificates(authority, expired=wrong == "time")
    if wrong == "name":
        certificates = replace(certificates, names=("siem.example",))
    trust = certificates.trust if wrong != "CA" else {"cert_path": another.cert_path}
    with make(tmp_path, protocol="tls", tls=certificates.server()) as server:
        step, said = failure(check({**server.settings(), **trust}))
        assert server.received() == []
    assert step == "TLS"
    assert setting in said


@pytest.mark.parametrize(
    ("shown", "version"),
    [
        ("no certificate", "1.3"),
        ("that of another CA", "1.2"),
        pytest.param("no certificate", "1.2", marks=pytest.mark.gate),
        pytest.param("that of another CA", "1.3", marks=pytest.mark.gate),
    ],
)
@each(TLS)
def test_a_certificate_of_ours_that_the_server_does_not_take(
    make: Make,
    shown: str,
    version: str,
    tmp_path: Path,
    authority: TemporaryCA,
    another: TemporaryCA,
) -> None:
    import ssl

    context = ssl.create_default_context(cafile=authority.cert_path)
    if version == "1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    trust: dict[str, Any] = {"cert_path": authority.cert_path}
    if shown == "that of another CA":
        mine = another.issue("shipper.example")
        trust.update(client_cert=mine.cert_path, client_key=mine.key_path)
        context.load_cert_chain(mine.cert_path, mine.key_path)
    if version == "1.2":
        trust = {"ssl_context": context}
    certificates = Certificates(authority, required=True)
    with make(tmp_path, protocol="tls", tls=certificates.server()) as server:
        step, said = failure(check({**server.settings(), **trust}))
        assert server.received() == []
    assert step == "TLS"
    assert ("client_cert" if version == "1.3" else "ssl_context") in said


# RELP


@pytest.mark.parametrize(
    ("ours", "theirs", "step", "named"),
    [
        ("relp", "tcp", "connect", "no answer when a RELP session was opened; does the receiver"),
        ("relp", "relp+tls", "connect", "set protocol=relp+tls"),
        ("relp+tls", "relp", "TLS", "set protocol='relp'"),
        ("tcp", "relp", "message", ""),
    ],
)
def test_relp_to_an_input_of_another_protocol(
    ours: str, theirs: str, step: str, named: str, tmp_path: Path, authority: TemporaryCA
) -> None:
    certificates = Certificates(authority)
    tls = certificates.server() if "tls" in theirs else None
    trust = certificates.trust if "tls" in ours else {}
    with Rsyslog(tmp_path, protocol=theirs, tls=tls) as server:
        report = check({"host": "127.0.0.1", "port": server.port, "protocol": ours, **trust})
    failed, said = failure(report)
    assert failed == step
    assert named in said
    assert "firewall" not in said


@pytest.mark.parametrize("tls_driver", ["ossl", pytest.param("gtls", marks=pytest.mark.gate)])
@pytest.mark.parametrize("has_certificate", [True, False])
def test_relp_to_an_input_that_wants_a_client_certificate(
    has_certificate: bool, tls_driver: str, tmp_path: Path, authority: TemporaryCA
) -> None:
    certificates = Certificates(authority, required=True)
    given = certificates.trust if has_certificate else {"cert_path": authority.cert_path}
    tls = certificates.server()
    with Rsyslog(tmp_path, protocol="relp+tls", tls=tls, tls_driver=tls_driver) as server:
        report = check({**server.settings(), **given})
        if has_certificate:
            server.wait_for(1)
            assert report.ok, str(report)
            return
    assert "client_cert" in failure(report)[1]


def test_a_closed_port_is_no_receiver_for_relp(tmp_path: Path) -> None:
    with Rsyslog(tmp_path, protocol="relp") as server:
        settings = server.settings()
    assert "no program listens for relp" in failure(check(settings))[1]
