"""The ``SSLContext`` of a client: made once, and made again when a certificate file changes.

Reading the certificates of the system takes longer than a handshake. The next connection uses a
renewed certificate. This module must not open a connection.
"""

from __future__ import annotations

import os
import ssl
from functools import lru_cache

__all__ = ["TrustError", "make_client_context", "make_unverified_context"]

# Contexts to keep. Each holds some hundred certificates; a program has one or two receivers.
_MAX_CONTEXTS = 8

# The same on each Python; from 3.13 on, `create_default_context` sets both.
# An intermediate CA in `cert_path` is trusted, although the file does not hold the CA above it.
_SET_FLAGS = ssl.VERIFY_X509_PARTIAL_CHAIN
# Strict means that many a CA of an appliance or a company is refused, as it has no key identifier.
_CLEARED_FLAGS = ssl.VERIFY_X509_STRICT

# A file: modification and change time in nanoseconds, size in bytes, inode; None if unreadable.
_Signature = tuple[int, ...] | None


class TrustError(Exception):
    """A file cannot be used; ``key`` is the setting that names the file."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key}: {problem}")
        self.key = key
        self.problem = problem


def make_client_context(
    *,
    cert_path: str | None,
    client_cert: str | None,
    client_key: str | None,
    client_key_password: str | None,
    verify_hostname: bool,
    min_tls: ssl.TLSVersion,
    verify: bool = True,
) -> ssl.SSLContext:
    """Make a client's context, which verifies the receiver's certificate if ``verify`` is true.

    The same arguments give the same context until a file changes. All callers share it: do not
    change it.

    Args:
        cert_path: File of CA certificates; ``None`` for those of the system.
        client_cert: File of the client's certificate chain; ``None`` for no client certificate.
        client_key: File of its private key; ``None`` if ``client_cert`` holds the key as well.
        client_key_password: Password of the key; ``None`` if the key needs none.
        verify_hostname: Whether the certificate must have the receiver's name.
        min_tls: Oldest TLS version to accept.
        verify: Whether the certificate must be trusted; ``False`` only if the caller compares its
            fingerprint.

    Raises:
        TrustError: If a file does not hold what it should.
    """
    return _make_context(
        cert_path,
        client_cert,
        client_key,
        client_key_password,
        verify_hostname,
        min_tls,
        verify,
        _read_signatures(cert_path, client_cert, client_key),
    )


def make_unverified_context() -> ssl.SSLContext:
    """Make a context that verifies nothing. Use it to look at a receiver, never to send a log."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _read_signatures(*paths: str | None) -> tuple[_Signature, ...]:
    # The certificates of the system are files too; an update of the system replaces them.
    system = ssl.get_default_verify_paths()
    return tuple(_read_signature(path) for path in (*paths, system.cafile, system.capath))


def _read_signature(path: str | None) -> _Signature:
    if path is None:
        return None
    try:
        status = os.stat(path)
    except OSError:  # reading the file raises an error that says why
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


@lru_cache(maxsize=_MAX_CONTEXTS)
def _make_context(
    cert_path: str | None,
    client_cert: str | None,
    client_key: str | None,
    client_key_password: str | None,
    verify_hostname: bool,
    min_tls: ssl.TLSVersion,
    verify: bool,
    _as_of: tuple[_Signature, ...],
) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=cert_path)
    except OSError as error:
        raise TrustError("cert_path", f"expected CA certificates in {cert_path}: {error}") from None
    context.verify_flags = (context.verify_flags | _SET_FLAGS) & ~_CLEARED_FLAGS
    context.minimum_version = min_tls
    context.check_hostname = verify_hostname and verify
    if not verify:
        context.verify_mode = ssl.CERT_NONE
    if client_cert:
        _load_client_cert(context, client_cert, client_key, client_key_password)
    return context


def _load_client_cert(
    context: ssl.SSLContext, certificate: str, key: str | None, password: str | None
) -> None:
    is_encrypted = False

    def get_password() -> str:  # needed without one too: OpenSSL would ask on the terminal
        nonlocal is_encrypted
        is_encrypted = True
        return password or ""

    try:
        context.load_cert_chain(certificate, key, get_password)
    except OSError as error:
        where = key or certificate
        if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            problem = (
                f"the private key in {where} does not belong to the certificate in {certificate}"
            )
            raise TrustError("client_key" if key else "client_cert", problem) from None
        if is_encrypted:
            state = "is not the password of" if password else "is not set, but needed for"
            problem = f"{state} the private key in {where}"
            raise TrustError("client_key_password", problem) from None
        problem = f"expected the private key of {certificate} in {where}, both in PEM: {error}"
        raise TrustError("client_key" if key else "client_cert", problem) from None
