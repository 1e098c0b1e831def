"""The TLS session that one connection leaves to the next.

A session must be resumed only under the context that verified the receiver, and not for long.
"""

from __future__ import annotations

import ssl
import time

__all__ = ["Resumption"]

# Servers renew the session with each resumption, so that it would never end. A resumed handshake
# looks at no certificate; RFC 8446 section 4.6.1 asks for such a limit.
_RESUMPTION_SECONDS = 600.0


class Resumption:
    """The last TLS session with one receiver, which spares both sides most of a handshake.

    A session is offered once, to the receiver that gave it, under the context that verified it.
    For one thread, one receiver and one name to verify.
    """

    def __init__(self) -> None:
        self._session: ssl.SSLSession | None = None
        self._context: ssl.SSLContext | None = None
        self._end = 0.0
        self._wanted = True

    def offer(self, context: ssl.SSLContext) -> ssl.SSLSession | None:
        """What to begin a handshake with under ``context``; ``None`` for a full one."""
        session, self._session = self._session, None
        return session if context is self._context and time.monotonic() < self._end else None

    def begin(self, tls: ssl.SSLSocket) -> None:
        """Take note of a handshake: a full one has just verified the receiver's certificate."""
        if not tls.session_reused:
            self._context = tls.context
            self._end = time.monotonic() + _RESUMPTION_SECONDS

    def keep(self, tls: ssl.SSLSocket) -> None:
        """Keep what there is of a session; TLS 1.3 has it once the server's tickets are read."""
        if self._wanted and tls.context is self._context:
            self._session = tls.session or self._session

    def give_up(self) -> None:
        """Offer nothing any more: this receiver takes no session."""
        self._wanted, self._session = False, None
