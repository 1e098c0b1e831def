"""TLS: whom it trusts, and what each error says to do, against the kit's receiver."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sls_syslog import ConnectError, TlsError, TransportError
from sls_syslog.network.connection import Connection
from sls_syslog.network.deadline import Deadline
from sls_syslog.network.explain import explain
from sls_syslog.network.failover import open_transport
from sls_syslog.network.resumption import Resumption
from sls_syslog.network.tls import FingerprintError
from sls_syslog.settings.client import ClientSettings
from sls_syslog.testing import SyslogReceiver, TemporaryCA
from tests.support.deliveries import FRAMES, deliver, failure
from tests.support.peers import serve

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
LEVELS = ["consumed", "acked", "written"]
NOW = datetime.now(timezone.utc)


def server_context(shown: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.configure_cert(context)
    return context


@contextlib.contextmanager
def receiver_of(context: ssl.SSLContext) -> Iterator[SyslogReceiver]:
    with SyslogReceiver("tls", ssl_context=context) as receiver:
        yield receiver


@pytest.fixture(scope="module")
def soc() -> trustme.CA:
    return trustme.CA(organization_name="Example SOC")


@pytest.fixture
def cert_path(soc: trustme.CA, tmp_path: Path) -> str:
    soc.cert_pem.write_to_path(tmp_path / "ca.pem")
    return str(tmp_path / "ca.pem")


def parsed(shown: trustme.LeafCert) -> x509.Certificate:
    return x509.load_pem_x509_certificate(shown.cert_chain_pems[0].bytes())


def pin(shown: trustme.LeafCert) -> str:
    return "sha256:" + parsed(shown).fingerprint(hashes.SHA256()).hex()


def date(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def self_signed(soc: trustme.CA, directory: Path) -> ssl.SSLContext:
    """A server that shows the authority's own certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    files = [directory / name for name in ("own.pem", "own.key")]
    soc.cert_pem.write_to_path(files[0])
    soc.private_key_pem.write_to_path(files[1])
    context.load_cert_chain(files[0], files[1])
    return context


