"""Resolves a name to addresses, within a deadline."""

from __future__ import annotations

import copy
import os
import socket
from threading import Lock, Thread
from typing import Any

from sls_syslog.network.deadline import Deadline

__all__ = ["Address", "is_lookup_error", "is_unknown_name", "resolve"]

Address = tuple[int, int, int, str, Any]
"""One answer of ``socket.getaddrinfo``."""


class _LookUp(Thread):
    """One look-up by the system's resolver, which has no deadline.

    Attributes:
        found: The addresses; ``None`` if there is an error, or no answer yet.
        error: What the resolver has raised.
    """

    def __init__(self, host: str, port: int, kind: int) -> None:
        super().__init__(name=f"resolve-{host}", daemon=True)
        self._query = host, port, kind
        self.found: list[Address] | None = None
        self.error: OSError | None = None

    def run(self) -> None:
        host, port, kind = self._query
        try:
            self.found = list(socket.getaddrinfo(host, port, type=kind))
        except OSError as error:
            self.error = error
        except UnicodeError as error:
            self.error = OSError(f"not a name that can be looked up: {error}")
        finally:
            _look_ups.remove(self._query, self)


class _LookUps:
    """The look-ups in flight: one for each name, which all that ask for it share.

    A resolver that hangs would otherwise get one thread more with each attempt of each shard.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Forget all: after a fork, none of their threads exists in the child."""
        self._lock = Lock()
        self._in_flight: dict[tuple[str, int, int], _LookUp] = {}

    def join(self, host: str, port: int, kind: int) -> _LookUp:
        """Return the look-up in flight; begin one if there is none."""
        query = host, port, kind
        with self._lock:
            look_up = self._in_flight.get(query)
            if look_up is None:
                look_up = _LookUp(*query)
                look_up.start()
                self._in_flight[query] = look_up
        return look_up

    def remove(self, query: tuple[str, int, int], look_up: _LookUp) -> None:
        """Remove a look-up that has ended."""
        with self._lock:
            if self._in_flight.get(query) is look_up:
                del self._in_flight[query]


_look_ups = _LookUps()
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_look_ups.forget)


def resolve(host: str, port: int, kind: int, deadline: Deadline) -> list[Address]:
    """Look up all addresses of a name; nothing is cached.

    The system's resolver has no deadline, so it runs in a thread of its own. If it takes too long,
    this function raises and the thread continues alone. Other callers for the same name wait for
    the same answer.

    Args:
        host: Name or address of the receiver.
        port: Port of the receiver.
        kind: ``socket.SOCK_STREAM`` or ``socket.SOCK_DGRAM``.
        deadline: When to give up.

    Raises:
        OSError: If the name has no address, or the deadline passes.
    """
    look_up = _look_ups.join(host, port, kind)
    while look_up.is_alive():
        look_up.join(deadline.take_slice())
    if look_up.found is None:
        # A copy: a traceback must not grow with each that waited for the same answer.
        error = copy.copy(look_up.error or OSError("the system's resolver has failed"))
        raise error
    return list(look_up.found)


def is_lookup_error(error: BaseException) -> bool:
    """Return whether an error comes from looking up a name."""
    return isinstance(error, socket.gaierror)


def is_unknown_name(error: BaseException) -> bool:
    """Return whether the name does not exist, in contrast to DNS that does not answer."""
    return isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN
