"""Explains an error of the network: what it means, and which setting to look at.

One table has a sentence for each symptom; the sentence names the settings. This module must decide
nothing. What it shows of an untrusted certificate is escaped and short.
"""

from __future__ import annotations

import re
import ssl
from datetime import datetime, timezone

from sls_syslog.errors import SettingsError, short_repr
from sls_syslog.network.certificate import Certificate, compute_fingerprint
from sls_syslog.network.connection import TlsAnsweredError
from sls_syslog.network.tls import FingerprintError, HandshakeCutError, choose_name
from sls_syslog.settings.client import ClientSettings
from sls_syslog.settings.protocols import PROTOCOLS

__all__ = ["explain"]

_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
_OTHER_ADDRESS = 64  # X509_V_ERR_IP_ADDRESS_MISMATCH
# Most names of a certificate, and most characters of each, that an error shows.
_SHOWN_NAMES = 10
_SHOWN_CHARACTERS = 200
# "TLSV13_ALERT_CERTIFICATE_REQUIRED" is the alert "certificate_required" of RFC 8446 section 6.
_ALERT = re.compile(r"(?:SSL|TLS)V\d+_(?:ALERT_)?")
_PARTIAL_CHAIN = ssl.VERIFY_X509_PARTIAL_CHAIN
_ALLOW_PARTIAL_CHAIN = "add ssl.VERIFY_X509_PARTIAL_CHAIN to its verify_flags"

_CLOCK = "or set this machine's clock right"
_OTHER_NAME = (
    "the receiver's certificate is not trusted: it is not for {name}{names}; if this is the right"
    " receiver, set server_hostname to a name that its certificate has"
)
_OTHER_CA = (
    "the receiver's certificate is not trusted: it was issued{issuer}, and {authority}, or the"
    " receiver does not send its whole chain{cure}"
)
_WE_ARE_REFUSED = "the receiver refuses our client certificate{alert}: {client}"
_NO_VERSION = "the receiver speaks no version of TLS that {oldest} allows{alert}"
_NO_TLS = "what the receiver answers is not TLS{alert}: does it speak TLS on this port?"
_ENDED = "{problem}; if the receiver wants a client certificate, {client}"

# Keys: the code of a verification (OpenSSL's x509_vfy.h), OpenSSL's name for an error or an alert,
# or a name of ours.
_SENTENCES: dict[int | str, str] = {
    _EXPIRED: "the receiver's certificate has expired{until}; renew it there, " + _CLOCK,
    9: "the receiver's certificate is not valid yet{since}; wait, " + _CLOCK,
    18: "the receiver's certificate is not trusted: it is self-signed, and {authority}{cure}"
    "{or_pin}",
    **dict.fromkeys((2, 7, 19, 20, 21), _OTHER_CA),
    **dict.fromkeys((62, _OTHER_ADDRESS), _OTHER_NAME),
    "wrong type": "the receiver's certificate is not trusted: it has DNS:{name}, and an address"
    " must have the type IP: have it issued again with subjectAltName=IP:{name}{or_pin}",
    "authority expired": "the certificate of a CA above the receiver's has expired: renew it, at"
    " the receiver or in cert_path; the receiver's own has not{until}",
    "distrusted": "the receiver's certificate is not trusted: {problem}{pin}",
    "fingerprint": "the receiver's certificate has the fingerprint {own}, which is not"
    " in the setting fingerprint: add it, if the receiver's own tools show the same",
    "CERTIFICATE_REQUIRED": "the receiver wants a client certificate{alert}: {client}",
    "HANDSHAKE_FAILURE": "the receiver ends the handshake{alert}: perhaps it has no cipher that we"
    " allow; if the receiver wants a client certificate, {client}",
    "UNKNOWN_CA": "the receiver does not know the CA of our client certificate{alert}: {client}",
    "CERTIFICATE_EXPIRED": "our client certificate has expired{alert}: renew client_cert",
    "CERTIFICATE_REVOKED": "our client certificate is revoked{alert}: renew client_cert",
    "BAD_CERTIFICATE": _WE_ARE_REFUSED,
    "UNSUPPORTED_CERTIFICATE": _WE_ARE_REFUSED,
    "CERTIFICATE_UNKNOWN": _WE_ARE_REFUSED,
    "ACCESS_DENIED": _WE_ARE_REFUSED,
    "PROTOCOL_VERSION": _NO_VERSION,
    "UNSUPPORTED_PROTOCOL": _NO_VERSION,
    "UNRECOGNIZED_NAME": "the receiver has no certificate for {name}{alert}: set server_hostname",
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "HTTP_REQUEST": _NO_TLS,
    "unanswered": "{problem}: does the receiver speak TLS on this port, and a version that"
    " {oldest} allows?",
    "cut": _ENDED,
    "ended tls": _ENDED,
    "ended tcp": "{problem}; if the receiver speaks TLS on this port, set protocol=tls",
    "ended relp": "{problem}; does the receiver speak RELP on this port? If it speaks RELP over"
    " TLS, set protocol=relp+tls",
    "ended relp+tls": "{problem}; does the receiver speak RELP on this port? If it wants a client"
    " certificate, {client}",
    "answered in tls": "{problem}: set protocol={secured}, or the port at which it takes plain"
    " text",
}


def explain(
    error: BaseException,
    settings: ClientSettings,
    *,
    der: bytes | None = None,
    proven: bool = True,
) -> str:
    """Say what happened, and what to do about it if that is known; leave out error numbers.

    Args:
        error: What the operating system or OpenSSL has raised.
        settings: The settings in use.
        der: The receiver's certificate; ``None`` if it was not refused or could not be fetched.
        proven: Whether this receiver has accepted something before, with these settings.
    """
    problem = _describe(error)
    certificate = _read_certificate(der)
    sentence = _SENTENCES.get(_find_symptom(error, settings, certificate, proven), "{problem}")
    facts = {
        **_collect_facts(error, settings),
        **_collect_certificate_facts(certificate, der),
        **_describe_authority(settings, certificate),
    }
    return sentence.format(problem=problem, **facts)


