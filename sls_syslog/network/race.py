"""Connects to the first of several addresses that answers (RFC 8305, "Happy Eyeballs").

It must not speak TLS, nor remember anything. Every error is an ``OSError``.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Sequence

from sls_syslog.network.deadline import Deadline
from sls_syslog.network.resolver import Address
from sls_syslog.network.tcp import WRITE, TcpSocket

__all__ = ["Failures", "connect_first"]

Failures = list[tuple[Address, OSError]]
"""The addresses that failed, and why."""


def connect_first(
    addresses: Sequence[Address], deadline: Deadline, stagger: float, failures: Failures
) -> TcpSocket:
    """Connect to the first address that answers.

    The next address is tried when one fails, and also if one has not answered after a moment;
    the earlier attempts continue.

    Args:
        addresses: The addresses, the best first; at least one.
        deadline: When to give up all of them.
        stagger: Seconds from one attempt to the next.
        failures: Gets the addresses that fail.

    Raises:
        OSError: If none answers: the last error.
    """
    race = _Race(addresses, stagger, failures)
    try:
        while race.winner is None:
            race.advance(deadline)
    finally:
        race.end()
    return race.winner


class _Race:
    def __init__(self, addresses: Sequence[Address], stagger: float, failures: Failures) -> None:
        self.winner: TcpSocket | None = None
        self._waiting = list(addresses)
        self._stagger = stagger
        self._failures = failures
        self._attempts: list[TcpSocket] = []
        self._next_at = 0.0
        self._selector = selectors.DefaultSelector()

    def advance(self, deadline: Deadline) -> None:
        """Begin an attempt if that is due; then wait until an attempt ends, or the next is due.

        Raises:
            OSError: If no attempt is left.
            TimeoutError: If the deadline passes.
        """
        now = time.monotonic()
        if self._waiting and (not self._attempts or now >= self._next_at):
            self._next_at = now + self._stagger
            self._begin(self._waiting.pop(0))
            return
        if not self._attempts:
            raise self._failures[-1][1]
        try:
            seconds = deadline.take_slice()
        except TimeoutError as error:
            self._failures += [(attempt.address, error) for attempt in self._attempts]
            raise
        if self._waiting:
            seconds = min(seconds, self._next_at - now)
        for key, _ in self._selector.select(max(seconds, 0.0)):
            self._judge(key.data)

    def end(self) -> None:
        """Close all but the winner."""
        self._selector.close()
        for attempt in self._attempts:
            if attempt is not self.winner:
                attempt.close()

    def _begin(self, address: Address) -> None:
        try:
            attempt = TcpSocket(address)
        except OSError as error:
            self._failures.append((address, error))
            return
        self._attempts.append(attempt)
        self._selector.register(attempt, WRITE, attempt)

    def _judge(self, attempt: TcpSocket) -> None:
        """Note how an attempt has ended."""
        if self.winner is not None:
            return
        try:
            attempt.complete()
        except OSError as error:
            self._selector.unregister(attempt)
            self._attempts.remove(attempt)
            attempt.close()
            self._failures.append((attempt.address, error))
            self._next_at = 0.0
        else:
            self.winner = attempt
