"""One TCP connection, with or without TLS.

It must read everything that the receiver sends. An alert or an end of stream must be seen. A socket
that is closed with unread bytes sends a reset, which destroys bytes on their way. Every error is an
``OSError``.
"""

from __future__ import annotations

import errno
import os
import ssl
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

from sls_syslog.network.deadline import Deadline
from sls_syslog.network.resolver import Address
from sls_syslog.network.resumption import Resumption
from sls_syslog.network.tcp import READ, WRITE, TcpSocket
from sls_syslog.network.tls import (
    FingerprintError,
    Handshake,
    HandshakeCutError,
    SessionRefusedError,
    TlsLayer,
)

__all__ = [
    "Connection",
    "TlsAnsweredError",
]

# Most reads in a row, so that a receiver that sends without end cannot hold up our sending.
_READS = 16
# Bytes of the beginning of what the receiver sends to keep, for the text of an error.
_HEARD_BYTES = 80
# Bytes that are encrypted and sent at a time: more than a chunk of `StreamTransport`, and little
# enough to wait in memory for a slow receiver.
_PIECE_BYTES = 512 * 1024
# Poll interval of the send queue, in seconds; `select` cannot report that it is empty.
_QUEUE_POLL_SECONDS = 0.005
# How an alert of any version of TLS begins (RFC 8446 section 5.1).
_TLS_ALERT = b"\x15\x03"
_CLOSED = "the receiver has closed the connection"
_GONE = "the receiver's host no longer answers, or takes nothing"
_CUT = (TimeoutError, ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
_GONE_ALREADY = (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN)
# Seconds to wait for a TLS server's first bytes after the handshake. A TLS 1.3 server refuses our
# certificate one round trip after it; GnuTLS servers do so under TLS 1.2 as well. A server that
# accepts the certificate may send session tickets, or nothing; then the wait costs this much.
_FIRST_WORD_SECONDS = 0.5
# Least and most seconds to wait for a TLS server to refuse plain text, which it does after five
# bytes. Between these bounds, wait two round trips. The upper bound is for a round trip that was
# measured too long because the first packet was lost.
_FIRST_END_SECONDS = 0.2, 1.0


class TlsAnsweredError(ConnectionAbortedError):
    """Raised when a receiver answers plain text with an alert of TLS."""


class Connection:
    """A connected stream.

    Args:
        address: The receiver's address, as ``resolve`` returns it.
        deadline: When to give up connecting and the handshake together.
        context: Speak TLS with this context; ``None`` for plain TCP.
        server_hostname: The name that goes into SNI and that the certificate must have.
        resumption: Keeps the sessions with this receiver; ``None`` to resume none.
        await_refusal: Whether to wait a moment for a refusal of our certificate, for callers
            that will send without waiting for an answer.
        fingerprints: The receiver's certificate must have one of these; empty for any.

    Attributes:
        heard: The beginning of what the receiver has sent; a syslog receiver sends nothing.

    Raises:
        SessionRefusedError: If the handshake fails, and a session was offered.
        HandshakeCutError: If the receiver ends the handshake, or the deadline passes during it.
        FingerprintError: If its certificate has none of the fingerprints.
        ssl.SSLError: If the handshake fails otherwise.
        OSError: If there is no connection, or the deadline passes (``TimeoutError``).
    """

    def __init__(
        self,
        address: Address,
        deadline: Deadline,
        context: ssl.SSLContext | None = None,
        server_hostname: str | None = None,
        resumption: Resumption | None = None,
        await_refusal: bool = False,
        fingerprints: Collection[str] = (),
    ) -> None:
        self._tls: TlsLayer | None = None
        self._is_sending = self._is_half_closed = self._has_ended = False
        self._has_failed = self._has_worked = False  # as the receiver ended, or confirmed, it
        self.heard = b""
        self._tcp = TcpSocket(address, deadline)
        try:
            if context is not None:
                tls = TlsLayer(context, server_hostname, resumption or Resumption())
                self._shake_hands(tls, deadline, await_refusal, fingerprints)
        except BaseException:
            self._tcp.close()
            raise
        self._made = self._used = time.monotonic()

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Hand all of ``data`` to the kernel.

        Args:
            data: What to send.
            deadline: When a receiver that reads nothing counts as gone. Any progress renews it:
                a receiver may be slow.

        Raises:
            OSError: If the connection breaks, or the receiver reads nothing for too long.
        """
        self._is_sending = True
        whole = memoryview(data)
        with self._mark_failure():
            for begin in range(0, len(whole), _PIECE_BYTES):
                piece = whole[begin : begin + _PIECE_BYTES]
                if self._tls is not None:
                    piece = memoryview(self._encrypt(self._tls, piece, deadline))
                self._send_piece(piece, deadline)
        self._is_sending = False

    def drain(self) -> None:
        """Read and forget what the receiver has sent.

        Raises:
            ConnectionAbortedError: If the receiver has closed the connection.
            OSError: If it has reset the connection, or sent a TLS alert, such as a refusal of our
                certificate.
        """
        with self._mark_failure():
            self._check_tls_end()  # it may have come with the handshake
            for _ in range(_READS):
                received = self._tcp.receive()
                if received is None:
                    return
                self._record(received)
                if not received:
                    raise ConnectionAbortedError(errno.ECONNABORTED, _CLOSED)
                self._check_tls_end()

    def finish(self, deadline: Deadline) -> None:
        """Half-close, and wait for the receiver's end of stream, which proves that it read all.

        If a process closes or dies with unread bytes, its kernel sends a reset instead. The
        exception is a process that calls ``shutdown`` before: it looks as if it had read all. If
        the end of stream comes before the receiver has our bytes, the send queue never empties.
        TLS adds a close_notify in each direction. Some receivers send none back (rsyslog's GnuTLS
        driver), so the end of the TCP stream counts. After a ``TimeoutError``, this may be called
        again to wait longer.

        Args:
            deadline: When silence counts as no answer; renewed while bytes leave the send queue.

        Raises:
            TimeoutError: If the receiver does not answer before the deadline.
            ConnectionAbortedError: If it closed before it had everything, or its host is gone.
            OSError: If it sends a reset or an alert: it has not read everything.
        """
        with self._mark_failure():
            try:
                if not self._is_half_closed:
                    self.drain()
                    with self._prefer_alert():
                        self._half_close(deadline)
                    self._is_half_closed = True
                self._await_end_of_stream(deadline)
            except TimeoutError as error:
                if error.errno is None:  # the deadline, which has no error number
                    raise
                raise ConnectionAbortedError(errno.ECONNABORTED, _GONE) from error
            self._has_ended = True
            if self._tcp.count_unacknowledged():
                raise ConnectionAbortedError(
                    errno.ECONNABORTED, "the receiver closed before it had everything"
                )
            self._has_worked = True

    def await_refusal(self, deadline: Deadline) -> None:
        """Wait a moment, in case the receiver expects TLS and refuses plain text.

        A program that expects TLS closes at once when it gets plain text; some send no reset.

        Args:
            deadline: When to stop waiting, if that is sooner.

        Raises:
            OSError: If the receiver has ended the connection.
        """
        shortest, longest = _FIRST_END_SECONDS
        self._await_first_word(deadline, min(max(shortest, 2 * self._tcp.round_trip), longest))

    def await_acknowledgement(self, deadline: Deadline) -> None:
        """Wait until the receiver's kernel has every byte.

        Args:
            deadline: When to give up; renewed while bytes leave the send queue.

        Raises:
            TimeoutError: If bytes are left when it passes.
            OSError: If the connection has broken.
        """
        queued = self._tcp.count_unacknowledged()
        while queued:
            self.drain()
            time.sleep(min(deadline.take_slice(), _QUEUE_POLL_SECONDS))
            before, queued = queued, self._tcp.count_unacknowledged()
            if queued < before:
                deadline.renew()
        self.drain()
        self._has_worked = True

    def count_unacknowledged(self) -> int:
        """Count the bytes that the receiver's kernel has not acknowledged yet."""
        return self._tcp.count_unacknowledged()

    def has_been_read(self) -> bool | None:
        """Whether it is proven that the receiver's process has read from this connection.

        ``False`` if it is not proven yet; ``None`` if this system cannot prove it (Linux 5.4 and
        later can). See ``FlowControl``.
        """
        return self._tcp.flow.proves_reading()

    @property
    def receiver_address(self) -> str:
        """The receiver's address."""
        return self._tcp.receiver_address

    @property
    def handshake(self) -> Handshake | None:
        """What the TLS handshake agreed on; ``None`` for plain TCP."""
        return None if self._tls is None else self._tls.describe_handshake()

    @property
    def certificate(self) -> bytes | None:
        """The receiver's certificate in DER, trusted or not; ``None`` if there is none."""
        return None if self._tls is None else self._tls.get_certificate()

    @property
    def age(self) -> float:
        """Seconds since the connection was made."""
        return time.monotonic() - self._made

    @property
    def idle(self) -> float:
        """Seconds since data was last sent, or since the connection was made."""
        return time.monotonic() - self._used

    def close(self) -> None:
        """Close the connection; the kernel still sends what it has."""
        try:
            if not self._has_ended:
                with suppress(OSError):  # closing is all that is left to do
                    self.drain()
            if self._tls is not None:
                self._tls.leave_session(has_worked=self._has_worked or not self._has_failed)
                with suppress(OSError):  # close_notify (RFC 5425 section 4.4), without an answer
                    if not self._is_half_closed and not self._is_sending:
                        self._tcp.send(self._tls.make_close_notify())
        finally:
            self._tcp.close()

    def _send_piece(self, rest: memoryview, deadline: Deadline) -> None:
        while rest:
            # Read first: the first write to a closed connection succeeds, and its bytes are lost.
            self.drain()
            with self._prefer_alert():
                sent = self._tcp.send(rest)
            if not sent:
                self._tcp.wait(READ | WRITE, deadline)
                continue
            rest = rest[sent:]
            self._used = time.monotonic()
            self._tcp.flow.record_window()
            deadline.renew()

    def _check_tls_end(self) -> None:
        """Check that the receiver has not ended TLS.

        Raises:
            ConnectionAbortedError: If it has.
        """
        if self._tls is not None and self._tls.has_ended:
            raise ConnectionAbortedError(errno.ECONNABORTED, _CLOSED)

    def _shake_hands(
        self, tls: TlsLayer, deadline: Deadline, await_refusal: bool, fingerprints: Collection[str]
    ) -> None:
        begun = time.monotonic()
        try:
            self._exchange_handshake(tls, deadline)
            tls.check_fingerprint(fingerprints)
            self._tls = tls
            self._record(b"")  # what came with the end of the handshake: tickets, or an alert
            self._check_tls_end()
            if await_refusal:
                patience = max(_FIRST_WORD_SECONDS, 2 * (time.monotonic() - begun))
                self._await_first_word(deadline, min(patience, _FIRST_END_SECONDS[1]))
        except OSError as error:
            if tls.has_offered_session and not isinstance(error, (TimeoutError, FingerprintError)):
                raise SessionRefusedError(error) from error
            if isinstance(error, _CUT):
                raise HandshakeCutError(_describe_cut(error), tls.has_answered()) from error
            raise
        tls.begin_resumption()

    def _exchange_handshake(self, tls: TlsLayer, deadline: Deadline) -> None:
        while True:
            try:
                is_complete = tls.advance_handshake()
            except ssl.SSLError:
                with suppress(OSError):  # an alert tells the receiver why
                    self._tcp.push(tls.take_outgoing(), deadline)
                raise
            self._tcp.push(tls.take_outgoing(), deadline)
            if is_complete:
                return
            while (received := self._tcp.receive()) is None:
                self._tcp.wait(READ, deadline)
            tls.feed(received)

    def _encrypt(self, tls: TlsLayer, rest: memoryview, deadline: Deadline) -> bytes:
        while rest:
            try:
                rest = rest[tls.encrypt(rest) :]
            except ssl.SSLWantReadError:  # the receiver renegotiates
                self._tcp.push(tls.take_outgoing(), deadline)
                self._tcp.wait(READ, deadline)
                self.drain()
        return tls.take_outgoing()

    def _await_first_word(self, deadline: Deadline, seconds: float) -> None:
        """Wait for the receiver's first bytes; raise if they are an alert or an end of stream."""
        with suppress(TimeoutError):
            self._tcp.wait(READ, deadline.shorten(seconds))
        self.drain()

    @contextmanager
    def _mark_failure(self) -> Iterator[None]:
        """Note that the receiver has ended the connection: see ``leave_session``.

        Raises:
            OSError: As it comes.
        """
        try:
            yield
        except OSError as error:
            self._has_failed = self._has_failed or not isinstance(error, TimeoutError)
            raise

    @contextmanager
    def _prefer_alert(self) -> Iterator[None]:
        """If a write fails, prefer the alert that the receiver sent before.

        Raises:
            OSError: If the receiver has sent an alert or its end of stream.
            ConnectionResetError: If it has sent neither.
        """
        try:
            yield
        except OSError as error:
            if error.errno not in _GONE_ALREADY:
                raise
            self.drain()
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)) from error

    def _half_close(self, deadline: Deadline) -> None:
        """Send the end of our stream: with TLS a close_notify, then the end of the TCP stream."""
        if self._tls is not None:
            self._tcp.push(self._tls.make_close_notify(), deadline)
        self._tcp.end_sending()

    def _await_end_of_stream(self, deadline: Deadline) -> None:
        """Read what the receiver still sends, until its TCP stream ends.

        Raises:
            OSError: If the receiver has reset the connection, or sent an alert.
            TimeoutError: If the stream has not ended before the deadline.
        """
        while True:
            received = self._tcp.receive()
            if received is None:
                self._tcp.wait(READ, deadline, renewing=True)
            elif received:
                self._record(received)
                deadline.take_slice()  # raises at the deadline: it must not send for ever
            else:
                return

    def _record(self, received: bytes) -> None:
        """Record the beginning of what the receiver sends.

        Raises:
            TlsAnsweredError: If the receiver answers in TLS, and we speak plain text.
            ssl.SSLError: If it sends a TLS alert.
        """
        said = received if self._tls is None else self._tls.decrypt(received)
        self.heard = self.heard or said[:_HEARD_BYTES]
        if self._tls is None and self.heard.startswith(_TLS_ALERT):
            raise TlsAnsweredError(errno.ECONNABORTED, "the receiver answers in TLS")


def _describe_cut(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return f"{error}: no answer to the TLS handshake"
    reset = isinstance(error, ConnectionResetError)
    return f"the receiver has {'reset' if reset else 'closed'} the connection"
