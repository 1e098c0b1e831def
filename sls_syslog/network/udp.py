"""Datagrams, one for each message, no faster than the setting ``max_rate`` allows."""

from __future__ import annotations

import errno
import logging
import os
import socket
import time
from collections.abc import Iterable
from threading import Lock

from sls_syslog.errors import MessageTooLongError, SendError
from sls_syslog.network.deadline import Deadline, Stop
from sls_syslog.network.dial import open_first
from sls_syslog.network.explain import explain
from sls_syslog.network.resolver import Address
from sls_syslog.settings.client import ClientSettings

__all__ = ["Pace", "UdpTransport"]

logger = logging.getLogger("sls_syslog.network")

# Seconds that a message may be early, and that one who woke late may make up for. Both together
# are the largest burst. No wait is shorter than one of them: finer timing would only cost CPU.
_SLACK = 0.005


class Pace:
    """Gives each message its moment; any thread may ask."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._next = float("-inf")

    def wait(self, now: float, rate: float) -> float:
        """Seconds to wait before the next message is sent, often zero; its moment is then taken.

        Args:
            now: The time on any clock that only goes forward, in seconds.
            rate: Messages a second.
        """
        with self._lock:
            moment = max(self._next, now - _SLACK)
            self._next = moment + 1 / rate
        ahead = moment - now
        return ahead if ahead > _SLACK else 0.0


class UdpTransport:
    """Datagrams, one a frame (RFC 5426). What is sent may be lost, and nobody will know.

    Args:
        settings: Where to.
        stop: Ends every wait when requested.
        connect_seconds: The deadline of resolving the name.
    """

    def __init__(self, settings: ClientSettings, stop: Stop, connect_seconds: float) -> None:
        self._settings = settings
        self._stop = stop
        self._connect_seconds = connect_seconds
        self._socket: socket.socket | None = None
        self._pace = _paces.setdefault(settings.destination, Pace())

    def connect(self) -> None:
        """Resolve the name; nothing goes out, so nobody knows whether somebody listens.

        Raises:
            ConnectError: If it cannot be resolved before the deadline.
        """
        self._socket = self._socket or self._open()

    def send(self, frames: Iterable[bytes]) -> None:
        """Send each frame as a datagram, no faster than the setting ``max_rate`` allows.

        Raises:
            ConnectError: If the name cannot be resolved before the deadline.
            MessageTooLongError: If a frame is larger than a datagram can be.
            SendError: If the kernel refuses one, the receiver's host refused one before, or a
                stop leaves no time for the rest.
        """
        self.connect()
        assert self._socket is not None  # noqa: S101  # connect() has seen to it
        frame = b""
        try:
            for frame in frames:
                self._keep_pace()
                self._socket.send(frame)
        except OSError as error:
            self.close()
            if error.errno == errno.EMSGSIZE:
                raise MessageTooLongError(len(frame), None, "RFC 5426 section 3.2") from error
            raise SendError(self._settings.destination, explain(error, self._settings)) from error
        if frame:
            _warn_of_datagrams(self._settings.destination)

    def confirm(self, *, watched: bool = False) -> bool:
        """Nothing more is known of a datagram than that it was written.

        Raises:
            SendError: If the receiver's host has answered that nobody listens there.
        """
        refused = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if self._socket else 0
        if refused:
            self.close()
            raise SendError(self._settings.destination, os.strerror(refused))
        return True

    def watch(self) -> None:
        """See whether a datagram was refused.

        Raises:
            ConnectError: If the name cannot be resolved before the deadline.
            SendError: If one was.
        """
        self.connect()
        self.confirm()

    def retire(self) -> None:
        """There is no connection that could be too old."""

    def close(self) -> None:
        """Give the socket back; a later ``send`` resolves the name anew."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _keep_pace(self) -> None:
        rate = self._settings.max_rate
        wait = self._pace.wait(time.monotonic(), rate) if rate else 0.0
        if not wait:
            return
        end = time.monotonic() + wait
        if self._stop.wait(wait):
            rest = max(0.0, end - time.monotonic())
            if rest > self._stop.left():
                raise TimeoutError("stopped")
            time.sleep(rest)

    def _open(self) -> socket.socket:
        deadline = Deadline(self._connect_seconds, self._stop)
        return open_first(self._settings, socket.SOCK_DGRAM, deadline, self._open_one)

    def _open_one(self, address: Address, deadline: Deadline) -> socket.socket:
        family, kind, protocol, _, where = address
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(deadline.remaining())
            sock.connect(where)  # so that the receiver's "port unreachable" is reported
        except BaseException:
            sock.close()
            raise
        return sock


def _warn_of_datagrams(destination: str) -> None:
    mine = object()
    if _warned.setdefault(destination, mine) is mine:  # one of many threads
        logger.warning(
            "%s: nobody can know whether a datagram arrives, so what is lost on the way counts as"
            " delivered; protocol tcp or tls loses nothing",
            destination,
        )


# Known to all transports of this process: they share a receiver's pace, and warn of it once.
_paces: dict[str, Pace] = {}
_warned: dict[str, object] = {}
