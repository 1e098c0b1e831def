"""Revoked certificates, and keys that are not in files: what the page on TLS says of both."""

from __future__ import annotations

import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sls_syslog import SettingsError, TlsError
from sls_syslog.network.destination import known_destinations
from sls_syslog.network.timings import Timings
from sls_syslog.settings.client import ClientSettings
from sls_syslog.testing import SyslogReceiver
from tests.support.deliveries import FRAMES, deliver
from tests.support.pages import blocks
from tests.support.processes import ROOT

NOW = datetime.now(timezone.utc)
DAY = timedelta(days=1)


def make_context(ca_file: str, crl_file: str) -> ssl.SSLContext:
    """The function of the page."""
    page = ROOT / "docs" / "how-to" / "tls.md"
    (block,) = (one for one in blocks(page, ["python"]) if "VERIFY_CRL_CHECK_LEAF" in one.text)
    names: dict[str, Any] = {}
    exec(block.text, names)
    made = names["make_context"](ca_file, crl_file)
    assert isinstance(made, ssl.SSLContext)
    return made


class Authority:
    """A CA that publishes a list of revoked certificates."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self._folder = folder
        self.cert_path = str(folder / "ca.pem")
        self._ca.cert_pem.write_to_path(self.cert_path)
        self.shown = self._ca.issue_cert("127.0.0.1")

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.shown.configure_cert(context)
        return context

    def publish(self, *, revoked: bool, until: datetime = NOW + DAY) -> str:
        """Write a list, and return its path."""
        key = serialization.load_pem_private_key(self._ca.private_key_pem.bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        issuer = x509.load_pem_x509_certificate(self._ca.cert_pem.bytes())
        # A later list counts, so an empty one is from before.
        begin = min(NOW, until) - (DAY if revoked else 2 * DAY)
        listed = x509.CertificateRevocationListBuilder(issuer.subject, begin, until)
        if revoked:
            certificate = x509.load_pem_x509_certificate(self.shown.cert_chain_pems[0].bytes())
            entry = x509.RevokedCertificateBuilder(certificate.serial_number, begin)
            listed = listed.add_revoked_certificate(entry.build())
        path = self._folder / "ca.crl.pem"
        signed = listed.sign(key, hashes.SHA256())
        path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        return str(path)


@pytest.fixture
def authority_with_list(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_a_certificate_that_is_not_revoked_is_trusted(authority_with_list: Authority) -> None:
    ca = authority_with_list
    context = make_context(ca.cert_path, ca.publish(revoked=False))
    with SyslogReceiver("tls", ssl_context=ca.server_context()) as receiver:
        deliver({**receiver.settings(), "ssl_context": context})
        assert len(receiver.frames) == len(FRAMES)


def test_a_revoked_certificate_is_refused_by_name(authority_with_list: Authority) -> None:
    ca = authority_with_list
    context = make_context(ca.cert_path, ca.publish(revoked=True))
    with SyslogReceiver("tls", ssl_context=ca.server_context()) as receiver:
        with pytest.raises(TlsError, match="certificate revoked"):
            deliver({**receiver.settings(), "ssl_context": context})
        assert receiver.frames == []


def test_a_list_that_has_expired_refuses_each_receiver(authority_with_list: Authority) -> None:
    ca = authority_with_list
    context = make_context(ca.cert_path, ca.publish(revoked=False, until=NOW - DAY))
    with (
        SyslogReceiver("tls", ssl_context=ca.server_context()) as receiver,
        pytest.raises(TlsError, match="CRL has expired"),
    ):
        deliver({**receiver.settings(), "ssl_context": context})


def test_a_list_that_is_loaded_later_counts_from_the_next_full_handshake(
    authority_with_list: Authority,
) -> None:
    ca = authority_with_list
    context = make_context(ca.cert_path, ca.publish(revoked=False))
    with SyslogReceiver("tls", ssl_context=ca.server_context()) as receiver:
        deliver({**receiver.settings(), "ssl_context": context})
        context.load_verify_locations(ca.publish(revoked=True))
        known_destinations.forget()  # the session that could be resumed
        with pytest.raises(TlsError, match="certificate revoked"):
            deliver({**receiver.settings(), "ssl_context": context})
        assert len(receiver.frames) == len(FRAMES)


def test_a_session_is_resumed_for_ten_minutes_at_most() -> None:
    """The page says for how long a revoked certificate goes on."""
    assert Timings().resumption == 600


def test_a_key_in_a_token_is_no_file(authority_with_list: Authority) -> None:
    with pytest.raises(SettingsError, match="client_key: expected the path of a readable file"):
        ClientSettings(
            host="siem.example",
            protocol="tls",
            client_cert=authority_with_list.cert_path,
            client_key="pkcs11:token=shipper;object=key",
        )
