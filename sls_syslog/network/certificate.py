"""Reads the names, dates and issuer of a certificate, for the text of an error.

Python reads only certificates that it has verified, but an error is about a refused one. What is
read here must not decide whom to trust: OpenSSL or the fingerprint does. Every byte may come from
an attacker; a malformed certificate is a ``ValueError``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from ipaddress import ip_address

__all__ = ["Certificate", "compute_fingerprint"]

_VERSION, _EXTENSIONS = 0xA0, 0xA3  # the context tags of RFC 5280 section 4.1
_UTC_TIME, _BMP_STRING = 0x17, 0x1E
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87  # of RFC 5280 section 4.2.1.6
_SUBJECT_ALT_NAME = bytes.fromhex("551d11")
_ATTRIBUTES = {
    bytes.fromhex("550403"): "CN",
    bytes.fromhex("550406"): "C",
    bytes.fromhex("550407"): "L",
    bytes.fromhex("550408"): "ST",
    bytes.fromhex("55040a"): "O",
    bytes.fromhex("55040b"): "OU",
}


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """The parts of an X.509 certificate that help a person recognize it.

    Attributes:
        issuer: Who issued it, as in ``CN=Example CA, O=Example``.
        subject: Whom it is for, in the same form.
        since: When it becomes valid.
        until: When it expires.
        names: The names of its subjectAltName, each with its type: ``DNS:name`` or ``IP:address``.
    """

    issuer: str
    subject: str
    since: datetime
    until: datetime
    names: tuple[str, ...]

    @classmethod
    def of(cls, der: bytes) -> Certificate:
        """Read a certificate (RFC 5280 section 4.1).

        Args:
            der: The certificate, as ``ssl.SSLObject.getpeercert(binary_form=True)`` gives it.

        Raises:
            ValueError: If it is not a certificate.
        """
        (_, outer), *_ = _split_elements(der)
        (_, signed), *_ = _split_elements(outer)
        fields = [field for field in _split_elements(signed) if field[0] != _VERSION]
        _, _, (_, issuer), (_, validity), (_, subject), *rest = fields
        since, until = (_read_time(*moment) for moment in _split_elements(validity))
        extensions = (content for tag, content in rest if tag == _EXTENSIONS)
        return cls(
            issuer=_write_name(issuer),
            subject=_write_name(subject),
            since=since,
            until=until,
            names=tuple(name for content in extensions for name in _find_names(content)),
        )


def compute_fingerprint(der: bytes) -> str:
    """Compute the SHA-256 of a certificate, in lower-case hexadecimal digits."""
    return hashlib.sha256(der).hexdigest()


def _split_elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Split DER into its elements, each a tag and its content (X.690 section 8.1).

    Raises:
        ValueError: If one is cut off.
    """
    at = 0
    while at < len(der):
        tag, size = der[at : at + 2]  # fewer bytes raise a ValueError
        at += 2
        if size & 0x80:  # the low bits say how many bytes hold the size
            digits, at = der[at : at + (size & 0x7F)], at + (size & 0x7F)
            size = int.from_bytes(digits, "big")
        if at + size > len(der):
            raise ValueError("the certificate is cut off")
        yield tag, der[at : at + size]
        at += size


def _read_time(tag: int, content: bytes) -> datetime:
    digits = content.decode("ascii")
    if tag == _UTC_TIME:  # two digits for the year, up to 2049 (RFC 5280 section 4.1.2.5.1)
        digits = ("19" if digits >= "50" else "20") + digits
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)


def _write_name(content: bytes) -> str:
    """Write the parts of a distinguished name that have a short name."""
    parts = []
    for _, group in _split_elements(content):
        for _, pair in _split_elements(group):
            (_, kind), (tag, value) = _split_elements(pair)
            if kind in _ATTRIBUTES:
                encoding = "utf-16-be" if tag == _BMP_STRING else "utf-8"
                parts.append(f"{_ATTRIBUTES[kind]}={value.decode(encoding, 'replace')}")
    return ", ".join(parts)


def _find_names(content: bytes) -> Iterator[str]:
    """Find the names in a certificate's extensions, each with its type."""
    (_, extensions), *_ = _split_elements(content)
    for _, extension in _split_elements(extensions):
        (_, kind), *_, (_, value) = _split_elements(extension)
        if kind == _SUBJECT_ALT_NAME:
            (_, general_names), *_ = _split_elements(value)
            for tag, name in _split_elements(general_names):
                if tag == _DNS_NAME:
                    yield "DNS:" + name.decode("ascii", "replace")
                elif tag == _IP_ADDRESS:
                    yield f"IP:{ip_address(name)}"
