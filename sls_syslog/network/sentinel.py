"""``Sentinels``: silent connections to one receiver, shared by all that send to it.

Nothing is sent over a silent connection, so it ends only if the receiver ends it, or a proxy
before it. A proxy that ends connections because its receiver is away ends this one too.
That shows what the other ends were worth. This module must not judge: ``evidence.py`` does.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from threading import Lock

from sls_syslog.errors import TransportError
from sls_syslog.network.connection import Connection
from sls_syslog.network.resolver import Address
from sls_syslog.network.timings import Timings

__all__ = ["Sentinel", "Sentinels"]

# Refusals in a row after which the receiver takes none: it may have gone away just now.
_REFUSALS = 3
# Least age, in seconds, at which the end of a silent connection may be the end of an idle one.
_LEAST_IDLE = 1.0
# How much two such ages may differ.
_TOLERANCE = 1.2


class _IdleLimit:
    """Learns whether silent connections end at a certain age, because they are idle.

    Attributes:
        limit: Seconds from which on a silent connection may end for that reason.
    """

    def __init__(self) -> None:
        self.limit = math.inf
        self._ended_at_age = math.inf

    def note_end(self, age: float) -> None:
        """Note that a silent connection was ended; the second one of about this age is proof."""
        if age < _LEAST_IDLE:
            return
        before, self._ended_at_age = self._ended_at_age, age
        if before / _TOLERANCE < age < before * _TOLERANCE:
            self.limit = min(before, age) / 2

    def note_standing(self, age: float) -> None:
        """Note that a silent connection of this age is still open."""
        if age > self._ended_at_age * _TOLERANCE:
            self.limit = self._ended_at_age = math.inf


class _SilentConnection:
    """A silent connection, and how many share it; the last one to leave closes it."""

    def __init__(self, connection: Connection, idle: _IdleLimit) -> None:
        self.address = connection.address
        self._connection = connection
        self._idle = idle
        self._lock = Lock()
        self._sharers = 1
        self._has_ended = False

    @property
    def age(self) -> float:
        """Seconds since it was made."""
        return self._connection.age

    @property
    def is_shared(self) -> bool:
        """Whether several share it."""
        return self._sharers > 1

    def join(self) -> bool:
        """Share it; return whether that is possible."""
        with self._lock:
            can_join = self._sharers > 0 and self._stands()
            self._sharers += can_join
        return can_join

    def leave(self) -> None:
        """Share it no longer."""
        with self._lock:
            self._sharers -= 1
            if self._sharers == 0:
                self._connection.close()

    def take_over(self) -> Connection | None:
        """Take the connection, if it is still open and nobody else shares it."""
        with self._lock:
            if self._sharers > 1 or not self._stands():
                return None
            self._sharers = 0
            return self._connection

    def end(self) -> None:
        """End it for all."""
        with self._lock:
            self._has_ended = True
            self._connection.close()

    def stands(self) -> bool:
        """Whether it has not ended."""
        with self._lock:
            return self._stands()

    def _stands(self) -> bool:
        if self._has_ended:
            return False
        try:
            self._connection.drain()
        except OSError:
            self._has_ended = True
            self._idle.note_end(self.age)
            return False
        self._idle.note_standing(self.age)
        return True


class Sentinel:
    """The silent connection beside one connection that carries logs.

    Args:
        silent: The silent connection; joined already.
        sentinels: Where it comes from.
        is_twin: Whether it was opened just after the other connection. Else it is a little older.
    """

    def __init__(self, silent: _SilentConnection, sentinels: Sentinels, *, is_twin: bool) -> None:
        self.is_twin = is_twin
        self._silent: _SilentConnection | None = silent
        self._sentinels = sentinels

    @property
    def is_old(self) -> bool:
        """Whether it may end because it is idle, so that its end would say nothing."""
        return self._silent is None or self._silent.age >= self._sentinels.idle.limit

    def stands(self) -> bool:
        """Whether nobody has ended it."""
        return self._silent is not None and self._silent.stands()

    def give_way(self) -> bool:
        """End it, in case the receiver serves one connection at a time, and waits for its end.

        Returns:
            ``False`` if it stays, because giving way did not help before.
        """
        if self._silent is None or not self._sentinels.begin_to_give_way():
            return False
        self._silent.end()
        return True

    @property
    def is_shared(self) -> bool:
        """Whether others share it."""
        return self._silent is not None and self._silent.is_shared

    def take_over(self, idle_seconds: float) -> Connection | None:
        """Take the silent connection, to send over it; ``None`` if it is shared, or has ended.

        So there is only one connection more than without sentinels, and each is some time old when
        it is first used. And a load balancer that takes turns gives logs to each of its receivers.

        Args:
            idle_seconds: Age at which it is idle for too long; 0 for none.
        """
        silent, self._silent = self._silent, None
        if silent is None:
            return None
        is_old = silent.age >= min(idle_seconds or math.inf, self._sentinels.idle.limit)
        connection = None if is_old else silent.take_over()
        if connection is None:
            silent.leave()
        return connection

    def leave(self) -> None:
        """Use it no longer; calling this again changes nothing."""
        silent, self._silent = self._silent, None
        if silent is not None:
            silent.leave()


class Sentinels:
    """The silent connections to one receiver. Few are open at a time, however many share them.

    Args:
        timings: How long to share one, and how long to do without.
        clock: Returns seconds, counted from any origin.

    Attributes:
        idle: When they end because they are idle.
    """

    def __init__(
        self, timings: Timings = Timings(), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.idle = _IdleLimit()
        self._timings = timings
        self._clock = clock
        self._lock = Lock()
        self._current: _SilentConnection | None = None
        self._refusals = 0  # in a row
        self._absent_until = self._alone_until = self._stay_until = -math.inf

    def join(self, address: Address, open_silent: Callable[[], Connection]) -> Sentinel | None:
        """Get a sentinel for a connection that was just made.

        Args:
            address: Where that connection leads to.
            open_silent: Opens a silent connection to the same address.

        Returns:
            ``None`` if the receiver takes no second connection, or must not get one.
        """
        if self._clock() < self._alone_until:
            return self._open(open_silent)  # without the lock: nobody waits for another's
        with self._lock:  # also while it is opened: one is enough for all
            return self._share(address) or self._open(open_silent)

    def _share(self, address: Address) -> Sentinel | None:
        current = self._current
        if current is None or current.address != address or not self._may_share(current):
            return None
        return Sentinel(current, self, is_twin=False) if current.join() else None

    def _may_share(self, silent: _SilentConnection) -> bool:
        is_young = silent.age < self._timings.sentinel_share
        return is_young and self._clock() >= self._absent_until

    def _open(self, open_silent: Callable[[], Connection]) -> Sentinel | None:
        if self._clock() < self._absent_until:
            return None
        try:
            silent = _SilentConnection(open_silent(), self.idle)
        except TransportError:
            self._refusals += 1
            if self._refusals >= _REFUSALS:
                self._do_without()
            return None
        self._refusals = 0
        self._current = silent
        return Sentinel(silent, self, is_twin=True)

    def renew(self) -> None:
        """Let no other connection share the current one: what it shows may be out of date."""
        self._current = None

    def share_none(self) -> None:
        """Open one for each connection for a while, which stays, because answers take long."""
        self._alone_until = self._clock() + self._timings.without_sentinel
        self.stop_giving_way()

    def begin_to_give_way(self) -> bool:
        """Return whether a sentinel may give way; if so, there is none for a while."""
        may = self._clock() >= self._stay_until
        if may:
            self._do_without()
        return may

    def stop_giving_way(self) -> None:
        """Let sentinels stay from now on, for a while: giving way did not help."""
        self._stay_until = self._clock() + self._timings.without_sentinel
        self._absent_until = -math.inf

    def _do_without(self) -> None:
        self._absent_until = self._clock() + self._timings.without_sentinel