def _describe(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(error.verify_message)
    if isinstance(error, ssl.SSLEOFError):
        return "the receiver has ended the connection"
    return str(getattr(error, "strerror", None) or str(error) or type(error).__name__)


def _find_symptom(
    error: BaseException, settings: ClientSettings, certificate: Certificate | None, proven: bool
) -> int | str:
    if isinstance(error, FingerprintError):
        return "fingerprint"
    if isinstance(error, TlsAnsweredError):
        return "answered in tls"
    if isinstance(error, HandshakeCutError):
        return "cut" if error.answered else "unanswered"
    if isinstance(error, ssl.SSLCertVerificationError):
        return _classify_verification(error.verify_code, settings, certificate)
    if isinstance(error, ConnectionRefusedError):  # no program listens, for TLS or plain text
        return ""
    if isinstance(error, (ConnectionError, ssl.SSLEOFError)):
        return "" if proven else f"ended {settings.protocol}"
    return _ALERT.sub("", getattr(error, "reason", None) or "")


def _classify_verification(
    code: int, settings: ClientSettings, certificate: Certificate | None
) -> int | str:
    name = choose_name(settings.server_hostname, settings.host)
    if code == _OTHER_ADDRESS and certificate and f"DNS:{name}" in certificate.names:
        return "wrong type"
    if code == _EXPIRED and certificate and certificate.until > datetime.now(timezone.utc):
        return "authority expired"
    return code if code in _SENTENCES else "distrusted"


def _collect_facts(error: BaseException, settings: ClientSettings) -> dict[str, str]:
    alert = getattr(error, "reason", None)
    return {
        "name": choose_name(settings.server_hostname, settings.host),
        "own": f"sha256:{getattr(error, 'fingerprint', '')}",
        "alert": f" ({alert})" if alert else "",
        "secured": "relp+tls" if PROTOCOLS[settings.protocol].is_relp else "tls",
        "client": _describe_client(settings),
        "oldest": "ssl_context" if settings.ssl_context else f"min_tls={_format_version(settings)}",
    }


def _collect_certificate_facts(
    certificate: Certificate | None, der: bytes | None
) -> dict[str, str]:
    if certificate is None or der is None:
        empty = dict.fromkeys(("names", "since", "until", "pin", "or_pin"), "")
        return {**empty, "issuer": " by another CA"}
    pin = f"set fingerprint to sha256:{compute_fingerprint(der)}, if the receiver's own tools show"
    return {
        "names": f", but for {_format_names(certificate)}",
        "since": f" (valid from {_format_date(certificate.since)})",
        "until": f" (valid until {_format_date(certificate.until)})",
        "issuer": f" by {_escape(certificate.issuer)}",
        "pin": f"; {pin} the same",
        "or_pin": f", or {pin} the same",
    }


def _describe_authority(
    settings: ClientSettings, certificate: Certificate | None
) -> dict[str, str]:
    """Say where the CA was looked for, and what to do about it."""
    is_own = certificate is not None and certificate.subject == certificate.issuer
    wanted = "that certificate" if is_own else "that CA"
    cure = f"; set cert_path to the file of {wanted}"
    where = "the system" if settings.cert_path is None else f"cert_path={settings.cert_path}"
    if settings.ssl_context:
        where, cure = "ssl_context", f"; load {wanted} into it"
    if certificate is not None and certificate.issuer in _list_authorities(settings):
        if settings.ssl_context and not settings.ssl_context.verify_flags & _PARTIAL_CHAIN:
            found = f"{where} holds it, but not the CA above it: {_ALLOW_PARTIAL_CHAIN}"
            return {"authority": found, "cure": ""}
        found = f"{where} holds a CA of that name whose key has not signed it (an old one?)"
        return {"authority": found, "cure": cure}
    return {"authority": f"{where} does not hold it", "cure": cure}


def _list_authorities(settings: ClientSettings) -> set[str]:
    """List the subjects of the CAs that are trusted; none if their file cannot be read."""
    try:
        trusted = settings.tls_context().get_ca_certs(binary_form=True)
    except SettingsError:
        return set()
    return {one.subject for one in map(_read_certificate, trusted) if one and one.subject}


def _describe_client(settings: ClientSettings) -> str:
    if settings.ssl_context:
        return "ssl_context must hold one that it trusts"
    if settings.client_cert is None:
        return "set client_cert and client_key"
    return f"does it trust client_cert={settings.client_cert}, its CA and the names in it?"


def _format_version(settings: ClientSettings) -> str:
    return settings.min_tls.name.removeprefix("TLSv").replace("_", ".")


def _read_certificate(der: bytes | None) -> Certificate | None:
    try:
        return Certificate.of(der) if der else None
    except ValueError:
        return None


def _format_names(certificate: Certificate) -> str:
    if not certificate.names:
        subject = _escape(certificate.subject)
        return f"no name at all: it has no subjectAltName, and its subject {subject} does not count"
    more = len(certificate.names) - _SHOWN_NAMES
    first = ", ".join(map(_escape, certificate.names[:_SHOWN_NAMES]))
    return f"{first} and {more} more" if more > 0 else first


def _escape(text: str) -> str:
    """Escape line ends and control characters, and shorten."""
    return short_repr(text, _SHOWN_CHARACTERS)


def _format_date(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
