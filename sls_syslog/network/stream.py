"""Transports: where frames go, when a connection is made, what counts as delivered.

A transport takes frames (bytes that are ready to go) and knows nothing of syslog. It
connects when there is something to send, never waits beyond a deadline, and raises: no
error is swallowed, and every ``OSError`` becomes an error of this library here.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from sls_syslog.errors import (
    ConnectError,
    SendError,
    UnconfirmedError,
)
from sls_syslog.network.connection import (
    TELLS_ACKNOWLEDGED,
    Connection,
)
from sls_syslog.network.deadline import Deadline, Stop
from sls_syslog.network.dial import open_stream, translate_errors
from sls_syslog.network.explain import explain
from sls_syslog.network.half_close import UNANSWERED, Answer, half_closes
from sls_syslog.network.resumption import Resumption
from sls_syslog.settings.client import ClientSettings
from sls_syslog.throttle import throttle

__all__ = ["StreamTransport"]

logger = logging.getLogger("sls_syslog.network")

_Opened = TypeVar("_Opened")

# One system call carries so many bytes; larger ones gain nothing any more.
_CHUNK_BYTES = 256 * 1024
# How long a receiver's first answer to a half-close is waited for before one wonders.
_PATIENCE_SECONDS = 10.0
# How long a receiver with nothing to read may take to answer one.
_PROBE_SECONDS = 5.0
# For how long a receiver that took plain text counts as one that does: it may be set up anew.
_PROOF_SECONDS = 10.0


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
        self._resumption = Resumption()
        self._unconfirmed = False
        self._is_watched = False  # as the last confirmation was
        self._proven_until = -math.inf  # when to wonder again whether it reads what we send

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
            with self._closing_on_error(), self._becoming_send_errors():
                connection.send(chunk, Deadline(self._settings.timeout, self._stop))

    def confirm(self, *, watched: bool = False) -> bool:
        """Find out whether the receiver has all that was sent since the last confirmation.

        Args:
            watched: Make the next connection before this one ends.

        Returns:
            ``False`` when that cannot be known yet: the receiver leaves half-closes
            unanswered, and may hang or not (see ``halfclose``). Go on sending, ask again.

        Raises:
            UnconfirmedError: If it is not known to have everything; send it again.
        """
        self._is_watched = watched
        if not self._unconfirmed:
            return True
        level = self._level
        destination = self._settings.destination
        self._unconfirmed = False  # if this fails, whoever is told so sends it again
        if self._connection is None:
            raise UnconfirmedError(destination, level, "the connection has broken")
        try:
            with self._closing_on_error(), self._relieved(watched and level == "consumed"):
                self._hear_out(self._connection)
                confirmed = _CONFIRMATIONS[level](self, self._connection)
        except OSError as error:
            problem = explain(error, self._settings, proven=self._has_worked)
            raise UnconfirmedError(destination, level, problem) from error
        self._proven_until = time.monotonic() + _PROOF_SECONDS
        self._unconfirmed = not confirmed
        return confirmed

    def watch(self) -> None:
        """See whether the receiver is still there, connecting where there is no connection.

        Raises:
            ConnectError: If there is no connection before the deadline.
            SendError: If the receiver has ended the one that there was.
        """
        if self._connection is None:
            self.connect()
            return
        with self._closing_on_error(), self._becoming_send_errors():
            self._connection.drain()
        if not self._unconfirmed and self._is_spent():
            with self._relieved(True):
                self._disconnect()

    def retire(self) -> None:
        """End the connection if it has rested, or lived, for longer than the settings allow.

        What went over it is confirmed first; where that cannot be known yet, it stays.

        Raises:
            SendError: If the receiver is not known to have everything.
        """
        if not self._is_spent():
            return
        if self._unconfirmed and self._settings.confirm == "auto":
            # A half-close that is never answered would leave what was sent in doubt.
            half_closes.find_out(self._settings.destination, self._probe)
        try:
            confirmed = self.confirm(watched=self._is_watched)
        except UnconfirmedError as error:
            self._unconfirmed = True  # as when any other connection breaks
            problem = explain(error.__cause__ or error, self._settings)
            raise SendError(self._settings.destination, problem) from error
        if confirmed:
            self._disconnect()

    def close(self) -> None:
        """End the connection and forget what is unconfirmed; what the kernel has goes out."""
        self._unconfirmed = False
        self._disconnect()

    def _is_spent(self) -> bool:
        """Whether it is time for a new connection, before somebody on the way ends this one."""
        connection, settings = self._connection, self._settings
        return connection is not None and (
            0 < settings.idle_seconds < connection.idle()
            or 0 < settings.max_connection_seconds < connection.age()
        )

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
            self._doubt()
            raise

    def _becoming_send_errors(self) -> AbstractContextManager[None]:
        return translate_errors(SendError, self._settings, proven=self._has_worked)

    @property
    def _has_worked(self) -> bool:
        return self._proven_until > -math.inf

    def _doubt(self) -> None:
        """Somebody may have set the receiver up anew since it ended a connection."""
        self._proven_until = min(self._proven_until, 0.0)

    def _hear_out(self, connection: Connection) -> None:
        """Let a receiver that speaks TLS on this port end what it cannot read.

        It may do so just as one that has read everything does: syslog-ng.
        """
        if self._settings.protocol == "tcp" and time.monotonic() > self._proven_until:
            connection.hear_out(Deadline(self._settings.timeout, self._stop))

    @contextmanager
    def _relieved(self, wanted: bool) -> Iterator[None]:
        """If wanted, have a connection at hand that takes over should the one in use end."""
        relief = self._connect() if wanted else None
        try:
            yield
            if self._connection is None:
                self._connection, relief = relief, None
        finally:
            if relief is not None:
                relief.close()

    def _usable_connection(self) -> Connection:
        # The connection that there is, or a new one where that loses nothing.
        self.retire()
        if self._connection is not None and not self._unconfirmed:
            try:
                self._connection.drain()
            except OSError:
                self._disconnect()  # everything was confirmed: nothing is lost by its end
                self._doubt()
        if self._connection is None:
            if self._unconfirmed:
                raise SendError(
                    self._settings.destination,
                    "the connection has broken, and what went over it was not confirmed",
                )
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> Connection:
        deadline = Deadline(self._connect_seconds, self._stop)
        hear_out = self._level != "consumed"  # which would notice a refusal by itself
        try:
            return open_stream(self._settings, deadline, self._resumption, hear_out=hear_out)
        except ConnectError:
            self._doubt()
            raise

    # What each level of confirmation does.

    def _confirm_written(self, connection: Connection) -> bool:
        connection.drain()
        return True

    def _confirm_acked(self, connection: Connection) -> bool:
        if not TELLS_ACKNOWLEDGED and throttle.is_due("acked", self._settings.destination):
            logger.warning(
                "%s: this system does not say what was acknowledged: 'acked' is no more than"
                " 'written' here",
                self._settings.destination,
            )
        connection.await_acknowledgement(Deadline(self._settings.timeout, self._stop))
        self._try_half_closing_again()
        return True

    def _confirm_consumed(self, connection: Connection) -> bool:
        destination = self._settings.destination
        if self._settings.confirm == "auto" and half_closes.known(destination) is Answer.UNKNOWN:
            self._find_out(connection)
        if self._level == "consumed":
            connection.finish(Deadline(self._settings.timeout, self._stop))
            half_closes.answered(destination)
        elif self._level == "held" or connection.unacknowledged():
            raise TimeoutError(UNANSWERED)
        self._disconnect()
        return True

    def _find_out(self, connection: Connection) -> None:
        """Give a receiver of which nothing is known time to answer, and then look into it."""
        patience = min(self._settings.timeout, _PATIENCE_SECONDS)
        try:
            connection.finish(Deadline(patience, self._stop))
        except TimeoutError:
            if not self._stop.requested:
                half_closes.find_out(self._settings.destination, self._probe)

    def _confirm_held(self, connection: Connection) -> bool:
        """As ``acked``, but held back until the receiver is known to read what it gets.

        Raises:
            TimeoutError: If this system will never know.
        """
        self._confirm_acked(connection)
        read = connection.has_been_read()
        if read is None:  # nothing can ever be known, and all that is held would be kept
            raise TimeoutError(UNANSWERED)
        if read and self._level == "held":
            half_closes.found_alive(self._settings.destination, self._probe)
        return self._level == "acked"

    def _try_half_closing_again(self) -> None:
        if self._settings.confirm == "auto":
            half_closes.try_again(self._settings.destination, self._probe)

    def _probe(self) -> Answer:
        """What a second connection, over which nothing is sent, says to a half-close.

        A process that completes a TLS handshake is alive. Over plain TCP silence proves
        nothing: the kernel of one that hangs makes connections as well.
        """
        try:
            probe = self._connect()
        except ConnectError:
            return Answer.UNKNOWN
        try:
            probe.finish(Deadline(_PROBE_SECONDS, self._stop))
        except TimeoutError:
            if self._stop.requested:
                return Answer.UNKNOWN
            return Answer.NONE if self._settings.protocol == "tls" else Answer.DOUBTED
        except OSError:
            return Answer.UNKNOWN  # it says something, but not that it has read everything
        finally:
            probe.close()
        return Answer.GIVEN

    @property
    def _level(self) -> str:
        if self._settings.confirm != "auto":
            return self._settings.confirm
        return _AUTO[half_closes.known(self._settings.destination)]


_CONFIRMATIONS = {
    "written": StreamTransport._confirm_written,
    "acked": StreamTransport._confirm_acked,
    "held": StreamTransport._confirm_held,
    "consumed": StreamTransport._confirm_consumed,
}

# What ``auto`` means for a receiver, by what is known of it.
_AUTO = {
    Answer.UNKNOWN: "consumed",
    Answer.GIVEN: "consumed",
    Answer.DOUBTED: "held",
    Answer.NONE: "acked",
}


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
