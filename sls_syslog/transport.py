"""Transports: where frames go, when a connection is made, what counts as delivered.

A transport takes frames (bytes that are ready to go) and knows nothing of syslog. It
connects when there is something to send, never waits beyond a deadline, and raises: no
error is swallowed, and every ``OSError`` becomes an error of this library here.
"""

from __future__ import annotations

import errno
import logging
import math
import os
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from sls_syslog.connection import Address, Connection, resolve
from sls_syslog.deadline import Deadline, Stop
from sls_syslog.errors import (
    ConnectError,
    MessageTooLongError,
    SendError,
    SettingsError,
    TlsError,
    UnconfirmedError,
)
from sls_syslog.settings import ClientSettings

__all__ = ["StreamTransport", "Transport", "UdpTransport", "open_transport"]

logger = logging.getLogger(__name__)

_Opened = TypeVar("_Opened")

# One system call carries so many bytes; larger ones gain nothing any more.
_CHUNK_BYTES = 256 * 1024
# How long a receiver with nothing to read may take to answer a half-close.
_PROBE_SECONDS = 5.0


class Transport(Protocol):
    """What a client needs of the network."""

    def connect(self) -> None:
        """Make a connection where there is none."""
        ...

    def send(self, frames: Iterable[bytes]) -> None:
        """Hand every frame to the kernel, connecting first where there is no connection."""
        ...

    def confirm(self) -> None:
        """Return when the receiver is known to have all that was sent."""
        ...

    def close(self) -> None:
        """End the connection and forget what is unconfirmed; a later ``send`` connects anew."""
        ...


