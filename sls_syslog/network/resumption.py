"""Keeps one TLS session of a receiver, and offers it to each new connection.

CPython 3.10 to 3.13 leaks about 6.5 KB each time that it reads ``SSLObject.session``. So this
module reads few sessions, and uses each one many times. It must not let a session be resumed under
another context or name than the one that verified the receiver, nor for long.
"""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass, replace
from threading import Lock

from sls_syslog.network.timings import Timings

__all__ = ["KeptSession", "Resumption"]

_MAX_REFUSALS = 2  # in a row, after which no session is offered
# Reads in the time for which a session is resumed, at most. The second one is for a receiver that
# has forgotten the first session: it was restarted, or keeps sessions for a shorter time.
_MAX_READS = 2


@dataclass(frozen=True, eq=False)
class KeptSession:
    """A session that may be resumed.

    Attributes:
        session: The session.
        context: The context that verified the receiver.
        name: The name that the receiver's certificate was verified to have.
        end: When to stop resuming it, in seconds of ``time.monotonic()``.
    """

    session: ssl.SSLSession
    context: ssl.SSLContext
    name: str | None
    end: float


class Resumption:
    """The TLS session with one receiver, which saves both sides most of a handshake.

    All connections to the receiver share it; any thread may use it.

    Args:
        timings: How long to resume sessions after a full handshake.
    """

    def __init__(self, timings: Timings = Timings()) -> None:
        self._seconds = timings.resumption
        self._lock = Lock()
        self._kept: KeptSession | None = None
        self._read_next_at = 0.0
        self._refusals = 0  # in a row
        # Whether a session was refused, and no connection without a session has worked since.
        self._is_resting = False

    def offer(self, context: ssl.SSLContext, name: str | None) -> KeptSession | None:
        """Return the session to begin a handshake with; ``None`` for a full handshake.

        Args:
            context: The context of the new connection.
            name: The name that it verifies.
        """
        kept = self._kept
        if kept is None or self._is_resting or time.monotonic() >= kept.end:
            return None
        return kept if kept.context is context and kept.name == name else None

    def keep(self, tls: ssl.SSLObject, name: str | None, verified_at: float) -> None:
        """Keep the session of a connection that has worked, if a new one is needed.

        Call this when everything that the receiver sent is decrypted: TLS 1.3 has no session
        before that.

        Args:
            tls: The connection, after a full handshake.
            name: The name that was verified.
            verified_at: When, in seconds of ``time.monotonic()``.
        """
        self._is_resting = False
        end = verified_at + self._seconds
        if not self._begin_to_read(end):
            return
        session = tls.session
        if session is not None and (session.has_ticket or session.id):
            self._kept = KeptSession(session, tls.context, name, end)

    def note_success(self, kept: KeptSession) -> None:
        """Note that a connection that resumed this session has worked."""
        if kept is self._kept:
            self._refusals = 0

    def note_refusal(self, kept: KeptSession) -> None:
        """Note that a connection ended at once when it resumed this session.

        One refusal may be chance: a receiver that was restarted just then. So the next connection
        begins without a session, and a later one offers it again. After two refusals in a row, no
        session is offered again. Several connections that end together are one refusal.
        """
        with self._lock:
            if kept is not self._kept:
                return
            self._refusals += 1
            self._is_resting = True
            self._kept = replace(kept) if self._refusals < _MAX_REFUSALS else None

    def give_up(self) -> None:
        """Never offer a session again: this receiver has answered one with an alert."""
        self._refusals, self._kept = _MAX_REFUSALS, None

    def _begin_to_read(self, end: float) -> bool:
        """Return whether to read a session now that can be resumed until ``end``."""
        now = time.monotonic()
        with self._lock:
            is_due = self._refusals < _MAX_REFUSALS and self._read_next_at <= now < end
            if is_due:
                self._read_next_at = now + self._seconds / _MAX_READS
        return is_due
