"""Keeps the TLS session of one connection for the next connection.

A session must be resumed only under the context that verified the receiver, and not for long.
"""

from __future__ import annotations

import ssl
import time

from sls_syslog.network.timings import Timings

__all__ = ["Resumption"]

_MAX_REFUSALS = 2  # in a row, after which no session is offered


class Resumption:
    """The last TLS session with one receiver, which saves both sides most of a handshake.

    It is offered once, to the receiver that gave it, under the context that verified that receiver.
    Use it in one thread, for one receiver and one name to verify.

    Args:
        timings: How long to resume sessions after a full handshake.
    """

    def __init__(self, timings: Timings = Timings()) -> None:
        self._seconds = timings.resumption
        self._session: ssl.SSLSession | None = None
        self._context: ssl.SSLContext | None = None
        self._end = 0.0
        self._refusals = 0  # in a row

    def offer(self, context: ssl.SSLContext) -> ssl.SSLSession | None:
        """Return the session to begin a handshake with; ``None`` for a full handshake."""
        session, self._session = self._session, None
        return session if context is self._context and time.monotonic() < self._end else None

    def begin(self, tls: ssl.SSLObject) -> None:
        """Note that a handshake has worked; a full one has verified the certificate."""
        if not tls.session_reused:
            self._context = tls.context
            self._end = time.monotonic() + self._seconds

    def keep(self, tls: ssl.SSLObject) -> None:
        """Keep the session; TLS 1.3 has one when the server's tickets are read."""
        if tls.session_reused:
            self._refusals = 0
        if self._refusals < _MAX_REFUSALS and tls.context is self._context:
            self._session = tls.session or self._session

    def note_refusal(self) -> None:
        """Note that a resumed connection ended at once; after two in a row, offer no session again.

        One may be chance: a receiver that was restarted just then.
        """
        self._refusals += 1
        self._session = None

    def give_up(self) -> None:
        """Never offer a session again: this receiver has answered one with an alert."""
        self._refusals, self._session = _MAX_REFUSALS, None
