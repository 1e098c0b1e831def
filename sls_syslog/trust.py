"""The ``ssl.SSLContext`` that the TLS settings describe.

Pure, but for the certificate files, which are read at each call: a connection made after a
renewal uses the new ones.
"""

from __future__ import annotations

import ssl

__all__ = ["TrustError", "client_context"]


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
