"""The ``SSLContext`` of a client, made once and used until a certificate file changes.

Reading the system's certificates takes longer than a handshake. A renewed certificate is used by
the next connection.
"""

from __future__ import annotations

import os
import ssl
from functools import lru_cache

__all__ = ["TrustError", "make_client_context", "make_unverified_context"]

# Each holds some hundred certificates; a program has one or two receivers.
_CONTEXTS = 8

_Signature = tuple[int, ...] | None


class TrustError(Exception):
    """Raised when a file cannot be used; ``key`` is the setting that named it."""

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
    """A client's context, which verifies the receiver's certificate unless told not to.

    The same one for the same arguments, until a file changes: it is not to be changed.

    Args:
        cert_path: File of CA certificates; ``None`` for the system's.
        client_cert: File of the client's certificate chain; ``None`` to show none.
        client_key: File of its private key; ``None`` when it is in ``client_cert`` as well.
        client_key_password: The key's password; ``None`` when it needs none.
        verify_hostname: Whether the certificate must have the receiver's name.
        min_tls: The oldest version accepted.
        verify: Whether the certificate must be trusted; ``False`` only for those who compare
            its fingerprint themselves.

    Raises:
        TrustError: If a file does not hold what it should.
    """
    return _context(
        cert_path,
        client_cert,
        client_key,
        client_key_password,
        verify_hostname,
        min_tls,
        verify,
        _signatures(cert_path, client_cert, client_key),
    )


def make_unverified_context() -> ssl.SSLContext:
    """Make a context that verifies nothing: to look at a receiver, never to send it a log."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _signatures(*paths: str | None) -> tuple[_Signature, ...]:
    # The system's certificates are files as well, which an update of the system replaces.
    system = ssl.get_default_verify_paths()
    return tuple(_signature(path) for path in (*paths, system.cafile, system.capath))


def _signature(path: str | None) -> _Signature:
    if path is None:
        return None
    try:
        status = os.stat(path)
    except OSError:  # whoever reads the file will say so
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


@lru_cache(maxsize=_CONTEXTS)
def _context(
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
    context.minimum_version = min_tls
    context.check_hostname = verify_hostname and verify
    if not verify:
        context.verify_mode = ssl.CERT_NONE
    if client_cert:
        _load_client(context, client_cert, client_key, client_key_password)
    return context


def _load_client(
    context: ssl.SSLContext, certificate: str, key: str | None, password: str | None
) -> None:
    asked = False

    def answer() -> str:  # also without a password: OpenSSL would ask for it on the terminal
        nonlocal asked
        asked = True
        return password or ""

    try:
        context.load_cert_chain(certificate, key, answer)
    except OSError as error:
        where = key or certificate
        if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            problem = f"the private key in {where} is not that of the certificate in {certificate}"
            raise TrustError("client_key" if key else "client_cert", problem) from None
        if asked:
            state = "is not the password of" if password else "is not set, but needed for"
            problem = f"{state} the private key in {where}"
            raise TrustError("client_key_password", problem) from None
        problem = f"expected the private key of {certificate} in {where}, both in PEM: {error}"
        raise TrustError("client_key" if key else "client_cert", problem) from None