def open_transport(
    settings: ClientSettings, stop: Stop | None = None, connect_seconds: float = math.inf
) -> Transport:
    """The transport that ``settings`` ask for; nothing is connected yet.

    Args:
        settings: Where to and how.
        stop: Ends every wait when requested; ``None`` when nobody will.
        connect_seconds: The longest that connecting may take, where that is less than the
            setting ``timeout``.
    """
    kind = UdpTransport if settings.protocol == "udp" else StreamTransport
    return kind(settings, stop or Stop(), min(settings.timeout, connect_seconds))


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

    def connect(self) -> None:
        """Resolve the name; nothing goes out, so nobody knows whether somebody listens.

        Raises:
            ConnectError: If it cannot be resolved before the deadline.
        """
        self._socket = self._socket or self._open()

    def send(self, frames: Iterable[bytes]) -> None:
        """Send each frame as a datagram.

        Raises:
            ConnectError: If the name cannot be resolved before the deadline.
            MessageTooLongError: If a frame is larger than a datagram can be.
            SendError: If the kernel refuses one, or the receiver's host refused one before.
        """
        self.connect()
        assert self._socket is not None  # noqa: S101  # connect() has seen to it
        try:
            for frame in frames:
                self._socket.send(frame)
        except OSError as error:
            self.close()
            if error.errno == errno.EMSGSIZE:
                raise MessageTooLongError(len(frame), None, "RFC 5426 section 3.2") from error
            raise SendError(self._settings.destination, _reason(error)) from error

    def confirm(self) -> None:
        """Nothing more is known of a datagram than that it was written.

        Raises:
            SendError: If the receiver's host has answered that nobody listens there.
        """
        refused = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if self._socket else 0
        if refused:
            self.close()
            raise SendError(self._settings.destination, os.strerror(refused))

    def close(self) -> None:
        """Give the socket back; a later ``send`` resolves the name anew."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _open(self) -> socket.socket:
        deadline = Deadline(self._connect_seconds, self._stop)
        return _first_that_opens(self._settings, socket.SOCK_DGRAM, deadline, self._open_one)

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


class StreamTransport:
    """TCP, with or without TLS.

    Args:
        settings: Where to, trust, deadlines, and the level of confirmation.
        stop: Ends every wait when requested.
        connect_seconds: The deadline of resolving, connecting and handshake together.
    """

    def __init__(self, settings: ClientSettings, stop: Stop, connect_seconds: float) -> None:
        self._settings = settings
        self._stop = stop
        self._connect_seconds = connect_seconds
        self._connection: Connection | None = None
        self._unconfirmed = False

    def connect(self) -> None:
        """Make a connection where there is none.

        Raises:
            ConnectError: If there is none before the deadline.
            SendError: If one has broken, and what went over it was not confirmed.
        """
        self._usable_connection()

    def send(self, frames: Iterable[bytes]) -> None:
        """Send all frames; afterwards this machine's kernel has them, and nothing is confirmed.

        Raises:
            ConnectError: If there is no connection before the deadline.
            SendError: If the receiver closes, resets, or takes nothing for ``timeout`` seconds;
                everything since the last confirmation is then in doubt.
        """
        for chunk in _chunks(frames):
            connection = self._usable_connection()
            self._unconfirmed = True
            with self._closing_on_error(), _becoming(SendError, self._settings):
                connection.send(chunk, Deadline(self._settings.timeout, self._stop))

    def confirm(self) -> None:
        """Return when the receiver has all that was sent since the last confirmation.

        Raises:
            UnconfirmedError: If it is not known to have everything; send it again.
        """
        if not self._unconfirmed:
            return
        level = self._level
        destination = self._settings.destination
        self._unconfirmed = False  # if this fails, whoever is told so sends it again
        if self._connection is None:
            raise UnconfirmedError(destination, level, "the connection has broken")
        try:
            with self._closing_on_error():
                _CONFIRMATIONS[level](self, self._connection)
        except OSError as error:
            raise UnconfirmedError(destination, level, _reason(error)) from error

    def close(self) -> None:
        """End the connection and forget what is unconfirmed; what the kernel has goes out."""
        self._unconfirmed = False
        self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @contextmanager
    def _closing_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._disconnect()
            raise

    def _usable_connection(self) -> Connection:
        # The connection that there is, or a new one where that loses nothing.
        if self._connection is not None and not self._unconfirmed:
            try:
                self._connection.drain()
            except OSError:
                self._disconnect()  # everything was confirmed: nothing is lost by its end
        if self._connection is None:
            if self._unconfirmed:
                raise SendError(
                    self._settings.destination,
                    "the connection has broken, and what went over it was not confirmed",
                )
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> Connection:
        settings = self._settings
        deadline = Deadline(self._connect_seconds, self._stop)
        try:
            tls = settings.tls_context() if settings.protocol == "tls" else None
        except SettingsError as error:  # right when the program began, and not any more
            raise TlsError(settings.destination, str(error)) from error
        name = settings.server_hostname or settings.host
        return _first_that_opens(
            settings,
            socket.SOCK_STREAM,
            deadline,
            lambda address, share: Connection(address, share, tls, name),
        )

    # What each value of the setting ``confirm`` does.

    def _confirm_written(self, connection: Connection) -> None:
        connection.drain()

    def _confirm_acked(self, connection: Connection) -> None:
        connection.await_acknowledgement(Deadline(self._settings.timeout, self._stop))

    def _confirm_consumed(self, connection: Connection) -> None:
        try:
            connection.finish(Deadline(self._settings.timeout, self._stop))
        except TimeoutError:
            self._doubt_half_closing()
            raise
        _answers_half_close.add(self._settings.destination)
        self._disconnect()

    def _doubt_half_closing(self) -> None:
        """Use ``acked`` from now on, if the receiver provably cannot do more.

        The proof is a second connection over which it is sent nothing: a process that
        completes a TLS handshake there is alive, and if it then leaves a half-close unanswered
        it will do so always. Over plain TCP there is no such proof, since a kernel answers for
        a process that hangs; and whoever has answered once can answer.
        """
        settings = self._settings
        unproven = settings.protocol != "tls" or settings.destination in _answers_half_close
        if settings.confirm != "auto" or unproven or self._stop.requested:
            return
        try:
            probe = self._connect()
        except ConnectError:
            return
        try:
            probe.finish(Deadline(_PROBE_SECONDS, self._stop))
        except TimeoutError:
            if not self._stop.requested:
                self._fall_back()
        except OSError:
            pass  # it says something: that is an answer
        finally:
            probe.close()

    def _fall_back(self) -> None:
        if self._settings.destination not in _leaves_half_close_unanswered:
            _leaves_half_close_unanswered.add(self._settings.destination)
            logger.warning(
                "%s does not answer a half-close: from now on a message counts as delivered when"
                " the receiver's kernel has acknowledged it (confirm='acked')",
                self._settings.destination,
            )

    @property
    def _level(self) -> str:
        if self._settings.confirm != "auto":
            return self._settings.confirm
        unable = self._settings.destination in _leaves_half_close_unanswered
        return "acked" if unable else "consumed"


# Known to all connections of this process: a receiver is found out once.
_answers_half_close: set[str] = set()
_leaves_half_close_unanswered: set[str] = set()

_CONFIRMATIONS = {
    "written": StreamTransport._confirm_written,
    "acked": StreamTransport._confirm_acked,
    "consumed": StreamTransport._confirm_consumed,
}


def _first_that_opens(
    settings: ClientSettings,
    kind: int,
    deadline: Deadline,
    open_one: Callable[[Address, Deadline], _Opened],
) -> _Opened:
    # Looks the receiver up and tries each of its addresses, all within one deadline.
    failures: list[tuple[Address, OSError]] = []
    with _becoming(ConnectError, settings):
        addresses = resolve(settings.host, settings.port, kind, deadline)
    for number, address in enumerate(addresses):
        try:
            # Its share of the time: an address that drops packets must not take the others'.
            return open_one(address, deadline.share(len(addresses) - number))
        except OSError as error:
            failures.append((address, error))
    distrusted = any(isinstance(error, ssl.SSLError) for _, error in failures)
    problems = "; ".join(f"{address[4][0]}: {_reason(error)}" for address, error in failures)
    raise (TlsError if distrusted else ConnectError)(settings.destination, problems)


def _chunks(frames: Iterable[bytes]) -> Iterator[bytes]:
    """The frames joined to pieces that are worth a system call each."""
    piece: list[bytes] = []
    size = 0
    for frame in frames:
        piece.append(frame)
        size += len(frame)
        if size >= _CHUNK_BYTES:
            yield b"".join(piece)
            piece, size = [], 0
    if piece:
        yield b"".join(piece)


@contextmanager
def _becoming(
    kind: type[ConnectError] | type[SendError], settings: ClientSettings
) -> Iterator[None]:
    """The operating system's errors become this library's."""
    try:
        yield
    except OSError as error:
        raise kind(settings.destination, _reason(error)) from error


def _reason(error: BaseException) -> str:
    """What happened, without the error number."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the receiver's certificate is not trusted: {error.verify_message}"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text)
