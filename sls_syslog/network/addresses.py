"""``AddressOrder``: in which order to try the addresses of a name; remembers which of them failed.

The system's resolver sorts them, or shares out the load by changing the order. This module must
only move addresses that failed to the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, zip_longest
from typing import Any

from sls_syslog.network.resolver import Address
from sls_syslog.network.timings import Timings

__all__ = ["AddressOrder"]

# Most addresses to try for one connection: a name may have hundreds, and all may be away.
_MAX_TRIED = 8
# Longest time from one attempt to the next, in seconds (RFC 8305 section 8).
_LONGEST_STAGGER = 2.0
# Most failures to remember: the owner of the name decides how many addresses there are.
_MAX_FAILURES = 100


class AddressOrder:
    """The order for one receiver; all that connect to it share this object.

    Args:
        timings: How long an address that failed is tried last, and how long one may take to answer.
        clock: Returns seconds, counted from any origin.

    Attributes:
        stagger: Seconds from one attempt to the next.
    """

    def __init__(
        self, timings: Timings = Timings(), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = timings.avoid_address
        self._least_stagger = self.stagger = timings.connect_stagger
        self._clock = clock
        self._failed_at: dict[Any, float] = {}  # by socket address, the oldest first; never changed

    def arrange(self, found: Iterable[Address]) -> list[Address]:
        """Arrange addresses: those that failed come last, and IPv6 and IPv4 take turns.

        Args:
            found: What the resolver has found.

        Returns:
            At most eight of them, the best first.
        """
        addresses = list(dict.fromkeys(found))
        failed_at = self._list_failures()
        good = [address for address in addresses if address[4] not in failed_at]
        bad = [address for address in addresses if address[4] in failed_at]
        bad.sort(key=lambda address: failed_at[address[4]])
        return [*_take_turns(good), *bad][:_MAX_TRIED]

    def note_failures(self, addresses: Iterable[Address]) -> None:
        """Note that these addresses do not answer, or answer much later than another."""
        failed_at = self._list_failures()
        for address in addresses:
            failed_at.pop(address[4], None)
            failed_at[address[4]] = self._clock()
        self._failed_at = dict(list(failed_at.items())[-_MAX_FAILURES:])

    def note_round_trip(self, seconds: float) -> None:
        """Note how long connecting took: a receiver that is far away is not late."""
        self.stagger = min(max(self._least_stagger, 2 * seconds), _LONGEST_STAGGER)

    def _list_failures(self) -> dict[Any, float]:
        since = self._clock() - self._seconds
        return {where: at for where, at in self._failed_at.items() if at > since}


def _take_turns(addresses: Sequence[Address]) -> list[Address]:
    """Let the families take turns, so that one that leads nowhere is no obstacle (RFC 8305)."""
    families = dict.fromkeys(address[0] for address in addresses)
    groups = [[one for one in addresses if one[0] == family] for family in families]
    return [one for one in chain.from_iterable(zip_longest(*groups)) if one is not None]
