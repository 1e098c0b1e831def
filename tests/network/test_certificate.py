"""What is read of a certificate, against what the cryptography package reads."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog.network.certificate import Certificate, compute_fingerprint
from sls_syslog.testing import TemporaryCA

KEY = ec.generate_private_key(ec.SECP256R1())
SINCE, UNTIL = dt.datetime(2024, 1, 2, 3, 4, 5), dt.datetime(2034, 1, 2, 3, 4, 5)
NAMES = (
    x509.DNSName("siem.example"),
    x509.DNSName("*.siem.example"),
    x509.RFC822Name("soc@siem.example"),
    x509.IPAddress(ipaddress.ip_address("192.0.2.7")),
    x509.IPAddress(ipaddress.ip_address("2001:db8::7")),
    x509.UniformResourceIdentifier("https://siem.example"),
)


def made(
    *names: x509.GeneralName,
    since: dt.datetime = SINCE,
    until: dt.datetime = UNTIL,
    subject: x509.Name | None = None,
) -> bytes:
    issuer = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "样例, Inc."),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, "7"),
            x509.NameAttribute(NameOID.COMMON_NAME, "Example CA"),
        ]
    )
    builder = (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject or x509.Name([]))
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_names_dates_and_issuer_are_read() -> None:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "siem")])
    assert Certificate.of(made(*NAMES, subject=subject)) == Certificate(
        issuer="C=CN, O=样例, Inc., CN=Example CA",
        subject="CN=siem",
        since=SINCE.replace(tzinfo=dt.timezone.utc),
        until=UNTIL.replace(tzinfo=dt.timezone.utc),
        names=("DNS:siem.example", "DNS:*.siem.example", "IP:192.0.2.7", "IP:2001:db8::7"),
    )


@pytest.mark.parametrize("year", [1950, 1999, 2000, 2049, 2050, 9999])
def test_every_year_is_read(year: int) -> None:
    until = dt.datetime(year, 12, 31, 23, 59, 59)
    read = Certificate.of(made(since=dt.datetime(1950, 1, 1), until=until))
    assert read.until.replace(tzinfo=None) == until
    assert read.names == ()


@pytest.mark.parametrize("expired", [True, False])
def test_it_reads_what_others_read(temporary_ca: TemporaryCA, expired: bool) -> None:
    issued = temporary_ca.issue("siem.example", "127.0.0.1", "::1", expired=expired)
    pem = Path(issued.cert_path).read_bytes()
    theirs = x509.load_pem_x509_certificate(pem)
    der = theirs.public_bytes(serialization.Encoding.DER)
    ours = Certificate.of(der)
    assert (ours.since, ours.until) == (theirs.not_valid_before_utc, theirs.not_valid_after_utc)
    assert ours.names == ("DNS:siem.example", "IP:127.0.0.1", "IP:::1")
    organization = theirs.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value
    assert f"O={organization!s}" in ours.issuer
    assert compute_fingerprint(der) == theirs.fingerprint(hashes.SHA256()).hex()


def test_the_authority_s_own_is_read(temporary_ca: TemporaryCA) -> None:
    ca = Certificate.of(ssl.PEM_cert_to_DER_cert(Path(temporary_ca.cert_path).read_text()))
    assert ca.issuer == ca.subject != ""


def test_a_fingerprint_is_of_all_bytes() -> None:
    assert compute_fingerprint(b"abc") == hashlib.sha256(b"abc").hexdigest()


WHOLE = made(*NAMES)


def readable(der: bytes) -> bool:
    try:
        Certificate.of(der)
    except ValueError:
        return False
    return True


@given(st.binary(max_size=200))
def test_what_is_no_certificate_is_a_value_error(junk: bytes) -> None:
    assert not readable(junk)


@given(st.integers(0, len(WHOLE) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_a_spoilt_certificate_is_read_or_is_a_value_error(at: int, new: bytes, lost: int) -> None:
    readable(WHOLE[:at] + new + WHOLE[at + lost :])


@pytest.mark.parametrize("cut", range(0, len(WHOLE), 7))
def test_a_cut_certificate_is_a_value_error(cut: int) -> None:
    assert not readable(WHOLE[:cut])
