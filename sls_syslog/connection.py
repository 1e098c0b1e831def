"""One TCP or TLS connection: the only module, with ``transport.py``, that touches a socket.

Sockets here never block: each wait is a ``select`` that ends with a deadline. The read side
is always drained, for three reasons: what a receiver says (an alert, its end of stream) must
be seen; TLS 1.3 sends session tickets that nobody asked for; and a socket closed with unread
bytes sends a reset, which throws away what is still on its way to the receiver.

Errors leave this module as the ``OSError`` that they are; ``transport.py`` gives them names.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import ssl
import sys
import time
from contextlib import suppress
from threading import Thread
from typing import Any

from sls_syslog.deadline import Deadline

__all__ = ["Address", "Connection", "resolve"]

Address = tuple[int, int, int, str, Any]
"""One answer of ``socket.getaddrinfo``."""

_READ_BYTES = 64 * 1024
# The send queue is looked at so often: no select reports that it has emptied.
_QUEUE_POLL_SECONDS = 0.005
_READS = 16  # and no more at a time: a receiver that talks without end must not hold us up
_NOTHING_NOW = (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError)
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


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


class Connection:
    """A connected stream.

    Args:
        address: Where to, as ``resolve`` gives it.
        deadline: When to give up connecting and the handshake together.
        tls: Speak TLS with this context; ``None`` for plain TCP.
        server_hostname: The name that goes into SNI and that the certificate must have.

    Raises:
        ssl.SSLError: If the handshake fails.
        OSError: If there is no connection, or the deadline passes (``TimeoutError``).
    """

    def __init__(
        self,
        address: Address,
        deadline: Deadline,
        tls: ssl.SSLContext | None = None,
        server_hostname: str | None = None,
    ) -> None:
        family, kind, protocol, _, where = address
        self._socket = socket.socket(family, kind, protocol)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connect(where, deadline)
            if tls is not None:
                self._handshake(tls, server_hostname, deadline)
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
        raise ConnectionAbortedError(errno.ECONNABORTED, "the receiver has closed the connection")

    def finish(self, deadline: Deadline) -> None:
        """Half-close, and wait for the receiver's own end of stream: it has read everything.

        A process that closes, or dies, with bytes unread makes its kernel send a reset
        instead, unless it calls ``shutdown`` first: such a receiver cannot be told from one
        that is through. An end of stream that came before the receiver had our bytes shows in
        the send queue, which then never empties. TLS adds a close_notify in each direction;
        some receivers send none back (rsyslog's GnuTLS driver), so the end of the TCP stream
        is what counts.

        Args:
            deadline: When silence counts as no answer; renewed while bytes still go out.

        Raises:
            TimeoutError: If the receiver does not answer before the deadline.
            ConnectionAbortedError: If it closed before it had everything.
            OSError: If it has not read everything: a reset, an alert.
        """
        self.drain()
        if isinstance(self._socket, ssl.SSLSocket):
            self._finish_tls(self._socket, deadline)
        else:
            self._socket.shutdown(socket.SHUT_WR)
        self._await_end_of_stream(deadline)
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
        if sys.platform != "linux":
            return 0
        import fcntl  # does not exist on Windows
        import termios

        answer = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
        return int.from_bytes(answer, sys.byteorder)

    def close(self) -> None:
        """End the connection; what is in the kernel still goes out."""
        with suppress(OSError, ValueError):  # closing is all that is left to do
            self.drain()
            if isinstance(self._socket, ssl.SSLSocket):
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
        self, tls: ssl.SSLContext, server_hostname: str | None, deadline: Deadline
    ) -> None:
        try:
            wrapped = tls.wrap_socket(
                self._socket, server_hostname=server_hostname, do_handshake_on_connect=False
            )
        except ValueError as error:  # a context of somebody's own that is for servers, say
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, str(error)) from error
        self._socket = wrapped
        try:
            self._shake_hands(wrapped, deadline)
        except TimeoutError as error:
            raise TimeoutError(f"{error}: no answer to the TLS handshake") from error

    def _shake_hands(self, tls: ssl.SSLSocket, deadline: Deadline) -> None:
        while True:
            try:
                return tls.do_handshake()
            except ssl.SSLWantReadError:
                self._wait(_READ, deadline)
            except ssl.SSLWantWriteError:
                self._wait(_WRITE, deadline)

    def _finish_tls(self, tls: ssl.SSLSocket, deadline: Deadline) -> None:
        """Exchange close_notify, and half-close below it as soon as ours is out."""
        half_closed = False
        while True:
            awaited = self._shut_down(tls)
            if not half_closed and awaited != _WRITE:
                half_closed = True
                socket.socket.shutdown(tls, socket.SHUT_WR)
            if not awaited:
                return
            self._wait(awaited, deadline, renewing=True)

    @staticmethod
    def _shut_down(tls: ssl.SSLSocket) -> int:
        # Sends close_notify, then looks for the answer; what to wait for, or 0 for nothing more.
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
        """Read past the TLS layer until TCP says that the receiver has closed."""
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