def signed_again(
    certificate: x509.Certificate,
    soc: trustme.CA,
    days: tuple[int, int] = (-1, 1),
    without: type | tuple[type, ...] = (),
    instead: x509.ExtensionType | None = None,
) -> bytes:
    """The same certificate in PEM, but of other days, and without or instead of some extensions."""
    key = serialization.load_pem_private_key(soc.private_key_pem.bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    builder = x509.CertificateBuilder(
        certificate.issuer,
        certificate.subject,
        certificate.public_key(),
        certificate.serial_number,
        NOW + timedelta(days=days[0]),
        NOW + timedelta(days=days[1]),
    )
    for extension in certificate.extensions:
        if not isinstance(extension.value, without):
            builder = builder.add_extension(extension.value, extension.critical)
    if instead is not None:
        builder = builder.add_extension(instead, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def expired(soc: trustme.CA) -> bytes:
    """The authority's own certificate, but of last year."""
    ours = x509.load_pem_x509_certificate(soc.cert_pem.bytes())
    return signed_again(ours, soc, days=(-400, -40))


def with_address_as_name(soc: trustme.CA) -> trustme.LeafCert:
    """A certificate as many generators make it: the address is a name of the wrong type."""
    shown = soc.issue_cert("192.0.2.7")
    ours = parsed(shown)
    names = x509.SubjectAlternativeName([x509.DNSName("127.0.0.1")])
    pem = signed_again(ours, soc, without=x509.SubjectAlternativeName, instead=names)
    return trustme.LeafCert(shown.private_key_pem.bytes(), pem, [])


def without_names(soc: trustme.CA) -> trustme.LeafCert:
    """A certificate as old devices have them: the name is in its subject only."""
    shown = soc.issue_cert("127.0.0.1", common_name="127.0.0.1")
    pem = signed_again(parsed(shown), soc, without=x509.SubjectAlternativeName)
    return trustme.LeafCert(shown.private_key_pem.bytes(), pem, [])


# --- certificates that are refused ------------------------------------------------


def test_an_expired_certificate_is_told_with_its_end(soc: trustme.CA, cert_path: str) -> None:
    shown = soc.issue_cert("127.0.0.1", not_after=NOW - timedelta(days=3))
    with receiver_of(server_context(shown)) as receiver:
        text = failure({**receiver.settings(), "cert_path": cert_path})
        assert receiver.frames == []
    end = date(parsed(shown).not_valid_after_utc)
    assert f"has expired (valid until {end}); renew it there, or set this machine's clock" in text


def test_a_certificate_of_tomorrow_is_told_with_its_begin(soc: trustme.CA, cert_path: str) -> None:
    shown = soc.issue_cert("127.0.0.1", not_before=NOW + timedelta(days=3))
    with receiver_of(server_context(shown)) as receiver:
        text = failure({**receiver.settings(), "cert_path": cert_path})
    begin = date(parsed(shown).not_valid_before_utc)
    assert f"is not valid yet (valid from {begin}); wait, or set this machine's clock" in text


@pytest.mark.parametrize(
    ("issue", "expected"),
    [
        (
            lambda ca: ca.issue_cert("siem.example", "192.0.2.7"),
            "it is not for 127.0.0.1, but for 'DNS:siem.example', 'IP:192.0.2.7'; if this is the"
            " right receiver, set server_hostname",
        ),
        (
            lambda ca: ca.issue_cert(*(f"{number}.example" for number in range(12))),
            "'DNS:9.example' and 2 more;",
        ),
        (
            lambda ca: without_names(ca),
            "but for no name at all: it has no subjectAltName, and its subject 'O=",
        ),
        (
            lambda ca: with_address_as_name(ca),
            "it has DNS:127.0.0.1, and an address must have the type IP: have it issued again with"
            " subjectAltName=IP:127.0.0.1, or set fingerprint to sha256:",
        ),
    ],
    ids=["other names", "many names", "no name", "an address as a name"],
)
def test_a_certificate_for_another_name_is_told_with_its_names(
    soc: trustme.CA,
    cert_path: str,
    issue: Callable[[trustme.CA], trustme.LeafCert],
    expected: str,
) -> None:
    with receiver_of(server_context(issue(soc))) as receiver:
        assert expected in failure({**receiver.settings(), "cert_path": cert_path})


@pytest.mark.parametrize(
    ("host", "in_certificate"),
    [("siem.example.", "siem.example"), ("fe80::1%eth0", "fe80::1"), ("fe80::1%2", "fe80::1")],
)
@pytest.mark.parametrize("key", ["host", "server_hostname"])
def test_what_only_the_resolver_needs_is_not_compared_with_the_certificate(
    names: dict[str, str | list[str]],
    soc: trustme.CA,
    cert_path: str,
    host: str,
    in_certificate: str,
    key: str,
) -> None:
    names[host] = "127.0.0.1"
    context = server_context(soc.issue_cert(in_certificate))
    asked: list[str] = []
    context.sni_callback = lambda _, name, __: asked.append(name)
    with receiver_of(context) as receiver:
        deliver({**receiver.settings(), "cert_path": cert_path, key: host})
        receiver.wait_for(len(FRAMES))
    assert set(asked) <= {"siem.example", None}  # no address goes into SNI
    with receiver_of(server_context(soc.issue_cert("other.example"))) as receiver:
        text = failure({**receiver.settings(), "cert_path": cert_path, "server_hostname": host})
        assert f"it is not for {in_certificate}, but for" in text


def test_an_unknown_authority_is_told_with_its_name_and_where_it_was_looked_for(
    soc: trustme.CA, temporary_ca: TemporaryCA
) -> None:
    with receiver_of(server_context(soc.issue_cert("127.0.0.1"))) as receiver:
        other = failure({**receiver.settings(), "cert_path": temporary_ca.cert_path})
        system = failure(receiver.settings())
        own = failure({**receiver.settings(), "ssl_context": ssl.create_default_context()})
    for text in (other, system, own):
        assert "it was issued by 'O=Example SOC, OU=Testing CA" in text
    chain = "does not hold it, or the receiver does not send its whole chain"
    cure = "set cert_path to the file of that CA"
    assert f"cert_path={temporary_ca.cert_path} {chain}; {cure}" in other
    assert f"the system {chain}; {cure}" in system
    assert f"ssl_context {chain}; load that CA into it" in own


def test_an_intermediate_authority_is_enough(soc: trustme.CA, tmp_path: Path) -> None:
    branch = soc.create_child_ca()
    branch.cert_pem.write_to_path(tmp_path / "branch.pem")
    with receiver_of(server_context(branch.issue_cert("127.0.0.1"))) as receiver:
        deliver({**receiver.settings(), "cert_path": str(tmp_path / "branch.pem")})
        receiver.wait_for(len(FRAMES))


def test_an_authority_of_ones_own_needs_no_key_identifiers(soc: trustme.CA, tmp_path: Path) -> None:
    """Python 3.13 asks for them unless told otherwise, and 3.12 does not."""
    ours = x509.load_pem_x509_certificate(soc.cert_pem.bytes())
    shown = soc.issue_cert("127.0.0.1")
    identifiers = x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier
    pem = signed_again(parsed(shown), soc, without=identifiers)
    (tmp_path / "ca.pem").write_bytes(signed_again(ours, soc, without=identifiers))
    plain = trustme.LeafCert(shown.private_key_pem.bytes(), pem, [])
    with receiver_of(server_context(plain)) as receiver:
        deliver({**receiver.settings(), "cert_path": str(tmp_path / "ca.pem")})
        receiver.wait_for(len(FRAMES))


def test_a_context_that_wants_the_whole_chain_is_told_as_such(
    soc: trustme.CA, tmp_path: Path
) -> None:
    branch = soc.create_child_ca()
    branch.cert_pem.write_to_path(tmp_path / "branch.pem")
    trust = ssl.create_default_context(cafile=str(tmp_path / "branch.pem"))
    trust.verify_flags &= ~ssl.VERIFY_X509_PARTIAL_CHAIN
    with receiver_of(server_context(branch.issue_cert("127.0.0.1"))) as receiver:
        text = failure({**receiver.settings(), "ssl_context": trust})
        assert "ssl_context holds it, but not the CA above it: add ssl.VERIFY_X509_PARTIAL" in text
        trust.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        deliver({**receiver.settings(), "ssl_context": trust})


@pytest.mark.parametrize("has_identifiers", [True, False])
def test_an_authority_with_another_key_is_not_told_to_be_missing(
    soc: trustme.CA, tmp_path: Path, has_identifiers: bool
) -> None:
    """As it is when the file still holds the one before."""
    ours = x509.load_pem_x509_certificate(soc.cert_pem.bytes())
    now = ours.not_valid_before_utc, ours.not_valid_after_utc
    key = ec.generate_private_key(ec.SECP256R1())
    number = x509.random_serial_number()
    builder = x509.CertificateBuilder(ours.subject, ours.subject, key.public_key(), number, *now)
    builder = builder.add_extension(x509.BasicConstraints(True, None), True)
    if has_identifiers:
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(identifier, False)
    old = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (tmp_path / "ca.pem").write_bytes(old)
    with receiver_of(server_context(soc.issue_cert("127.0.0.1"))) as receiver:
        text = failure({**receiver.settings(), "cert_path": str(tmp_path / "ca.pem")})
    assert "ca.pem holds a CA of that name whose key has not signed it" in text


def assert_advises_both(text: str, where: str) -> str:
    """Return the fingerprint that the error of a self-signed certificate advises to set."""
    cure = "set cert_path to the file of that certificate, or set fingerprint to "
    start, _, pin = text.partition(cure)
    assert start.endswith(f"it is self-signed, and {where} does not hold it; ")
    shown, _, condition = pin.partition(",")
    assert condition == " if the receiver's own tools show the same"
    return shown


def test_the_error_of_a_self_signed_certificate_has_the_fingerprint_that_makes_it_work(
    soc: trustme.CA, temporary_ca: TemporaryCA, tmp_path: Path
) -> None:
    other = str(temporary_ca.cert_path)
    with receiver_of(self_signed(soc, tmp_path)) as receiver:
        text = failure(receiver.settings())
        shown = assert_advises_both(text, "the system")
        wrong = failure({**receiver.settings(), "cert_path": other})
        assert_advises_both(wrong, f"cert_path={other}")
        deliver({**receiver.settings(), "fingerprint": shown})
        receiver.wait_for(len(FRAMES))


def test_an_expired_authority_is_not_taken_for_an_expired_certificate(
    soc: trustme.CA, tmp_path: Path
) -> None:
    old = tmp_path / "old.pem"
    old.write_bytes(expired(soc))
    shown = trustme.CA.from_pem(old.read_bytes(), soc.private_key_pem.bytes()).issue_cert(
        "127.0.0.1"
    )
    with receiver_of(server_context(shown)) as receiver:
        text = failure({**receiver.settings(), "cert_path": str(old)})
    assert "a CA above the receiver's has expired" in text
    assert (
        f"the receiver's own has not (valid until {date(parsed(shown).not_valid_after_utc)})"
        in text
    )


# --- fingerprints -----------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("level", LEVELS)
def test_a_fingerprint_is_trust_enough(soc: trustme.CA, version: str, level: str) -> None:
    shown = soc.issue_cert("other.example", not_after=NOW - timedelta(days=3))
    context = server_context(shown)
    context.maximum_version = VERSIONS[version]
    with receiver_of(context) as receiver:
        deliver({**receiver.settings(), "fingerprint": pin(shown), "confirm": level})
        receiver.wait_for(len(FRAMES))


def test_a_certificate_may_be_replaced_by_another_that_is_pinned(soc: trustme.CA) -> None:
    old, new = (soc.issue_cert("127.0.0.1") for _ in range(2))
    context = server_context(old)
    with receiver_of(context) as receiver:
        settings = {**receiver.settings(), "fingerprint": f"{pin(old)}, {pin(new)}"}
        deliver(settings)
        new.configure_cert(context)
        deliver(settings)
        receiver.wait_for(2 * len(FRAMES))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("trust", ["fingerprint alone", "cert_path", "ssl_context"])
def test_another_fingerprint_is_refused_whatever_else_is_right(
    soc: trustme.CA, cert_path: str, version: str, trust: str
) -> None:
    shown = soc.issue_cert("127.0.0.1")
    context = server_context(shown)
    context.maximum_version = VERSIONS[version]
    ways: dict[str, dict[str, Any]] = {
        "cert_path": {"cert_path": cert_path},
        "ssl_context": {"ssl_context": ssl.create_default_context(cafile=cert_path)},
    }
    with receiver_of(context) as receiver:
        settings = {**receiver.settings(), "fingerprint": "ab" * 32, **ways.get(trust, {})}
        text = failure(settings)
        assert f"has the fingerprint {pin(shown)}, which is not in the setting" in text
        deliver({**settings, "fingerprint": ["ab" * 32, pin(shown).upper()]})
        assert len(receiver.wait_for(len(FRAMES))) == len(FRAMES)


def test_with_cert_path_a_fingerprint_is_not_enough(
    soc: trustme.CA, temporary_ca: TemporaryCA, cert_path: str
) -> None:
    shown = soc.issue_cert("other.example")
    with receiver_of(server_context(shown)) as receiver:
        pinned = {**receiver.settings(), "fingerprint": pin(shown)}
        assert "issued by" in failure({**pinned, "cert_path": temporary_ca.cert_path})
        assert "not for 127.0.0.1" in failure({**pinned, "cert_path": cert_path})
        deliver({**pinned, "cert_path": cert_path, "verify_hostname": False})
        deliver({**pinned, "cert_path": cert_path, "server_hostname": "other.example"})
        receiver.wait_for(2 * len(FRAMES))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_that_is_resumed_is_no_way_round_the_fingerprint(
    soc: trustme.CA, version: str
) -> None:
    shown = soc.issue_cert("127.0.0.1")
    context = server_context(shown)
    context.maximum_version = VERSIONS[version]
    with receiver_of(context) as receiver:
        right = {pin(shown).removeprefix("sha256:")}
        settings = ClientSettings.of({**receiver.settings(), "fingerprint": list(right)})
        tls, resumption = settings.tls_context(), Resumption()
        where = (socket.AF_INET, socket.SOCK_STREAM, 0, "", (receiver.host, receiver.port))

        def connect(fingerprints: set[str]) -> Connection:
            # Heard out: with TLS 1.3 the session comes after the handshake.
            return Connection(where, Deadline(10), tls, None, resumption, True, fingerprints)

        for _ in range(2):
            connect(right).close()
        assert context.session_stats()["hits"] == 1
        with pytest.raises(FingerprintError):
            connect({"ab" * 32})
        receiver.wait_until(lambda: receiver.connections == 3 and not receiver.open_connections)
        assert context.session_stats()["hits"] == 2
        assert receiver.frames == []


# --- certificates of ours that are missing or refused -----------------------------


@pytest.fixture(params=VERSIONS)
def demanding(
    request: pytest.FixtureRequest, temporary_ca: TemporaryCA
) -> Iterator[SyslogReceiver]:
    version = VERSIONS[request.param]
    context = temporary_ca.server_context(
        require_client_cert=True, minimum_version=version, maximum_version=version
    )
    with receiver_of(context) as receiver:
        yield receiver


@pytest.mark.parametrize("level", LEVELS)
def test_a_missing_client_certificate_is_told(
    demanding: SyslogReceiver, temporary_ca: TemporaryCA, level: str
) -> None:
    trust = {"cert_path": temporary_ca.cert_path, "confirm": level}
    text = failure({**demanding.settings(), **trust})
    assert text.endswith("set client_cert and client_key")
    assert demanding.frames == []


@pytest.mark.parametrize("level", LEVELS)
def test_a_client_certificate_of_another_authority_is_told(
    demanding: SyslogReceiver, temporary_ca: TemporaryCA, level: str
) -> None:
    with TemporaryCA() as other:
        mine = other.issue("shipper.example")
        client = {"client_cert": mine.cert_path, "client_key": mine.key_path, "confirm": level}
        trust = {"cert_path": temporary_ca.cert_path}
        text = failure({**demanding.settings(), **trust, **client})
    # What is sent to one that has closed already brings a reset, which may outrun the alert.
    assert level == "consumed" or "does not know the CA of our client certificate" in text
    assert f"does it trust client_cert={mine.cert_path}, its CA" in text


def test_an_expired_client_certificate_is_told(
    demanding: SyslogReceiver, temporary_ca: TemporaryCA
) -> None:
    mine = temporary_ca.issue("shipper.example", expired=True)
    client = {"client_cert": mine.cert_path, "client_key": mine.key_path, "confirm": "acked"}
    trust = {"cert_path": temporary_ca.cert_path}
    text = failure({**demanding.settings(), **trust, **client})
    assert "our client certificate has expired" in text
    assert "renew client_cert" in text


def test_what_is_wrong_with_the_receiver_is_told_although_it_wants_a_certificate_of_ours(
    demanding: SyslogReceiver, temporary_ca: TemporaryCA
) -> None:
    trust = {"cert_path": temporary_ca.cert_path, "server_hostname": "other.example"}
    text = failure({**demanding.settings(), **trust})
    assert "not for other.example" in text
    assert demanding.frames == []


# --- one side speaks TLS, the other does not --------------------------------------


@contextlib.contextmanager
def peer(behave: Callable[[socket.socket], None], port: int = 0) -> Iterator[dict[str, Any]]:
    """A server that does what it likes with each connection; yields the settings to reach it."""
    with serve(behave, port) as taken:
        yield {"host": "127.0.0.1", "port": taken}


def reads_and_closes(accepted: socket.socket) -> None:
    # As syslog-ng, or anything that reads ahead: with nothing left unread there is no reset.
    accepted.recv(65536)
    accepted.shutdown(socket.SHUT_RDWR)


def answers_with(answer: bytes) -> Callable[[socket.socket], None]:
    def behave(accepted: socket.socket) -> None:
        accepted.recv(65536)
        accepted.sendall(answer)
        accepted.recv(65536)

    return behave


def test_tls_to_a_plain_port_that_answers_nothing_is_told() -> None:
    with peer(answers_with(b"")) as settings:
        text = failure({**settings, "protocol": "tls", "timeout": 0.5})
    assert "no answer to the TLS handshake: does the receiver speak TLS on this port" in text


@pytest.mark.parametrize(
    "behave",
    [reads_and_closes, answers_with(b"220 ready\r\n"), answers_with(b"HTTP/1.1 400 Bad\r\n\r\n")],
    ids=["closes", "greets", "answers"],
)
def test_tls_to_a_port_of_another_kind_is_told(behave: Callable[[socket.socket], None]) -> None:
    with peer(behave) as settings:
        text = failure({**settings, "protocol": "tls"})
    assert "speak TLS on this port" in text


@pytest.mark.parametrize("level", LEVELS)
def test_plain_text_to_a_tls_port_is_told(temporary_ca: TemporaryCA, level: str) -> None:
    with receiver_of(temporary_ca.server_context()) as receiver:
        text = failure({**receiver.settings(), "protocol": "tcp", "confirm": level})
    assert text.endswith("set protocol=tls")


@pytest.mark.parametrize("level", LEVELS)
def test_a_tls_port_that_reads_plain_text_before_it_closes_confirms_nothing(level: str) -> None:
    with peer(reads_and_closes) as settings:
        for _ in range(2):
            text = failure({**settings, "confirm": level})
            assert text.endswith("if the receiver speaks TLS on this port, set protocol=tls")


@pytest.mark.parametrize("level", LEVELS)
def test_an_alert_in_answer_to_plain_text_is_told(level: str) -> None:
    with peer(answers_with(b"\x15\x03\x01\x00\x02\x02\x46")) as settings:
        text = failure({**settings, "confirm": level})
    assert "the receiver answers in TLS: set protocol=tls" in text


def test_a_receiver_that_is_restarted_to_speak_tls_confirms_no_plain_text() -> None:
    with SyslogReceiver() as plain:
        transport = open_transport(ClientSettings.of({**plain.settings(), "timeout": 10}))
        with contextlib.closing(transport):
            transport.send(FRAMES)
            assert transport.confirm()
            plain.stop()
            with pytest.raises(ConnectError, match="refused"):
                transport.send(FRAMES)
            with peer(reads_and_closes, plain.port), pytest.raises(TransportError):
                transport.send(FRAMES)
                transport.confirm()


def test_a_version_that_is_too_old_is_told(temporary_ca: TemporaryCA) -> None:
    context = temporary_ca.server_context(maximum_version=ssl.TLSVersion.TLSv1_2)
    with receiver_of(context) as receiver:
        trust = {"cert_path": temporary_ca.cert_path, "min_tls": "1.3"}
        text = failure({**receiver.settings(), **trust})
        assert "speaks no version of TLS that min_tls=1.3 allows" in text
        deliver({**receiver.settings(), "cert_path": temporary_ca.cert_path, "min_tls": "1.2"})


# --- how errors read --------------------------------------------------------------


def test_each_address_of_a_name_is_shown(temporary_ca: TemporaryCA) -> None:
    with receiver_of(temporary_ca.server_context("siem.example")) as receiver:
        trust = {"cert_path": temporary_ca.cert_path}
        named = {**receiver.settings(), **trust, "host": "localhost"}
        with pytest.raises(TlsError, match=r"localhost:[0-9]+: .*127\.0\.0\.1: the receiver's"):
            deliver(named)


def test_what_a_certificate_says_cannot_forge_a_line_of_the_log() -> None:
    class Refused(ssl.SSLCertVerificationError):
        verify_code = 20
        verify_message = "unable to get local issuer certificate"

    hostile = trustme.CA(organization_name="a\nCRITICAL forged\x1b[31m" + "x" * 40)
    shown = hostile.issue_cert("siem.example")
    der = ssl.PEM_cert_to_DER_cert(shown.cert_chain_pems[0].bytes().decode())
    settings = ClientSettings(host="siem.example", protocol="tls")
    text = explain(Refused(), settings, der=der)
    assert "CRITICAL forged" in text
    assert text.isprintable()
    assert len(text) < 600


def test_a_certificate_that_cannot_be_read_leaves_the_rest_of_the_error() -> None:
    class Refused(ssl.SSLCertVerificationError):
        verify_code = 10
        verify_message = "certificate has expired"

    settings = ClientSettings(host="siem.example", protocol="tls")
    for der in (None, b"junk"):
        assert "has expired; renew it there" in explain(Refused(), settings, der=der)


def test_a_receiver_that_has_worked_before_is_not_doubted() -> None:
    settings = ClientSettings(host="siem.example")
    error = ConnectionResetError(104, "Connection reset by peer")
    assert explain(error, settings) == "Connection reset by peer"
    assert "protocol=tls" in explain(error, settings, proven=False)
