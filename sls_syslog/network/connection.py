"""One TCP or TLS connection; beside it, ``stream.py`` and two small ones touch the network.

Sockets here never block: each wait is a ``select`` that ends with a deadline. The read side
is always drained, for three reasons: what a receiver says (an alert, its end of stream) must
be seen; TLS 1.3 sends session tickets that nobody asked for; and a socket closed with unread
bytes sends a reset, which throws away what is still on its way to the receiver.

What can serve the next connection, a TLS session, a connection leaves with its ``Resumption``.
Errors leave this module as the ``OSError`` that they are; ``stream.py`` gives them names.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import ssl
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from sls_syslog.network.certificate import fingerprint
from sls_syslog.network.deadline import Deadline
from sls_syslog.network.flow_control import FlowControl
from sls_syslog.network.resolver import Address
from sls_syslog.network.resumption import Resumption
from sls_syslog.settings.tls import make_unverified_context

__all__ = [
    "TELLS_ACKNOWLEDGED",
    "Connection",
    "FingerprintError",
    "Handshake",
    "HandshakeCutError",
    "SessionRefusedError",
    "TlsAnsweredError",
    "fetch_certificate",
]

TELLS_ACKNOWLEDGED = sys.platform == "linux"
"""Whether this system says what a peer has acknowledged (``SIOCOUTQ``, tcp(7))."""

_READ_BYTES = 64 * 1024
_HEARD_BYTES = 80
# The send queue is looked at so often: no select reports that it has emptied.
_QUEUE_POLL_SECONDS = 0.005
_READS = 16  # and no more at a time: a receiver that talks without end must not hold us up
_GONE = "the receiver's host no longer answers, or takes nothing"
_TLS_ALERT = b"\x15\x03"  # how an alert of any version begins (RFC 8446 section 5.1)
_CUT = (TimeoutError, ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
# ssl.SSL_ERROR_EOF is what Python before 3.13 makes of a reset under TLS.
_GONE_ALREADY = (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN, ssl.SSL_ERROR_EOF)
_NOTHING_NOW = (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError)
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
# A server that refuses our certificate under TLS 1.3 says so a round trip after the handshake, and
# GnuTLS servers do it under TLS 1.2 as well: rsyslog's just closes. One that takes it may send
# session tickets, or nothing at all: then so many seconds are what it costs.
_FIRST_WORD_SECONDS = 0.5
# A server that speaks TLS ends plain text as soon as it has read five bytes of it; at least and
# at most so long, by how far away it is. A first packet that was lost makes it look far away.
_FIRST_END_SECONDS = 0.2, 1.0
# So that a peer that is gone is noticed after about 30 seconds, whether it owes us an answer (the
# user timeout) or not (the probes), and not after the quarter of an hour or the two hours that
# kernels take by themselves; and one that was replaced meanwhile, which answers a probe with a
# reset, after 5. A receiver that is there but reads nothing for 30 seconds counts as
# gone as well, since Linux applies the user timeout to a closed window, whatever ``timeout``
# says. That costs a second copy of what was unconfirmed, never a log; waiting longer would hold
# up a shard, and with it the heartbeat of every shard that the consumer has.
_OPTIONS = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 5),  # seconds of silence before the first probe
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 5),  # seconds between probes
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 5),  # probes without an answer
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 30_000),  # milliseconds (RFC 5482)
    (socket.IPPROTO_TCP, "TCP_NODELAY", 1),
)


def _set_options(sock: socket.socket) -> None:
    # Not every platform has them all, nor every kernel those of its platform.
    for level, option, value in _OPTIONS:
        if hasattr(socket, option):
            with suppress(OSError):
                sock.setsockopt(level, getattr(socket, option), value)


class Handshake(NamedTuple):
    """What a TLS handshake has come to.

    Attributes:
        version: The version of TLS.
        cipher: The cipher suite.
        is_verified: Whether the receiver's certificate had to come from a trusted CA.
    """

    version: str
    cipher: str
    is_verified: bool


class SessionRefusedError(OSError):
    """Raised when a handshake fails to which a session was offered; without, it may succeed."""


class HandshakeCutError(ssl.SSLError):
    """Raised when a receiver ends a TLS handshake without a reason, or does not go on with it.

    Attributes:
        answered: Whether it had answered as one that speaks TLS does.
    """

    def __init__(self, how: str, answered: bool) -> None:
        super().__init__(ssl.SSL_ERROR_EOF, how)
        self.answered = answered


class FingerprintError(ssl.SSLError):
    """Raised when a receiver's certificate is none of those that were pinned.

    Attributes:
        fingerprint: The one that it has.
    """

    def __init__(self, found: str) -> None:
        super().__init__(ssl.SSL_ERROR_SSL, f"the receiver's certificate has sha256:{found}")
        self.fingerprint = found


class TlsAnsweredError(ConnectionAbortedError):
    """Raised when a receiver answers plain text with an alert of TLS."""


class Connection:
    """A connected stream.

    Args:
        address: Where to, as ``resolve`` gives it.
        deadline: When to give up connecting and the handshake together.
        tls: Speak TLS with this context; ``None`` for plain TCP.
        server_hostname: The name that goes into SNI and that the certificate must have.
        resumption: Where sessions with this receiver are kept; ``None`` to resume none.
        hear_out: Wait until the server has shown that it takes our certificate: for those who
            will send without waiting for an answer.
        fingerprints: The receiver's certificate must have one of these; empty for any.

    Attributes:
        heard: How what ``drain`` has read begins; a syslog receiver says nothing.

    Raises:
        SessionRefusedError: If the handshake fails, and a session was offered.
        HandshakeCutError: If the receiver ends the handshake, or the deadline passes in it.
        FingerprintError: If its certificate has none of the fingerprints.
        ssl.SSLError: If the handshake fails otherwise.
        OSError: If there is no connection, or the deadline passes (``TimeoutError``).
    """

    def __init__(
        self,
        address: Address,
        deadline: Deadline,
        tls: ssl.SSLContext | None = None,
        server_hostname: str | None = None,
        resumption: Resumption | None = None,
        hear_out: bool = False,
        fingerprints: Collection[str] = (),
    ) -> None:
        self._resumption = resumption or Resumption()
        self._half_closed = self._tls_has_ended = False
        self.heard = b""
        family, kind, protocol, _, where = address
        self._peer = str(where[0])
        self._socket = socket.socket(family, kind, protocol)
        try:
            self._socket.setblocking(False)
            _set_options(self._socket)
            self._connect(where, deadline)
            if tls is not None:
                self._handshake(tls, server_hostname, deadline, hear_out, fingerprints)
            self._flow = FlowControl(self._socket)
            self._made = self._used = time.monotonic()
        except BaseException:
            self._socket.close()
            raise

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Hand all of ``data`` to the kernel.

        Args:
            data: What to send.
            deadline: When a receiver that takes nothing counts as gone. It is renewed
                whenever something is taken: a slow receiver may be as slow as it likes.

        Raises:
            OSError: If the connection breaks, or the receiver takes nothing for too long.
        """
        rest = memoryview(data)
        while rest:
            # A look first: a write to a connection that was closed succeeds once, and is lost.
            self.drain()
            try:
                with self._hearing_why():
                    rest = rest[self._socket.send(rest) :]
                self._used = time.monotonic()
                self._flow.look()
                deadline.renew()
            except ssl.SSLWantReadError:
                self._wait(_READ, deadline)
            except (ssl.SSLWantWriteError, BlockingIOError):
                self._wait(_READ | _WRITE, deadline)

    def drain(self) -> None:
        """Read and forget what the receiver has said.

        Raises:
            ConnectionAbortedError: If the receiver has closed the connection.
            OSError: If it has reset it, or sent a TLS alert: it refuses our certificate, say.
        """
        try:
            for _ in range(_READS):
                said = self._socket.recv(_READ_BYTES)
                if not said:
                    break
                self._take_note(said)
            else:
                return
        except _NOTHING_NOW:
            return
        except ssl.SSLEOFError:  # an end without close_notify
            pass
        raise ConnectionAbortedError(errno.ECONNABORTED, "the receiver has closed the connection")

    def finish(self, deadline: Deadline) -> None:
        """Half-close, and wait for the receiver's own end of stream: it has read everything.

        A process that closes, or dies, with bytes unread makes its kernel send a reset
        instead, unless it calls ``shutdown`` first: such a receiver cannot be told from one
        that is through. An end of stream that came before the receiver had our bytes shows in
        the send queue, which then never empties. TLS adds a close_notify in each direction;
        some receivers send none back (rsyslog's GnuTLS driver), so the end of the TCP stream
        is what counts. After a ``TimeoutError`` it may be called again, to wait on.

        Args:
            deadline: When silence counts as no answer; renewed while bytes still go out.

        Raises:
            TimeoutError: If the receiver does not answer before the deadline.
            ConnectionAbortedError: If it closed before it had everything, or its host is gone.
            OSError: If it has not read everything: a reset, an alert.
        """
        try:
            if not self._half_closed:
                self.drain()
                with self._hearing_why():
                    self._half_close(deadline)
                self._half_closed = True
            self._await_end_of_stream(deadline)
        except TimeoutError as error:
            if error.errno is None:  # the deadline, which has no error number
                raise
            raise ConnectionAbortedError(errno.ECONNABORTED, _GONE) from error
        if self.unacknowledged():
            raise ConnectionAbortedError(
                errno.ECONNABORTED, "the receiver closed before it had everything"
            )

    def hear_out(self, deadline: Deadline) -> None:
        """Wait a moment for the end that a receiver makes of what it cannot read, TLS or not.

        A program that speaks TLS closes at once on plain text, and not each with a reset.

        Args:
            deadline: When to give up, if that is sooner than a moment.

        Raises:
            OSError: If the receiver has ended the connection.
        """
        shortest, longest = _FIRST_END_SECONDS
        self._hear_out(deadline, min(max(shortest, 2 * self._round_trip), longest))

    def await_acknowledgement(self, deadline: Deadline) -> None:
        """Wait until the receiver's kernel has every byte.

        Args:
            deadline: When to give up; renewed while bytes still go out.

        Raises:
            TimeoutError: If bytes are left when it passes.
            OSError: If the connection has broken.
        """
        queued = self.unacknowledged()
        while queued:
            self.drain()
            time.sleep(min(deadline.slice(), _QUEUE_POLL_SECONDS))
            before, queued = queued, self.unacknowledged()
            if queued < before:
                deadline.renew()
        self.drain()

    def unacknowledged(self) -> int:
        """Bytes that the receiver's kernel has not acknowledged yet.

        Linux only (``SIOCOUTQ``, tcp(7)); zero elsewhere, where no program can know.
        """
        if not TELLS_ACKNOWLEDGED:
            return 0
        import fcntl  # does not exist on Windows
        import termios

        answer = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
        return int.from_bytes(answer, sys.byteorder)

    def has_been_read(self) -> bool | None:
        """Whether the receiver's process must have read from this connection.

        ``False`` where nothing proves it yet, ``None`` where this system cannot tell (it takes
        Linux 5.4); see ``_FlowControl``.
        """
        return self._flow.proves_reading()

    def peer(self) -> str:
        """The receiver's address."""
        return self._peer

    def handshake(self) -> Handshake | None:
        """What the TLS handshake has come to; ``None`` for plain TCP."""
        if not isinstance(self._socket, ssl.SSLSocket):
            return None
        cipher, *_ = self._socket.cipher() or ("no cipher",)
        is_verified = self._socket.context.verify_mode is ssl.CERT_REQUIRED
        return Handshake(self._socket.version() or "TLS", cipher, is_verified)

    def certificate(self) -> bytes | None:
        """The receiver's certificate in DER, trusted or not; ``None`` where there is none."""
        tls = self._socket
        return tls.getpeercert(binary_form=True) if isinstance(tls, ssl.SSLSocket) else None

    def age(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._made

    def idle(self) -> float:
        """Seconds since something was sent over it, or since it was made."""
        return time.monotonic() - self._used

    def close(self) -> None:
        """End the connection; what is in the kernel still goes out."""
        with suppress(OSError, ValueError):  # closing is all that is left to do
            self.drain()
            if isinstance(self._socket, ssl.SSLSocket):
                self._resumption.keep(self._socket)
                self._socket.unwrap()  # sends close_notify (RFC 5425 section 4.4), awaits nothing
        self._socket.close()

    def _connect(self, where: Any, deadline: Deadline) -> None:
        begun = time.monotonic()
        in_progress = self._socket.connect_ex(where)
        if in_progress not in {0, errno.EINPROGRESS, errno.EWOULDBLOCK}:
            raise OSError(in_progress, os.strerror(in_progress))
        self._wait(_WRITE, deadline)
        self._round_trip = time.monotonic() - begun
        if self._socket.getsockname() == where:
            # Nobody listens on a port of the ephemeral range, and TCP met itself there.
            raise ConnectionRefusedError(errno.ECONNREFUSED, "connection to itself")
        failure = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            raise OSError(failure, os.strerror(failure))

    def _handshake(
        self,
        tls: ssl.SSLContext,
        server_hostname: str | None,
        deadline: Deadline,
        hear_out: bool,
        fingerprints: Collection[str],
    ) -> None:
        session = self._resumption.offer(tls)
        try:
            wrapped = tls.wrap_socket(
                self._socket,
                server_hostname=server_hostname,
                do_handshake_on_connect=False,
                suppress_ragged_eofs=False,  # they may be resets
                session=session,
            )
        except ValueError as error:  # a context of somebody's own that is for servers, say
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, str(error)) from error
        self._socket = wrapped
        begun = time.monotonic()
        try:
            self._shake_hands(wrapped, deadline)
            self._compare(fingerprints)  # that of a session that is resumed as well
            if hear_out:
                patience = max(_FIRST_WORD_SECONDS, 2 * (time.monotonic() - begun))
                self._hear_out(deadline, min(patience, _FIRST_END_SECONDS[1]))
        except OSError as error:
            if session is not None and not isinstance(error, (TimeoutError, FingerprintError)):
                raise SessionRefusedError(*error.args) from error
            if isinstance(error, _CUT):
                raise HandshakeCutError(_how(error), bool(wrapped.cipher())) from error
            raise
        self._resumption.begin(wrapped)

    def _compare(self, fingerprints: Collection[str]) -> None:
        found = fingerprint(self.certificate() or b"")
        if fingerprints and found not in fingerprints:
            raise FingerprintError(found)

    def _shake_hands(self, tls: ssl.SSLSocket, deadline: Deadline) -> None:
        while True:
            try:
                return tls.do_handshake()
            except ssl.SSLWantReadError:
                self._wait(_READ, deadline)
            except ssl.SSLWantWriteError:
                self._wait(_WRITE, deadline)

    def _hear_out(self, deadline: Deadline, seconds: float) -> None:
        """Wait for the server's first word: tickets, or an alert or an end, which are raised."""
        with suppress(TimeoutError):
            self._wait(_READ, deadline.within(seconds))
        self.drain()

    @contextmanager
    def _hearing_why(self) -> Iterator[None]:
        """Where nothing can be written any more, what was said before is the better reason.

        Raises:
            OSError: What the receiver has said; if nothing, a ``ConnectionResetError``.
            ConnectionResetError: See there.
        """
        try:
            yield
        except OSError as error:
            if error.errno not in _GONE_ALREADY:
                raise
            self.drain()
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)) from error

    def _half_close(self, deadline: Deadline) -> None:
        """Say that nothing more will come, with TLS by close_notify and below it."""
        if isinstance(self._socket, ssl.SSLSocket):
            self._resumption.keep(self._socket)  # unwrapped, it has no session any more
            notice = self._close_notify(self._socket)
            while notice:
                try:
                    notice = notice[socket.socket.send(self._socket, notice) :]
                except BlockingIOError:
                    self._wait(_WRITE, deadline, renewing=True)
        socket.socket.shutdown(self._socket, socket.SHUT_WR)

    def _hear(self, tls: ssl.SSLSocket) -> bool:
        """Read what is there after our close_notify; whether more is to be awaited.

        Not left to ``unwrap``, which takes any alert for an answer: after it, a receiver that
        refuses our certificate could not be told from one that has read everything.

        Raises:
            ssl.SSLEOFError: If it has reset the connection.
            OSError: If it has, or has sent an alert.
        """
        try:
            # First below TLS, which reports a reset as an end of stream if it meets it first.
            while socket.socket.recv(tls, 1, socket.MSG_PEEK) and tls.recv(_READ_BYTES):
                pass
        except _NOTHING_NOW:
            return True
        except ssl.SSLZeroReturnError:
            return False
        except ssl.SSLEOFError as error:
            if not error.reason:  # a reset, before Python 3.13; an end of stream has a reason
                raise
        finally:
            self._resumption.keep(tls)
        return False

    def _take_note(self, said: bytes) -> None:
        """Remember how what the receiver says begins.

        Raises:
            TlsAnsweredError: If it is TLS, and we speak plain text.
        """
        self.heard = self.heard or said[:_HEARD_BYTES]
        if not isinstance(self._socket, ssl.SSLSocket) and self.heard.startswith(_TLS_ALERT):
            raise TlsAnsweredError(errno.ECONNABORTED, "the receiver answers in TLS")

    @staticmethod
    def _close_notify(tls: ssl.SSLSocket) -> bytes:
        """The bytes of our close_notify, with nothing read.

        ``unwrap`` reads as well, and takes whatever alert has just come for an answer, a refusal
        of our certificate too. So it writes into a pipe here, in the place of the connection; but
        not on Windows, whose sockets are no file descriptors: there that may happen.
        """
        if sys.platform == "win32":
            with suppress(ssl.SSLWantReadError):
                tls.unwrap()
            return b""
        outside, inside = socket.socketpair()
        with outside, inside:
            inside.setblocking(False)
            connection = os.dup(tls.fileno())
            try:
                os.dup2(inside.fileno(), tls.fileno(), inheritable=False)
                with suppress(ssl.SSLWantReadError):
                    tls.unwrap()
            finally:
                os.dup2(connection, tls.fileno(), inheritable=False)
                os.close(connection)
            outside.setblocking(False)
            return outside.recv(_READ_BYTES)

    def _await_end_of_stream(self, deadline: Deadline) -> None:
        """Read what TLS still says, and past it until TCP says that the receiver has closed."""
        if isinstance(self._socket, ssl.SSLSocket) and not self._tls_has_ended:
            while self._hear(self._socket):
                self._wait(_READ, deadline, renewing=True)
            self._tls_has_ended = True
        while True:
            try:
                said = socket.socket.recv(self._socket, _READ_BYTES)
                if not said:
                    return
                self._take_note(said)
                deadline.slice()  # it may talk, but not for ever
            except BlockingIOError:
                self._wait(_READ, deadline, renewing=True)

    def _wait(self, events: int, deadline: Deadline, *, renewing: bool = False) -> None:
        """Wait for the socket; ``renewing`` gives more time while bytes still go out."""
        queued = self.unacknowledged() if renewing else 0
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, events)
            while not selector.select(deadline.slice()):
                if renewing:
                    before, queued = queued, self.unacknowledged()
                    if queued < before:
                        deadline.renew()


def _how(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return f"{error}: no answer to the TLS handshake"
    reset = isinstance(error, ConnectionResetError)
    return f"the receiver has {'reset' if reset else 'closed'} the connection"


def fetch_certificate(
    address: Address, deadline: Deadline, server_hostname: str | None
) -> bytes | None:
    """The certificate that a receiver shows, in DER, to tell what is wrong with it.

    Nothing is verified, and so nothing is sent, not even a certificate of ours.

    Args:
        address: Where to, as ``resolve`` gives it.
        deadline: When to give up.
        server_hostname: The name that goes into SNI.

    Returns:
        ``None`` if it could not be had.
    """
    try:
        connection = Connection(address, deadline, make_unverified_context(), server_hostname)
    except OSError:
        return None
    try:
        return connection.certificate()
    finally:
        connection.close()
