"""One TCP connection, with or without TLS.

It must read what the receiver sends, to see an alert or an end of stream. A socket that is closed
with unread bytes sends a reset, which destroys bytes on their way. A receiver that talks without
end must not hold up anything: only `_hear` reads, within limits. Every error is an ``OSError``.
"""

from __future__ import annotations

import errno
import math
import os
import ssl
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress

from sls_syslog.network.deadline import Allowance, Deadline
from sls_syslog.network.race import connect_first
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
    "TalkError",
    "TlsAnsweredError",
]

# Most reads in a row, so that a receiver that sends without end cannot hold up our sending.
_READS = 16
# Share of the time for reading what a receiver sends; seconds of it that a silent receiver saves,
# where a banner or the tickets of TLS take a millisecond; seconds that a pause saves; and the
# longest pause, so that talk is still heard at the end of a deadline of a second.
_TALK_ALLOWANCE = 0.1, 0.05, 0.002, 0.5
# Bytes of the beginning of what the receiver sends to keep, for the text of an error.
_HEARD_BYTES = 80
# Bytes that are encrypted and sent at a time: more than a chunk of `StreamTransport`, and little
# enough to wait in memory for a slow receiver.
_PIECE_BYTES = 512 * 1024
# Poll interval of the send queue, in seconds; `select` cannot report that it is empty.
_QUEUE_POLL_SECONDS = 0.005
# Seconds for which one check for the receiver's end is enough for `send_at_once`. A check costs
# more than a message. An end takes about as long to arrive, so more checks find little more.
_LOOK_SECONDS = 0.001
# Most bytes for `send_at_once`: most messages are shorter. Larger texts are worth a look each.
_SHORT_BYTES = 16 * 1024
# How an alert of any version of TLS begins (RFC 8446 section 5.1).
_TLS_ALERT = b"\x15\x03"
_TALKS = "the receiver sends without end, and does not {}; {}"
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


