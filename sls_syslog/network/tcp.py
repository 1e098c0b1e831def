"""``TcpSocket``: a TCP socket that never blocks, and waits until a deadline.

Each wait is a ``select`` that ends with progress, at the deadline or at a stop. Every error is an
``OSError``.
"""

from __future__ import annotations

import errno
import math
import os
import selectors
import socket
import sys
import time
from contextlib import suppress

from sls_syslog.network.deadline import Deadline
from sls_syslog.network.flow_control import FlowControl
from sls_syslog.network.resolver import Address

__all__ = ["READ", "TELLS_ACKNOWLEDGED", "WRITE", "TcpSocket"]

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE

TELLS_ACKNOWLEDGED = sys.platform == "linux"
"""Whether this system says what the receiver's kernel has acknowledged (``SIOCOUTQ``, tcp(7))."""

# Bytes per recv(); a receiver says little.
_READ_BYTES = 64 * 1024
# Notice a dead receiver after about 30 seconds. By default, a kernel takes 15 minutes or two hours.
# The user timeout works while an answer is missing, the probes while the connection is idle. A
# machine that has replaced the receiver answers a probe with a reset, after 5 seconds.
# Linux applies the user timeout to a closed window too. So a receiver that reads nothing for 30
# seconds counts as dead, even if ``timeout`` is longer. This can send logs twice, but loses none.
# Waiting longer would hold up a shard, and with it the heartbeat of every shard of the consumer.
_OPTIONS = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 5),  # seconds of silence before the first probe
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 5),  # seconds between probes
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 5),  # probes without an answer
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 30_000),  # milliseconds (RFC 5482)
    (socket.IPPROTO_TCP, "TCP_NODELAY", 1),
)


class TcpSocket:
    """A socket that has begun to connect; call ``complete`` when it can be written.

    Args:
        address: The receiver's address, as ``resolve`` returns it.

    Attributes:
        address: The receiver's address.
        round_trip: The seconds that connecting took, which is about one round trip.
        flow: What the receiver's window says about its process.

    Raises:
        OSError: If there can be no connection.
    """

    round_trip = 0.0
    flow: FlowControl

    def __init__(self, address: Address) -> None:
        family, kind, protocol, _, where = address
        self.address = address
        self._is_gathering = False
        self._queued = 0  # in the send queue, when `renew_on_progress` last looked
        self._begun = time.monotonic()
        self._socket = socket.socket(family, kind, protocol)
        try:
            self._socket.setblocking(False)
            self._set_options()
            in_progress = self._socket.connect_ex(where)
            if in_progress not in {0, errno.EINPROGRESS, errno.EWOULDBLOCK}:
                raise OSError(in_progress, os.strerror(in_progress))
        except BaseException:
            self._socket.close()
            raise

    def complete(self) -> None:
        """Check that it is connected.

        Raises:
            OSError: If there is no connection.
            ConnectionRefusedError: If no program listens.
        """
        self.round_trip = time.monotonic() - self._begun
        if self._socket.getsockname() == self.address[4]:
            # No program listens on this port, and TCP has connected the socket to itself.
            raise ConnectionRefusedError(errno.ECONNREFUSED, "connection to itself")
        failure = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            raise OSError(failure, os.strerror(failure))
        self.flow = FlowControl(self._socket)

    def fileno(self) -> int:
        """The file descriptor, for a selector."""
        return self._socket.fileno()

    def receive(self) -> bytes | None:
        """Read once: ``None`` if there is nothing to read, ``b""`` at the end of the stream.

        Raises:
            OSError: If the connection has broken.
        """
        try:
            return self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return None

    def send(self, data: bytes | memoryview) -> int:
        """Hand the kernel as much of ``data`` as it accepts now; return the number of bytes.

        Raises:
            OSError: If the connection has broken.
        """
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0

    def gather(self, is_wanted: bool) -> None:
        """Let the kernel gather short texts into packets, or let it send them at once again.

        While it gathers (Nagle's algorithm, RFC 9293 section 3.7.4), a short text waits until the
        receiver's kernel has acknowledged what was sent before: for a round trip, and 40
        milliseconds on most systems at the longest. To end it sends what was gathered.
        """
        if is_wanted is not self._is_gathering:
            self._is_gathering = is_wanted
            with suppress(OSError):  # it is only slower
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, not is_wanted)

    def push(self, data: bytes, deadline: Deadline) -> None:
        """Hand all of a short text to the kernel, without reading.

        Progress does not renew the deadline: a receiver may ask for such texts without end.

        Raises:
            OSError: If the connection has broken, or the deadline passes.
        """
        while data:
            data = data[self.send(data) :]
            if data:
                self.wait(WRITE, deadline)

    def end_sending(self) -> None:
        """Half-close.

        Raises:
            OSError: If the connection has broken.
        """
        self._socket.shutdown(socket.SHUT_WR)

    def wait(
        self, events: int, deadline: Deadline, *, most: float = math.inf, renewing: bool = False
    ) -> None:
        """Wait until the socket can be read or written.

        Args:
            events: ``READ``, ``WRITE`` or both.
            deadline: When to give up.
            most: Seconds after which to return, even if the socket is not ready.
            renewing: Whether the deadline is renewed while bytes still leave the send queue.

        Raises:
            TimeoutError: If the deadline passes.
        """
        end = time.monotonic() + most
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, events)
            while True:
                if renewing:
                    self.renew_on_progress(deadline)
                seconds = min(deadline.take_slice(), end - time.monotonic())
                if seconds <= 0 or selector.select(seconds):
                    return

    def renew_on_progress(self, deadline: Deadline) -> None:
        """Renew the deadline if bytes have left the send queue since this was last asked."""
        before, self._queued = self._queued, self.count_unacknowledged()
        if self._queued < before:
            deadline.renew()

    def count_unacknowledged(self) -> int:
        """Count the bytes that the receiver's kernel has not acknowledged yet.

        Linux only (``SIOCOUTQ``, tcp(7)). Other systems do not tell; there it returns zero.
        """
        if not TELLS_ACKNOWLEDGED:
            return 0
        import fcntl  # does not exist on Windows
        import termios

        answer = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
        return int.from_bytes(answer, sys.byteorder)

    def close(self) -> None:
        """Close the socket; the kernel still sends what it has."""
        self._socket.close()

    def _set_options(self) -> None:
        # Some platforms and kernels lack some of these options.
        for level, option, value in _OPTIONS:
            if hasattr(socket, option):
                with suppress(OSError):
                    self._socket.setsockopt(level, getattr(socket, option), value)
