"""TLS with the real rsyslog (OpenSSL and GnuTLS) and syslog-ng: right, and wrong in every way."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sls_syslog.network.certificate import compute_fingerprint
from sls_syslog.testing import TemporaryCA
from sls_syslog.testing.certificates import IssuedCertificate
from tests.support.deliveries import deliver, failure
from tests.support.servers import Rsyslog, ServerTls, SyslogNg, SyslogServer

LEVELS = ["consumed", pytest.param("acked", marks=pytest.mark.gate)]
MAKES: list[Any] = [
    pytest.param(functools.partial(Rsyslog, tls_driver="ossl"), id="rsyslog-ossl"),
    pytest.param(functools.partial(Rsyslog, tls_driver="gtls"), id="rsyslog-gtls"),
    pytest.param(SyslogNg, id="syslog-ng"),
]
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
VERSIONS_AND_LEVELS = [
    ("1.2", "acked"),
    ("1.3", "consumed"),
    pytest.param("1.2", "consumed", marks=pytest.mark.gate),
    pytest.param("1.3", "acked", marks=pytest.mark.gate),
]

Serve = Callable[..., dict[str, Any]]


@pytest.fixture
def serve(request: pytest.FixtureRequest, temporary_ca: TemporaryCA, tmp_path: Path) -> Serve:
    """Starts a server with TLS; returns the settings to reach it."""

    def start(
        make: Callable[..., SyslogServer],
        shown: IssuedCertificate | None = None,
        *,
        require_client_certificate: bool = False,
    ) -> dict[str, Any]:
        tls = ServerTls.of(
            temporary_ca, shown, require_client_certificate=require_client_certificate
        )
        server = make(tmp_path, protocol="tls", tls=tls)
        request.addfinalizer(server.stop)
        return {**server.start().settings(), "timeout": 10}

    return start


def own_context(version: str, cert_path: str, mine: IssuedCertificate | None) -> ssl.SSLContext:
    # No minimum: rsyslog's GnuTLS driver has no 1.3 when it asks for no certificate.
    context = ssl.create_default_context(cafile=cert_path)
    context.maximum_version = VERSIONS[version]
    if mine is not None:
        context.load_cert_chain(mine.cert_path, mine.key_path, mine.password)
    return context


def pin(shown: IssuedCertificate) -> str:
    first, end, _ = Path(shown.cert_path).read_text().partition("-----END CERTIFICATE-----")
    return compute_fingerprint(ssl.PEM_cert_to_DER_cert(first + end))


# --- right ------------------------------------------------------------------------


@pytest.mark.parametrize("make", MAKES)
def test_each_way_of_trust_delivers(make: Any, serve: Serve, temporary_ca: TemporaryCA) -> None:
    shown = temporary_ca.issue("siem.example")
    settings = serve(make, shown)
    ca = {"cert_path": temporary_ca.cert_path}
    deliver({**settings, **ca, "server_hostname": "siem.example"})
    deliver({**settings, **ca, "verify_hostname": False})
    deliver({**settings, "fingerprint": pin(shown)})
    deliver({**settings, **ca, "fingerprint": pin(shown), "server_hostname": "siem.example"})


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("make", MAKES)
def test_a_client_certificate_with_an_encrypted_key_is_taken(
    make: Any, serve: Serve, temporary_ca: TemporaryCA, level: str
) -> None:
    mine = temporary_ca.issue("shipper.example", password="open sesame")
    settings = serve(make, require_client_certificate=True)
    deliver(
        {
            **settings,
            "cert_path": temporary_ca.cert_path,
            "client_cert": mine.cert_path,
            "client_key": mine.key_path,
            "client_key_password": "open sesame",
            "confirm": level,
        }
    )


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("make", MAKES)
def test_a_context_of_ones_own_is_used(
    make: Any, serve: Serve, temporary_ca: TemporaryCA, version: str
) -> None:
    mine = temporary_ca.issue("shipper.example", password="open sesame")
    settings = serve(make, require_client_certificate=True)
    deliver({**settings, "ssl_context": own_context(version, temporary_ca.cert_path, mine)})


# --- wrong ------------------------------------------------------------------------


@pytest.mark.parametrize("make", MAKES)
def test_a_certificate_that_is_refused_says_why(
    make: Any, serve: Serve, temporary_ca: TemporaryCA
) -> None:
    shown = temporary_ca.issue("siem.example")
    settings = serve(make, shown)
    ca = {"cert_path": temporary_ca.cert_path}
    assert "it is not for 127.0.0.1, but for 'DNS:siem.example';" in failure({**settings, **ca})
    assert "issued by 'O=trustme" in failure(settings)
    with TemporaryCA() as other:
        text = failure({**settings, "cert_path": other.cert_path})
        assert f"cert_path={other.cert_path} does not hold it" in text
    text = failure({**settings, "fingerprint": "ab" * 32})
    assert f"has the fingerprint sha256:{pin(shown)}" in text


@pytest.mark.parametrize("make", MAKES)
def test_an_expired_certificate_says_since_when(
    make: Any, serve: Serve, temporary_ca: TemporaryCA
) -> None:
    settings = serve(make, temporary_ca.issue(expired=True))
    assert "has expired (valid until 2" in failure(
        {**settings, "cert_path": temporary_ca.cert_path}
    )


@pytest.mark.parametrize(("version", "level"), VERSIONS_AND_LEVELS)
@pytest.mark.parametrize("make", MAKES)
def test_a_client_certificate_that_is_missing_is_named(
    make: Any, serve: Serve, temporary_ca: TemporaryCA, version: str, level: str
) -> None:
    settings = serve(make, require_client_certificate=True)
    own = {"ssl_context": own_context(version, temporary_ca.cert_path, None), "confirm": level}
    text = failure({**settings, **own})
    assert "wants a client certificate" in text
    assert "ssl_context must hold one" in text
    files = {"cert_path": temporary_ca.cert_path, "confirm": level}
    assert failure({**settings, **files}).endswith("set client_cert and client_key")


@pytest.mark.parametrize(("version", "level"), VERSIONS_AND_LEVELS)
@pytest.mark.parametrize("make", MAKES)
def test_a_client_certificate_that_is_refused_is_named(
    make: Any, serve: Serve, temporary_ca: TemporaryCA, version: str, level: str
) -> None:
    settings = serve(make, require_client_certificate=True)
    with TemporaryCA() as other:
        mine = other.issue("shipper.example")
        own = {"ssl_context": own_context(version, temporary_ca.cert_path, mine), "confirm": level}
        assert "client certificate" in failure({**settings, **own})
        files = {
            "cert_path": temporary_ca.cert_path,
            "client_cert": mine.cert_path,
            "client_key": mine.key_path,
            "confirm": level,
        }
        text = failure({**settings, **files})
    assert f"does it trust client_cert={mine.cert_path}" in text


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("make", MAKES)
def test_plain_text_to_a_tls_port_is_named_and_never_confirmed(
    make: Any, serve: Serve, level: str
) -> None:
    settings = {**serve(make), "protocol": "tcp", "confirm": level}
    for _ in range(2):
        text = failure(settings)
        assert text.endswith("if the receiver speaks TLS on this port, set protocol=tls")


@pytest.mark.parametrize("framing", ["newline", "octet-counting"])
@pytest.mark.parametrize("make", [Rsyslog, SyslogNg], ids=["rsyslog", "syslog-ng"])
def test_tls_to_a_plain_port_is_named(
    make: Callable[..., SyslogServer], framing: str, tmp_path: Path
) -> None:
    with make(tmp_path, framing=framing) as server:
        text = failure({**server.settings(), "protocol": "tls", "timeout": 1})
    assert "does the receiver speak TLS on this port" in text


def test_a_version_that_is_too_old_is_named(serve: Serve, temporary_ca: TemporaryCA) -> None:
    # The one that has no 1.3: it closes without an alert.
    settings = serve(functools.partial(Rsyslog, tls_driver="gtls"))
    text = failure({**settings, "cert_path": temporary_ca.cert_path, "min_tls": "1.3"})
    assert "a version that min_tls=1.3 allows" in text
