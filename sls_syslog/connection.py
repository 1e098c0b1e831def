"""One TCP or TLS connection: the only module, with ``transport.py``, that touches a socket.

Sockets here never block: each wait is a ``select`` that ends with a deadline. The read side
is always drained, for three reasons: what a receiver says (an alert, its end of stream) must
be seen; TLS 1.3 sends session tickets that nobody asked for; and a socket closed with unread
bytes sends a reset, which throws away what is still on its way to the receiver.

What can serve the next connection, a TLS session, a connection leaves with its ``Resumption``.
Errors leave this module as the ``OSError`` that they are; ``transport.py`` gives them names.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import ssl
import struct
import sys
import time
from contextlib import suppress
from threading import Thread
from typing import Any

from sls_syslog.deadline import Deadline
from sls_syslog.trust import Resumption

__all__ = ["TELLS_ACKNOWLEDGED", "Address", "Connection", "SessionRefusedError", "resolve"]

Address = tuple[int, int, int, str, Any]
"""One answer of ``socket.getaddrinfo``."""

TELLS_ACKNOWLEDGED = sys.platform == "linux"
"""Whether this system says what a peer has acknowledged (``SIOCOUTQ``, tcp(7))."""

_READ_BYTES = 64 * 1024
# The send queue is looked at so often: no select reports that it has emptied.
_QUEUE_POLL_SECONDS = 0.005
_READS = 16  # and no more at a time: a receiver that talks without end must not hold us up
_GONE = "the receiver's host no longer answers, or takes nothing"
_NOTHING_NOW = (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError)
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
# A server that refuses our certificate under TLS 1.3 says so a round trip after the handshake, and
# GnuTLS servers do it under TLS 1.2 as well: rsyslog's just closes. One that takes it may send
# session tickets, or nothing at all: then so many seconds are what it costs.
_FIRST_WORD_SECONDS = 0.5
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


def resolve(host: str, port: int, kind: int, deadline: Deadline) -> list[Address]:
    """All addresses of a name, looked up anew.

    The system's resolver knows no deadline, so it works in a thread of its own, which is
    left behind when it takes too long.

    Args:
        host: Name or address.
        port: Port.
        kind: ``socket.SOCK_STREAM`` or ``socket.SOCK_DGRAM``.
        deadline: When to give up.

    Raises:
        OSError: If the name has no address, or the deadline passes.
    """
    outcome: list[Any] = []

    def look_up() -> None:
        try:
            outcome.append(socket.getaddrinfo(host, port, type=kind))
        except (OSError, UnicodeError) as error:
            outcome.append(error)

    resolver = Thread(target=look_up, name=f"resolve-{host}", daemon=True)
    resolver.start()
    while resolver.is_alive():
        resolver.join(deadline.slice())
    (found,) = outcome
    if isinstance(found, OSError):
        raise found
    if isinstance(found, UnicodeError):
        raise OSError(f"not a name that can be looked up: {found}")
    return list(found)


def _set_options(sock: socket.socket) -> None:
    # Not every platform has them all, nor every kernel those of its platform.
    for level, option, value in _OPTIONS:
        if hasattr(socket, option):
            with suppress(OSError):
                sock.setsockopt(level, getattr(socket, option), value)


class SessionRefusedError(OSError):
    """Raised when a handshake fails to which a session was offered; without, it may succeed."""


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

    Raises:
        SessionRefusedError: If the handshake fails, and a session was offered.
        ssl.SSLError: If the handshake fails.
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
    ) -> None:
        self._resumption = resumption or Resumption()
        self._half_closed = self._tls_has_ended = False
        family, kind, protocol, _, where = address
        self._socket = socket.socket(family, kind, protocol)
        try:
            self._socket.setblocking(False)
            _set_options(self._socket)
            self._connect(where, deadline)
            if tls is not None:
                self._handshake(tls, server_hostname, deadline, hear_out)
            self._flow = _FlowControl(self._socket)
            self._made = time.monotonic()
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
                rest = rest[self._socket.send(rest) :]
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
                if not self._socket.recv(_READ_BYTES):
                    break
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

    def age(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._made

    def close(self) -> None:
        """End the connection; what is in the kernel still goes out."""
        with suppress(OSError, ValueError):  # closing is all that is left to do
            self.drain()
            if isinstance(self._socket, ssl.SSLSocket):
                self._resumption.keep(self._socket)
                self._socket.unwrap()  # sends close_notify (RFC 5425 section 4.4), awaits nothing
        self._socket.close()

    def _connect(self, where: Any, deadline: Deadline) -> None:
        in_progress = self._socket.connect_ex(where)
        if in_progress not in {0, errno.EINPROGRESS, errno.EWOULDBLOCK}:
            raise OSError(in_progress, os.strerror(in_progress))
        self._wait(_WRITE, deadline)
        if self._socket.getsockname() == where:
            # Nobody listens on a port of the ephemeral range, and TCP met itself there.
            raise ConnectionRefusedError(errno.ECONNREFUSED, "connection to itself")
        failure = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            raise OSError(failure, os.strerror(failure))

    def _handshake(
        self, tls: ssl.SSLContext, server_hostname: str | None, deadline: Deadline, hear_out: bool
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
            if hear_out:
                self._hear_out(deadline, max(_FIRST_WORD_SECONDS, 2 * (time.monotonic() - begun)))
        except TimeoutError as error:
            raise TimeoutError(f"{error}: no answer to the TLS handshake") from error
        except OSError as error:
            if session is None:
                raise
            raise SessionRefusedError(*error.args) from error
        self._resumption.begin(wrapped)

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
            self._wait(_READ, Deadline(min(seconds, deadline.remaining())))
        self.drain()

    def _half_close(self, deadline: Deadline) -> None:
        """Say that nothing more will come, with TLS by close_notify and below it."""
        if isinstance(self._socket, ssl.SSLSocket):
            self._resumption.keep(self._socket)  # unwrapped, it has no session any more
            while (awaited := self._shut_down(self._socket)) == _WRITE:
                self._wait(_WRITE, deadline, renewing=True)
            self._tls_has_ended = not awaited
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

    @staticmethod
    def _shut_down(tls: ssl.SSLSocket) -> int:
        # Sends close_notify; what to wait for, or 0 where the answer is there already.
        try:
            tls.unwrap()
        except ssl.SSLWantReadError:
            return _READ
        except ssl.SSLWantWriteError:
            return _WRITE
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return 0
        except OSError as error:
            if error.errno != 0:  # a reset has one, an alert has one; a bare end of stream has not
                raise
        return 0

    def _await_end_of_stream(self, deadline: Deadline) -> None:
        """Read what TLS still says, and past it until TCP says that the receiver has closed."""
        if isinstance(self._socket, ssl.SSLSocket) and not self._tls_has_ended:
            while self._hear(self._socket):
                self._wait(_READ, deadline, renewing=True)
            self._tls_has_ended = True
        while True:
            try:
                if not socket.socket.recv(self._socket, _READ_BYTES):
                    return
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


class _FlowControl:
    """What a peer's window says of its process.

    The kernel of a process that does not read takes what its receive buffer holds, and then
    closes the window. Measured on Linux 6.18: about twice the window that it advertised at
    first, 0.1 MB by default and 0.4 MB where a program sets the largest buffer that Linux
    allows it by default; only reading makes it more. So much more acknowledged than that, and
    it has been read.
    """

    _LOOKS = 8  # at what it advertises at first
    _TIMES = 4
    _BYTES = 1024 * 1024
    # struct tcp_info (linux/tcp.h): tcpi_bytes_acked since Linux 4.1, tcpi_snd_wnd since 5.4
    _INFO = struct.Struct("@120xQ100xI")

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._windows: list[int] = []

    def look(self) -> None:
        """Remember the window, while the connection is new."""
        if len(self._windows) < self._LOOKS and (told := self._told()):
            self._windows.append(told[1])

    def proves_reading(self) -> bool | None:
        """Whether more is acknowledged than a buffer that nobody reads can hold."""
        told = self._told()
        if told is None:
            return None
        acknowledged, window = told
        return window > 0 and acknowledged >= max(self._BYTES, self._TIMES * max(self._windows))

    def _told(self) -> tuple[int, int] | None:
        if sys.platform != "linux":
            return None
        info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, self._INFO.size)
        return self._INFO.unpack(info) if len(info) == self._INFO.size else None
