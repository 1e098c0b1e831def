"""Resolves a name to addresses, within a deadline."""

from __future__ import annotations

import socket
from threading import Thread
from typing import Any

from sls_syslog.network.deadline import Deadline

__all__ = ["Address", "resolve"]

Address = tuple[int, int, int, str, Any]
"""One answer of ``socket.getaddrinfo``."""


def resolve(host: str, port: int, kind: int, deadline: Deadline) -> list[Address]:
    """Look up all addresses of a name; nothing is cached.

    The system's resolver has no deadline, so it runs in a thread of its own. If it takes too long,
    this function raises and the thread goes on alone.

    Args:
        host: Name or address of the receiver.
        port: Port of the receiver.
        kind: ``socket.SOCK_STREAM`` or ``socket.SOCK_DGRAM``.
        deadline: When to give up.

    Raises:
        OSError: If the name has no address, or the deadline passes.
    """
    outcome: list[Any] = []

    def look_up() -> None:
        try:
            outcome.append(socket.getaddrinfo(host, port, type=kind))
        except (OSError, UnicodeError) as error:
            outcome.append(error)

    resolver = Thread(target=look_up, name=f"resolve-{host}", daemon=True)
    resolver.start()
    while resolver.is_alive():
        resolver.join(deadline.take_slice())
    (found,) = outcome
    if isinstance(found, OSError):
        raise found
    if isinstance(found, UnicodeError):
        raise OSError(f"not a name that can be looked up: {found}")
    return list(found)
