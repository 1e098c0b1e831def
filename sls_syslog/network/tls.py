"""TLS, sans-I/O: plain text in, ciphertext out, and back.

``ssl.SSLObject`` over two ``ssl.MemoryBIO`` objects. It reads nothing that was not handed in, so
the owner of the socket sees every reset and every end of the TCP stream.
"""

from __future__ import annotations

import ssl
from collections.abc import Collection
from contextlib import suppress
from typing import NamedTuple

from sls_syslog.network.certificate import compute_fingerprint
from sls_syslog.network.resumption import Resumption

__all__ = [
    "FingerprintError",
    "Handshake",
    "HandshakeCutError",
    "SessionRefusedError",
    "TlsLayer",
]

# Bytes of plain text that one read may return: a receiver says little.
_READ_BYTES = 64 * 1024


class Handshake(NamedTuple):
    """What a TLS handshake agreed on.

    Attributes:
        version: The version of TLS.
        cipher: The cipher suite.
        is_verified: Whether the receiver's certificate had to come from a trusted CA.
    """

    version: str
    cipher: str
    is_verified: bool


class SessionRefusedError(OSError):
    """Raised when a handshake that offered a session fails; without one it may succeed."""


class HandshakeCutError(ssl.SSLError):
    """Raised when a receiver ends a TLS handshake without a reason, or does not go on with it.

    Attributes:
        answered: Whether it had answered as a TLS server does.
    """

    def __init__(self, how: str, answered: bool) -> None:
        super().__init__(ssl.SSL_ERROR_EOF, how)
        self.answered = answered


class FingerprintError(ssl.SSLError):
    """Raised when a receiver's certificate has none of the pinned fingerprints.

    Attributes:
        fingerprint: The fingerprint that it has.
    """

    def __init__(self, found: str) -> None:
        super().__init__(ssl.SSL_ERROR_SSL, f"the receiver's certificate has sha256:{found}")
        self.fingerprint = found


class TlsLayer:
    """The TLS of one connection.

    Args:
        context: Whom to trust, and which versions.
        server_hostname: The name that goes into SNI, and that the certificate must have.
        resumption: Offers the session of an earlier connection, and keeps this one's.

    Attributes:
        has_offered_session: Whether the handshake begins with a session.
        has_ended: Whether the receiver has sent its close_notify.

    Raises:
        ssl.SSLError: If the context cannot be used by a client.
    """

    def __init__(
        self, context: ssl.SSLContext, server_hostname: str | None, resumption: Resumption
    ) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._resumption = resumption
        session = resumption.offer(context)
        self.has_offered_session = session is not None
        self.has_ended = False
        try:
            self._tls = context.wrap_bio(
                self._incoming, self._outgoing, server_hostname=server_hostname, session=session
            )
        except ValueError as error:  # a context of the user's own that is for servers, for example
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, str(error)) from error

    def advance_handshake(self) -> bool:
        """Go on with the handshake; return whether it is complete.

        Raises:
            ssl.SSLError: If it fails; an alert for the receiver may be left to send.
        """
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def check_fingerprint(self, fingerprints: Collection[str]) -> None:
        """Compare the certificate with the pinned fingerprints, in a resumed session too.

        Args:
            fingerprints: The certificate must have one of these; empty for any.

        Raises:
            FingerprintError: If it has none of them.
        """
        found = compute_fingerprint(self.get_certificate() or b"")
        if fingerprints and found not in fingerprints:
            raise FingerprintError(found)

    def begin_resumption(self) -> None:
        """Tell the resumption that this handshake has worked."""
        self._resumption.begin(self._tls)

    def keep_session(self) -> None:
        """Leave the session to the next connection.

        To be called once, when all that the receiver says has been decrypted: TLS 1.3 has a session
        only then, and each look at it costs memory that CPython never gives back.
        """
        self._resumption.keep(self._tls)

    def encrypt(self, data: memoryview) -> int:
        """Encrypt the beginning of ``data``, a record of at most 16 KiB; return its length.

        Raises:
            ssl.SSLWantReadError: If TLS has to hear the receiver first.
            ssl.SSLError: If the connection can carry nothing any more.
        """
        return self._tls.write(data)

    def feed(self, ciphertext: bytes) -> None:
        """Take what the receiver has sent; an empty one is the end of its stream."""
        if ciphertext:
            self._incoming.write(ciphertext)
        else:
            self._incoming.write_eof()

    def decrypt(self, ciphertext: bytes = b"") -> bytes:
        """Decrypt what the receiver has sent, and act on what TLS itself says in it.

        Raises:
            ssl.SSLError: If it is an alert: a refusal of our certificate, for example.
        """
        if self.has_ended:
            return b""
        self._incoming.write(ciphertext)
        plain = []
        try:
            while said := self._tls.read(_READ_BYTES):
                plain.append(said)
            self.has_ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.has_ended = True
        return b"".join(plain)

    def take_outgoing(self) -> bytes:
        """Take the ciphertext that is to be sent now."""
        return self._outgoing.read()

    def make_close_notify(self) -> bytes:
        """The ciphertext that says that nothing more will come: close_notify (RFC 5246 7.2.1).

        Nothing is read for it: all that was handed in is decrypted already.
        """
        with suppress(ssl.SSLError):  # the answer comes later, or never
            self._tls.unwrap()
        return self.take_outgoing()

    def has_answered(self) -> bool:
        """Whether the receiver has answered as a TLS server does."""
        return self._tls.cipher() is not None

    def get_certificate(self) -> bytes | None:
        """The receiver's certificate in DER, trusted or not; ``None`` before it has shown one."""
        return self._tls.getpeercert(binary_form=True)

    def describe_handshake(self) -> Handshake:
        """What the handshake agreed on."""
        cipher, *_ = self._tls.cipher() or ("no cipher",)
        is_verified = self._tls.context.verify_mode is ssl.CERT_REQUIRED
        return Handshake(self._tls.version() or "TLS", cipher, is_verified)
