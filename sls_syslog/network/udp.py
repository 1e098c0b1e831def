"""``UdpTransport``: one datagram per message, at most ``max_rate`` per second."""

from __future__ import annotations

import errno
import math
import os
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sls_syslog.errors import MessageTooLongError, SendError, UnconfirmedError
from sls_syslog.network.base import BaseTransport
from sls_syslog.network.confirmation import State
from sls_syslog.network.deadline import Deadline
from sls_syslog.network.dial import open_first
from sls_syslog.network.explain import explain
from sls_syslog.network.resolver import Address, resolve

__all__ = ["UdpTransport"]

# Limits to try, in bytes, when the system refuses a datagram: the largest of UDP; the default of
# macOS; one and two pages of memory; what one packet carries on Ethernet, over IPv4 and IPv6; what
# each path of IPv6 carries; and what each receiver must take (RFC 5426 section 3.2).
_LIMITS = (65507, 9216, 8192, 4096, 1472, 1452, 1232, 480)


class UdpTransport(BaseTransport):
    """Sends datagrams (RFC 5426). UDP does not report a datagram that is lost on the way.

    The states are those of a stream, with one difference: after a refused datagram, the next one
    can be sent. ``BROKEN`` lasts until ``confirm`` has raised the error.

    Its arguments are those of ``BaseTransport``.
    """

    _socket: socket.socket | None = None
    _address: Address | None = None  # of the socket
    _resolved_at = -math.inf  # when the name was looked up for the socket

    @property
    def level(self) -> str:
        """Always ``written``."""
        return "written"

    def connect(self) -> None:
        """Resolve the name. Nothing is sent, so this does not show whether a program listens.

        Raises:
            ConnectError: If the name cannot be resolved before the deadline.
            SendError: If the receiver's host has refused a datagram.
        """
        self._ensure_socket()

    def send(self, frames: Iterable[bytes]) -> None:
        """Send each frame as a datagram, at most ``max_rate`` per second.

        Raises:
            ConnectError: If the name cannot be resolved before the deadline.
            MessageTooLongError: If a frame is larger than a datagram can be; its limit is the
                next one to try.
            SendError: If the kernel refuses a frame, the receiver's host has refused one before,
                or a stop leaves no time for the rest.
        """
        sock = self._ensure_socket()
        frame = b""
        try:
            for frame in frames:
                self._keep_pace()
                if self._state is State.OPEN:
                    self._state = State.IN_DOUBT
                sock.send(frame)
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                limit = _find_lower_limit(len(frame))
                raise MessageTooLongError(len(frame), limit, "RFC 5426 section 3.2") from error
            self._state = State.BROKEN
            self._avoid_address()
            raise SendError(self._settings.destination, explain(error, self._settings)) from error
        if frame:
            self._destination.warn_once("udp", _MAY_BE_LOST)

    def confirm(self, *, watched: bool = False) -> bool:
        """Find out whether a datagram was refused; UDP shows no more.

        Raises:
            SendError: If the receiver's host has answered that no program listens.
            UnconfirmedError: If a ``SendError`` was raised since the last confirmation.
        """
        if self._state is State.BROKEN:
            self._drop_socket()
            with self._end_doubt():
                problem = "a datagram was refused"
                raise UnconfirmedError(self._settings.destination, "written", problem)
        try:
            self._check_refusal()
        except SendError:
            with self._end_doubt():
                raise
        self._state = State.OPEN if self._socket else State.IDLE
        return True

    def watch(self) -> None:
        """Check that no datagram was refused.

        Raises:
            ConnectError: If the name cannot be resolved before the deadline.
            SendError: If one was refused; what is in doubt stays so.
        """
        self.connect()
        self._check_refusal()

    def _check_refusal(self) -> None:
        before, sock = self._state, self._socket
        is_in_doubt = before in {State.IN_DOUBT, State.BROKEN}
        # Asking clears the answer, so assume a refusal until it is known.
        self._state = State.BROKEN if is_in_doubt else State.IDLE
        refused = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if sock else 0
        if refused:
            self._avoid_address()
            raise SendError(self._settings.destination, os.strerror(refused))
        self._state = before

    @contextmanager
    def _end_doubt(self) -> Iterator[None]:
        """End the doubt when an error is on its way to the sender, and not before."""
        try:
            yield
        finally:
            self._state = State.IDLE

    def retire(self) -> None:
        """Do nothing: there is no connection that could be too old."""

    def close(self) -> None:
        """Close the socket; a later ``send`` resolves the name again."""
        self._state = State.IDLE
        self._drop_socket()

    def _ensure_socket(self) -> socket.socket:
        if self._socket is not None and self._is_due_to_resolve():
            self._follow_name()
        if self._socket is None:
            deadline = Deadline(self._connect_seconds, self._stop)
            self._resolved_at = time.monotonic()
            self._socket = open_first(
                self._settings, deadline, self._destination, self._open_socket
            )
            if self._state is State.IDLE:
                self._state = State.OPEN
        return self._socket

    def _is_due_to_resolve(self) -> bool:
        return time.monotonic() - self._resolved_at > self._destination.timings.resolve_again

    def _follow_name(self) -> None:
        """Drop the socket if the name leads elsewhere now: no end of a connection shows that.

        Raises:
            SendError: If a datagram was refused.
        """
        self._check_refusal()
        self._resolved_at = time.monotonic()
        longest = self._destination.timings.resolve_wait
        deadline = Deadline(min(self._connect_seconds, longest), self._stop)
        try:
            found = resolve(self._settings.host, self._settings.port, socket.SOCK_DGRAM, deadline)
        except OSError:  # the old address is better than none
            return
        if self._address not in found:
            self._drop_socket()

    def _avoid_address(self) -> None:
        """Drop the socket; the next one leads to another address, if the name has one."""
        if self._address is not None:
            self._destination.addresses.note_failures([self._address])
        self._drop_socket()

    def _open_socket(self, address: Address) -> socket.socket:
        family, kind, protocol, _, where = address
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(self._connect_seconds)
            sock.connect(where)  # then the kernel reports the receiver's "port unreachable"
        except BaseException:
            sock.close()
            raise
        self._address = address
        return sock

    def _drop_socket(self) -> None:
        sock, self._socket = self._socket, None
        if sock is not None:
            sock.close()

    def _keep_pace(self) -> None:
        rate = self._settings.max_rate
        wait = self._destination.pace.reserve(time.monotonic(), rate) if rate else 0.0
        if not wait:
            return
        end = time.monotonic() + wait
        if self._stop.wait(wait):
            rest = max(0.0, end - time.monotonic())
            if rest > self._stop.remaining:
                raise TimeoutError("stopped")
            time.sleep(rest)


_MAY_BE_LOST = (
    "UDP does not show whether a datagram arrives, so a lost log counts as delivered; to lose none,"
    " set protocol to tcp or tls"
)


def _find_lower_limit(size: int) -> int | None:
    """Find the limit to try after a datagram of this size was refused; ``None`` if there is none.

    The system does not tell its limit, and a search for it would send datagrams that are not logs.
    """
    return next((limit for limit in _LIMITS if limit < size), None)