class TalkError(TimeoutError):
    """Raised when a deadline passes while the receiver still talks."""


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
        tcp: The socket that is connected to that address; ``None`` to connect one.

    Attributes:
        address: The receiver's address.
        heard: The beginning of what the receiver has sent; a syslog receiver sends nothing.
        half_closed_at: When we half-closed it, in seconds of ``time.monotonic()``; ``None`` if we
            have not.
        look_at: From when on the receiver's end must be looked for before something is sent, in
            seconds of ``time.monotonic()``.

    Raises:
        SessionRefusedError: If the handshake fails, and a session was offered.
        HandshakeCutError: If the receiver ends the handshake, or the deadline passes during it.
        FingerprintError: If its certificate has none of the fingerprints.
        ssl.SSLError: If the handshake fails otherwise.
        OSError: If there is no connection, or the deadline passes (``TimeoutError``).
    """

    # What a receiver may send, and what to check, for the text of an error.
    _expected = "a syslog receiver sends nothing: is this the port of another service?"

    def __init__(
        self,
        address: Address,
        deadline: Deadline,
        context: ssl.SSLContext | None = None,
        server_hostname: str | None = None,
        resumption: Resumption | None = None,
        await_refusal: bool = False,
        fingerprints: Collection[str] = (),
        tcp: TcpSocket | None = None,
    ) -> None:
        self._tls: TlsLayer | None = None
        self.address = address
        self._is_sending = self._has_ended = False
        self.half_closed_at: float | None = None
        self._end: memoryview | None = None  # what is not sent yet of our close_notify
        self._has_failed = self._has_worked = False  # as the receiver ended, or confirmed, it
        self.heard = b""
        self._heard_at = -math.inf
        self._allowance = Allowance(*_TALK_ALLOWANCE)
        self._tcp = tcp or connect_first([address], deadline, math.inf, [])
        try:
            if context is not None:
                tls = TlsLayer(context, server_hostname, resumption)
                self._shake_hands(tls, deadline, await_refusal, fingerprints)
        except BaseException:
            self._tcp.close()
            raise
        self._made = self._used = time.monotonic()
        self._first_used: float | None = None
        self.look_at = -math.inf

    def send_at_once(self, data: bytes, now: float) -> bytes | memoryview:
        """Hand the kernel what it takes of a short text, if ``send`` has just looked.

        ``send`` looks for the receiver's end before it sends. That costs more than to send a
        message, so for a millisecond short texts go without another look. The next text after it
        finds the end, and so does every confirmation. The next text finds a reset at once.

        The kernel may gather such texts into one packet, until ``send`` or ``flush``. Call it
        before you wait for the receiver.

        Args:
            data: What to send.
            now: The time, in seconds of ``time.monotonic()``.

        Returns:
            What is left for ``send``: nothing, the rest, or everything.

        Raises:
            OSError: If the connection has broken.
        """
        if now >= self.look_at or len(data) > _SHORT_BYTES:
            return data
        self._tcp.gather(True)  # a packet for each text takes two or three times as long
        try:
            sent = self._tcp.send(data)
        except OSError:
            with self._mark_failure(), self._prefer_alert():
                raise
        self._used = now
        return b"" if sent == len(data) else memoryview(data)[sent:]

    def flush(self) -> None:
        """Let the kernel send what ``send_at_once`` has given it, and what comes, without delay."""
        self._tcp.gather(False)

    def send(self, data: bytes | memoryview, deadline: Deadline) -> None:
        """Hand all of ``data`` to the kernel.

        Args:
            data: What to send.
            deadline: When a receiver that reads nothing counts as gone. Any progress renews it:
                a receiver may be slow.

        Raises:
            OSError: If the connection breaks, or the receiver reads nothing for too long.
        """
        self.flush()
        self._is_sending = True
        whole = memoryview(data)
        with self._mark_failure(), self._name_talk(deadline, "read what we send"):
            for begin in range(0, len(whole), _PIECE_BYTES):
                piece = whole[begin : begin + _PIECE_BYTES]
                if self._tls is not None:
                    piece = memoryview(self._encrypt(self._tls, piece, deadline))
                while piece:
                    piece = self._send_part(piece, deadline)
        self._is_sending = False

    def drain(self) -> None:
        """Read and forget what the receiver has sent; of a receiver that talks much, a part.

        Raises:
            ConnectionAbortedError: If the receiver has closed the connection.
            OSError: If it has reset the connection, or sent a TLS alert, such as a refusal of our
                certificate.
        """
        with self._mark_failure():
            self._check_tls_end()  # it may have come with the handshake
            for _ in range(_READS):
                received = self._hear(self._record)
                if received is None:
                    return
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
        with self._mark_failure(), self._name_talk(deadline, "end the connection when we do"):
            try:
                if self.half_closed_at is None:
                    self.drain()
                    with self._prefer_alert():
                        self._half_close(deadline)
                    self.half_closed_at = time.monotonic()
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
        """Wait until the receiver has had the time to end the connection after our first bytes.

        A program that expects TLS closes at once when it gets plain text; some send no reset. A
        proxy that has no receiver closes at once as well.

        Args:
            deadline: When to stop waiting, if that is sooner.

        Raises:
            OSError: If the receiver has ended the connection.
        """
        begun = self._first_used or self._made
        self.stand(begun + self.patience - time.monotonic(), deadline)

    def stand(self, seconds: float, deadline: Deadline) -> None:
        """Watch the connection for a while.

        Args:
            seconds: How long; at most 0 only looks.
            deadline: When to stop, if that is sooner.

        Raises:
            OSError: If the receiver has ended the connection.
        """
        end = time.monotonic() + seconds
        self.drain()
        while (left := end - time.monotonic()) > 0 and deadline.remaining:
            with suppress(TimeoutError):
                self._wait(READ, deadline.shorten(left))
            self.drain()

    @property
    def patience(self) -> float:
        """How long to wait for something that the receiver does at once, in seconds."""
        shortest, longest = _FIRST_END_SECONDS
        return min(max(shortest, 2 * self._tcp.round_trip), longest)

    def await_acknowledgement(self, deadline: Deadline) -> None:
        """Wait until the receiver's kernel has every byte.

        Args:
            deadline: When to give up; renewed while bytes leave the send queue.

        Raises:
            TimeoutError: If bytes are left when it passes.
            OSError: If the connection has broken.
        """
        with self._name_talk(deadline, "take all that we send"):
            while self._tcp.count_unacknowledged():
                self.drain()
                self._tcp.renew_on_progress(deadline)
                time.sleep(min(deadline.take_slice(), _QUEUE_POLL_SECONDS))
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
        return str(self.address[4][0])

    @property
    def handshake(self) -> Handshake | None:
        """What the TLS handshake agreed on; ``None`` for plain TCP."""
        return None if self._tls is None else self._tls.describe_handshake()

    @property
    def certificate(self) -> bytes | None:
        """The receiver's certificate in DER, trusted or not; ``None`` if there is none."""
        return None if self._tls is None else self._tls.get_certificate()

    @property
    def has_bare_end(self) -> bool:
        """Whether TLS has ended without the receiver's close_notify."""
        return self._has_ended and self._tls is not None and not self._tls.has_ended

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
                    if self.half_closed_at is None and not self._is_sending:
                        self._tcp.send(self._tls.make_close_notify())
        finally:
            self._tcp.close()

    def _send_part(
        self, rest: memoryview, deadline: Deadline, *, renewing: bool = False
    ) -> memoryview:
        """Send as much as the kernel takes now, or wait; return what is left."""
        deadline.take_slice()  # raises at a stop, even if the receiver takes all at once
        # Read first: the first write to a closed connection succeeds, and its bytes are lost.
        looked_at = time.monotonic()
        self.drain()
        with self._prefer_alert():
            sent = self._tcp.send(rest)
        if sent:
            self._used = time.monotonic()
            self._first_used = self._first_used or self._used
            is_new = self._tcp.flow.record_window()
            if self._tls is None and not is_new:
                self.look_at = looked_at + _LOOK_SECONDS
            deadline.renew()
        else:
            self._wait(READ | WRITE, deadline, renewing=renewing)
        return rest[sent:]

    def _hear(self, take: Callable[[bytes], None]) -> bytes | None:
        """Read once what the receiver has sent; ``None`` if there is nothing to read for now.

        Args:
            take: Takes what was read.

        Raises:
            TlsAnsweredError: If the receiver answers in TLS, and we speak plain text.
            OSError: If it has reset the connection, or sent an alert, or asks TLS for too much.
        """
        if self._allowance.wait:
            return None
        with self._spend_allowance():
            received = self._tcp.receive()
            if received is not None:
                self._heard_at = time.monotonic()
                take(received)
        return received

    @contextmanager
    def _spend_allowance(self) -> Iterator[None]:
        begun = time.thread_time()
        try:
            yield
        finally:
            self._allowance.spend(time.thread_time() - begun)

    def _wait(self, events: int, deadline: Deadline, *, renewing: bool = False) -> None:
        """Wait until the socket can be written, or read and may be read; see ``TcpSocket.wait``.

        Raises:
            TimeoutError: If the deadline passes.
        """
        if renewing:
            self._tcp.renew_on_progress(deadline)
        pause = self._allowance.wait
        if not pause:
            self._tcp.wait(events, deadline, renewing=renewing)
        elif events & WRITE:
            self._tcp.wait(WRITE, deadline, most=pause)
        else:
            time.sleep(min(pause, deadline.take_slice()))

    @contextmanager
    def _name_talk(self, deadline: Deadline, lacking: str) -> Iterator[None]:
        """If the deadline passes while the receiver talks, say what it does not do meanwhile.

        Raises:
            TalkError: If it talks.
            TimeoutError: If it does not, or at a stop, or if the system has ended the connection.
        """
        begun = time.monotonic()
        try:
            yield
        except TimeoutError as error:
            # A word at the beginning, as the tickets of TLS, is no talk.
            now = time.monotonic()
            is_talking = self._heard_at > now - 0.75 * min(now - begun, deadline.seconds)
            if error.errno is not None or deadline.is_stopped or not is_talking:
                raise
            raise TalkError(_TALKS.format(lacking, self._expected)) from error

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
            with self._name_talk(deadline, "complete the TLS handshake"):
                self._exchange_handshake(tls, deadline)
            tls.check_fingerprint(fingerprints)
            self._tls = tls
            self._record(b"")  # what came with the end of the handshake: tickets, or an alert
            self._check_tls_end()
            if await_refusal:
                patience = max(_FIRST_WORD_SECONDS, 2 * (time.monotonic() - begun))
                self._await_first_word(deadline, min(patience, _FIRST_END_SECONDS[1]))
        except OSError as error:
            is_refusal = not isinstance(error, (TimeoutError, FingerprintError))
            if tls.offered is not None and is_refusal:
                raise SessionRefusedError(error, tls.offered) from error
            if isinstance(error, _CUT):
                raise HandshakeCutError(_describe_cut(error), tls.has_answered()) from error
            raise

    def _exchange_handshake(self, tls: TlsLayer, deadline: Deadline) -> None:
        while True:
            deadline.take_slice()  # raises at the deadline, even if the receiver talks without end
            try:
                with self._spend_allowance():
                    is_complete = tls.advance_handshake()
            except ssl.SSLError:
                with suppress(OSError):  # an alert tells the receiver why
                    self._tcp.push(tls.take_outgoing(), deadline)
                raise
            self._tcp.push(tls.take_outgoing(), deadline)
            if is_complete:
                return
            while self._hear(tls.feed) is None:
                self._wait(READ, deadline)

    def _encrypt(self, tls: TlsLayer, rest: memoryview, deadline: Deadline) -> bytes:
        while rest:
            try:
                rest = rest[tls.encrypt(rest) :]
            except ssl.SSLWantReadError:  # the receiver renegotiates
                self._tcp.push(tls.take_outgoing(), deadline)
                self._wait(READ, deadline)
                self.drain()
        return tls.take_outgoing()

    def _await_first_word(self, deadline: Deadline, seconds: float) -> None:
        """Wait for the receiver's first bytes; raise if they are an alert or an end of stream."""
        with suppress(TimeoutError):
            self._wait(READ, deadline.shorten(seconds))
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
            if self._end is None:
                self._end = memoryview(self._tls.make_close_notify())
            while self._end:
                self._end = self._send_part(self._end, deadline, renewing=True)
        self._tcp.end_sending()

    def _await_end_of_stream(self, deadline: Deadline) -> None:
        """Read what the receiver still sends, until its TCP stream ends.

        Raises:
            OSError: If the receiver has reset the connection, or sent an alert.
            TimeoutError: If the stream has not ended before the deadline.
        """
        while (received := self._hear(self._record)) != b"":
            deadline.take_slice()  # raises at the deadline, even if the receiver talks without end
            if received is None:
                self._wait(READ, deadline, renewing=True)
            else:
                self._tcp.renew_on_progress(deadline)

    def _record(self, received: bytes) -> None:
        """Record the beginning of what the receiver sends.

        Raises:
            TlsAnsweredError: If the receiver answers in TLS, and we speak plain text.
            ssl.SSLError: If it sends a TLS alert.
        """
        said = received if self._tls is None else self._tls.decrypt(received)
        if len(self.heard) < _HEARD_BYTES:
            self.heard = (self.heard + said)[:_HEARD_BYTES]
        if self._tls is None and self.heard.startswith(_TLS_ALERT):
            raise TlsAnsweredError(errno.ECONNABORTED, "the receiver answers in TLS")


def _describe_cut(error: OSError) -> str:
    if isinstance(error, TalkError):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"{error}: no answer to the TLS handshake"
    reset = isinstance(error, ConnectionResetError)
    return f"the receiver has {'reset' if reset else 'closed'} the connection"
