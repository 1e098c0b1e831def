"""TLS, Sans-I/O: plain text in, ciphertext out, and back.

It is an ``ssl.SSLObject`` over two ``ssl.MemoryBIO`` objects. It must not touch the socket, so that
the owner of the socket sees every reset and every end of the TCP stream.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Collection
from contextlib import suppress
from typing import NamedTuple

from sls_syslog.network.certificate import compute_fingerprint
from sls_syslog.network.resumption import KeptSession, Resumption

__all__ = [
    "FingerprintError",
    "Handshake",
    "HandshakeCutError",
    "SessionRefusedError",
    "TlsLayer",
    "choose_name",
]

# Bytes of plain text that one read may return; a receiver sends little.
_READ_BYTES = 64 * 1024
# Most bytes of answers to keep until something is sent: a receiver may ask without end.
_ANSWER_BYTES = 64 * 1024


def choose_name(server_hostname: str | None, host: str) -> str:
    """Choose the name that goes into SNI, and that the certificate must have.

    Neither holds the dot at the end of an absolute name (RFC 6066 section 3), nor the zone of an
    IPv6 address, which means something on this machine only (RFC 6874).

    Args:
        server_hostname: The setting; ``None`` to use the host.
        host: The receiver, as it is looked up.
    """
    name = server_hostname or host
    return name.partition("%")[0] if ":" in name else name.removesuffix(".")


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
    """Raised when a handshake that offered a session fails; without one it may succeed.

    Attributes:
        is_alert: Whether the receiver answered with an alert, rather than end the connection.
        offered: The session.
    """

    def __init__(self, error: OSError, offered: KeptSession) -> None:
        super().__init__(*error.args)
        self.offered = offered
        self.is_alert = isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError)


class HandshakeCutError(ssl.SSLError):
    """Raised when a receiver ends or leaves a TLS handshake without giving a reason.

    Attributes:
        answered: Whether it had answered in TLS before.
    """

    def __init__(self, how: str, answered: bool) -> None:
        super().__init__(ssl.SSL_ERROR_EOF, how)
        self.answered = answered


class FingerprintError(ssl.SSLError):
    """Raised when a receiver's certificate has none of the pinned fingerprints.

    Attributes:
        fingerprint: The fingerprint of its certificate.
    """

    def __init__(self, found: str) -> None:
        super().__init__(ssl.SSL_ERROR_SSL, f"the receiver's certificate has sha256:{found}")
        self.fingerprint = found


class TlsLayer:
    """The TLS of one connection.

    Args:
        context: Whom to trust, and which versions.
        server_hostname: The name that goes into SNI and that the certificate must have.
        resumption: Offers the session of an earlier connection, and keeps this one's; ``None`` for
            a full handshake whose session is not kept.

    Attributes:
        has_ended: Whether the receiver has sent its close_notify.

    Raises:
        ssl.SSLError: If the context cannot be used by a client.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        server_hostname: str | None,
        resumption: Resumption | None = None,
    ) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._name = server_hostname
        self._resumption = resumption
        self._made = time.monotonic()
        self._offered = resumption.offer(context, server_hostname) if resumption else None
        self._has_heard = False  # whether the receiver has sent something after the handshake
        self.has_ended = False
        session = self._offered.session if self._offered else None
        try:
            self._tls = context.wrap_bio(
                self._incoming, self._outgoing, server_hostname=server_hostname, session=session
            )
        except ValueError as error:  # for example, the user's own context is for servers
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, str(error)) from error

    def advance_handshake(self) -> bool:
        """Advance the handshake; return whether it is complete.

        Raises:
            ssl.SSLError: If it fails; take_outgoing() may then hold an alert for the receiver.
        """
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def check_fingerprint(self, fingerprints: Collection[str]) -> None:
        """Compare the certificate with the pinned fingerprints, also in a resumed session.

        Args:
            fingerprints: The certificate must have one of these; empty for any.

        Raises:
            FingerprintError: If it has none of them.
        """
        found = compute_fingerprint(self.get_certificate() or b"")
        if fingerprints and found not in fingerprints:
            raise FingerprintError(found)

    @property
    def offered(self) -> KeptSession | None:
        """The session that the handshake begins with; ``None`` for a full handshake."""
        return self._offered

    def leave_session(self, *, has_worked: bool) -> None:
        """Leave the session to later connections, or note that the receiver refuses sessions.

        Call this once, when everything that the receiver sent has been decrypted.

        Args:
            has_worked: Whether the receiver has not ended this connection before it confirmed
                anything. One that does so to resumed connections does not take sessions.
        """
        if self._resumption is None:
            return
        if self._tls.session_reused and self._offered is not None:
            note = self._resumption.note_success if has_worked else self._resumption.note_refusal
            note(self._offered)
        elif has_worked and (self._has_heard or self._tls.version() != "TLSv1.3"):
            self._resumption.keep(self._tls, self._name, self._made)

    def encrypt(self, data: memoryview) -> int:
        """Encrypt the beginning of ``data``, a record of at most 16 KiB; return its length.

        Raises:
            ssl.SSLWantReadError: If TLS must read from the receiver first.
            ssl.SSLError: If the connection is no longer usable.
        """
        return self._tls.write(data)

    def feed(self, ciphertext: bytes) -> None:
        """Add bytes that the receiver has sent; no bytes mean the end of its stream."""
        if ciphertext:
            self._incoming.write(ciphertext)
        else:
            self._incoming.write_eof()

    def decrypt(self, ciphertext: bytes = b"") -> bytes:
        """Decrypt what the receiver has sent, and handle the messages of TLS in it.

        Raises:
            ssl.SSLError: If it holds an alert, for example a refusal of our certificate, or asks
                for too many answers, as a renegotiation or new keys do.
        """
        if self.has_ended:
            return b""
        self._incoming.write(ciphertext)
        self._has_heard = self._has_heard or self._incoming.pending > 0
        plain = []
        try:
            while said := self._tls.read(_READ_BYTES):
                plain.append(said)
            self.has_ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.has_ended = True
        if self._outgoing.pending > _ANSWER_BYTES:
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, "the receiver asks for answers without end")
        return b"".join(plain)

    def take_outgoing(self) -> bytes:
        """Take the ciphertext to send now."""
        return self._outgoing.read()

    def make_close_notify(self) -> bytes:
        """Make the close_notify, which ends our stream (RFC 5246 7.2.1); return its ciphertext.

        This reads nothing: all bytes from the receiver are decrypted already.
        """
        with suppress(ssl.SSLError):  # the answer comes later, or never
            self._tls.unwrap()
        return self.take_outgoing()

    def has_answered(self) -> bool:
        """Whether the receiver has answered in TLS."""
        return self._tls.cipher() is not None

    def get_certificate(self) -> bytes | None:
        """Return the receiver's certificate in DER, trusted or not; ``None`` before it came."""
        return self._tls.getpeercert(binary_form=True)

    def describe_handshake(self) -> Handshake:
        """Return what the handshake agreed on."""
        cipher, *_ = self._tls.cipher() or ("no cipher",)
        is_verified = self._tls.context.verify_mode is ssl.CERT_REQUIRED
        return Handshake(self._tls.version() or "TLS", cipher, is_verified)
