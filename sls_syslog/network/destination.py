"""``Destination``: all that this process knows about one receiver, or one list of receivers.

Shards and clients that send to the same receiver share its object. This module must not send.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from threading import Lock

from sls_syslog.network.addresses import AddressOrder
from sls_syslog.network.half_close import HalfCloseAnswer
from sls_syslog.network.outage import Outage
from sls_syslog.network.pace import Pace
from sls_syslog.network.resumption import Resumption
from sls_syslog.network.sentinel import Sentinels
from sls_syslog.network.timings import Timings
from sls_syslog.network.turns import Turns
from sls_syslog.safe_logger import SafeLogger

__all__ = ["Destination", "Destinations", "ReceiverInUse", "known_destinations"]

logger = SafeLogger("sls_syslog.network")


class ReceiverInUse:
    """The receiver of a list that is in use. Shards fail over one by one; one line reports it.

    Attributes:
        name: The receiver of the list that has worked last; empty if there is no list.
    """

    def __init__(self) -> None:
        self.name = ""
        self._lock = Lock()
        self._at = 0

    def mark(self, names: Sequence[str], at: int, failures: Mapping[int, str]) -> None:
        """Note that a receiver works.

        Args:
            names: The receivers, in order.
            at: The number of the one that works, from 0.
            failures: The errors of the receivers before it, by their numbers.
        """
        with self._lock:
            self.name = names[at]
            before = self._at
            failure = failures.get(before)
            if at == before or (at and not failure):
                return
            self._at = at
        if failure:
            logger.warning("%s; from now on %s takes the logs", failure, names[at])
        else:
            logger.info("%s takes the logs again, instead of %s", names[at], names[before])


class Destination:
    """What is known about one receiver, or about one list of receivers.

    Args:
        name: The receiver as ``protocol://host:port``, for log lines.
        timings: How long to wait for it.

    Attributes:
        name: The receiver, for log lines.
        timings: How long to wait for it.
        half_close: Whether it answers a half-close.
        sentinels: The silent connections to it.
        resumption: Its TLS session.
        addresses: In which order to try its addresses.
        outage: Since when it fails.
        pace: When the next datagram may be sent to it.
        turns: When the next window may be confirmed.
        in_use: Which of several receivers is in use.
    """

    def __init__(self, name: str, timings: Timings = Timings()) -> None:
        self.name = name
        self.timings = timings
        self.half_close = HalfCloseAnswer(name, timings)
        self.sentinels = Sentinels(timings)
        self.resumption = Resumption(timings)
        self.addresses = AddressOrder(timings)
        self.outage = Outage(name)
        self.pace = Pace()
        self.turns = Turns()
        self.in_use = ReceiverInUse()
        self._lock = Lock()
        self._warnings: set[str] = set()

    def warn_once(self, kind: str, text: str) -> None:
        """Log a warning, with the receiver's name before it, once for each kind."""
        with self._lock:
            if kind in self._warnings:
                return
            self._warnings.add(kind)
        logger.warning("%s: %s", self.name, text)


class Destinations:
    """The destinations of one process, by their names.

    What a client learns about a receiver outlives that client, because a program may make a new
    client for each batch.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._by_name: dict[str, Destination] = {}
        self._parents: list[dict[str, Destination]] = []

    def leave_to_parent(self) -> None:
        """Begin with nothing, in a process that was forked.

        The silent connections belong to the parent, and closing one would send something. Nor
        would a lock that another thread held be released here.
        """
        self._parents.append(self._by_name)
        self._lock, self._by_name = Lock(), {}

    def find(self, name: str, timings: Timings = Timings()) -> Destination:
        """Find the destination of this name; make it, with these timings, at the first call."""
        with self._lock:
            return self._by_name.setdefault(name, Destination(name, timings))

    def forget(self) -> None:
        """Forget all destinations; an owner of one keeps it."""
        with self._lock:
            self._by_name.clear()


known_destinations = Destinations()
"""The destinations of this process."""
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=known_destinations.leave_to_parent)
