"""What is kept from one TLS connection to the next: the context, and a session to resume.

Reading the system's certificates takes longer than a handshake, so a context is made once and
used for as long as the files behind it stay as they are. Nothing here may outlive what it was
made from: a renewed certificate is used by the next connection, and a session is resumed only
under the very context that verified the receiver, and not for long.
"""

from __future__ import annotations

import os
import ssl
import time
from functools import lru_cache

__all__ = ["Resumption", "TrustError", "advice", "client_context"]

# Each holds some hundred certificates; a program has one or two receivers.
_CONTEXTS = 8
# Servers renew the session with each resumption, so that it would never end by itself; and a
# resumed handshake looks at no certificate (RFC 8446 section 4.6.1 asks for such a limit).
_RESUMPTION_SECONDS = 600.0

_Signature = tuple[int, ...] | None

# X509_V_ERR_...: x509_vfy.h of OpenSSL.
_EXPIRED, _NOT_YET_VALID = 10, 9
_UNKNOWN_CA = (2, 18, 19, 20, 21)
_OTHER_NAME = (62, 64)
_CLOCK = "or this machine's clock is wrong"
_OTHER_CA = "is cert_path the CA that issued it, and does the receiver send its whole chain?"
_ADVICE = {
    _EXPIRED: f"it must be renewed at the receiver, {_CLOCK}",
    _NOT_YET_VALID: f"its time has not come, {_CLOCK}",
    **dict.fromkeys(_UNKNOWN_CA, _OTHER_CA),
    **dict.fromkeys(_OTHER_NAME, "server_hostname is the name to check, by default host"),
}


class TrustError(Exception):
    """Raised when a file cannot be used; ``key`` is the setting that named it."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key}: {problem}")
        self.key = key
        self.problem = problem


def client_context(
    *,
    cert_path: str | None,
    client_cert: str | None,
    client_key: str | None,
    client_key_password: str | None,
    verify_hostname: bool,
    min_tls: ssl.TLSVersion,
) -> ssl.SSLContext:
    """A client's context; the receiver's certificate is always verified.

    The same one for the same arguments, until a file changes: it is not to be changed.

    Args:
        cert_path: File of CA certificates; ``None`` for the system's.
        client_cert: File of the client's certificate chain; ``None`` to show none.
        client_key: File of its private key; ``None`` when it is in ``client_cert`` as well.
        client_key_password: The key's password; ``None`` when it needs none.
        verify_hostname: Whether the certificate must have the receiver's name.
        min_tls: The oldest version accepted.

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
        _signatures(cert_path, client_cert, client_key),
    )


class Resumption:
    """The last TLS session with one receiver, which spares both sides most of a handshake.

    A session is offered once, to the receiver that gave it, under the context that verified it.
    For one thread, one receiver and one name to verify.
    """

    def __init__(self) -> None:
        self._session: ssl.SSLSession | None = None
        self._context: ssl.SSLContext | None = None
        self._end = 0.0
        self._wanted = True

    def offer(self, context: ssl.SSLContext) -> ssl.SSLSession | None:
        """What to begin a handshake with under ``context``; ``None`` for a full one."""
        session, self._session = self._session, None
        return session if context is self._context and time.monotonic() < self._end else None

    def begin(self, tls: ssl.SSLSocket) -> None:
        """Take note of a handshake: a full one has just verified the receiver's certificate."""
        if not tls.session_reused:
            self._context = tls.context
            self._end = time.monotonic() + _RESUMPTION_SECONDS

    def keep(self, tls: ssl.SSLSocket) -> None:
        """Keep what there is of a session; TLS 1.3 has it once the server's tickets are read."""
        if self._wanted and tls.context is self._context:
            self._session = tls.session or self._session

    def give_up(self) -> None:
        """Offer nothing any more: this receiver takes no session."""
        self._wanted, self._session = False, None


def advice(error: BaseException) -> str:
    """What to look at when a receiver's certificate was refused; empty where nothing is known."""
    hint = _ADVICE.get(getattr(error, "verify_code", 0))
    return f" ({hint})" if hint else ""


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
    _as_of: tuple[_Signature, ...],
) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=cert_path)
    except OSError as error:
        raise TrustError("cert_path", f"expected CA certificates in {cert_path}: {error}") from None
    context.minimum_version = min_tls
    context.check_hostname = verify_hostname
    if client_cert:
        try:
            # A password even when there is none: OpenSSL would ask for it on the terminal.
            context.load_cert_chain(client_cert, client_key, client_key_password or "")
        except OSError as error:
            key = "client_key" if client_key else "client_cert"
            expected = f"expected the private key of {client_cert}, and its password if it has one"
            raise TrustError(key, f"{expected}: {error}") from None
    return context
