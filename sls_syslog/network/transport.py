"""``Transport``: what clients and deliveries need of the network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from sls_syslog.network.confirmation import State
from sls_syslog.network.destination import Destination

__all__ = ["Transport"]


class Transport(Protocol):
    """A way to a receiver: it takes frames, which are bytes that are ready to go."""

    @property
    def state(self) -> State:
        """Whether there is a connection, and whether what was sent is confirmed."""
        ...

    @property
    def destination(self) -> Destination:
        """What this process knows of the receiver, or of the receivers."""
        ...

    def connect(self) -> None:
        """Make a connection where there is none."""
        ...

    def send(self, frames: Iterable[bytes]) -> None:
        """Hand every frame to the kernel, connecting first where there is no connection."""
        ...

    def confirm(self, *, watched: bool = False) -> bool:
        """Return ``True`` when the receiver is known to have all that was sent.

        ``False`` means that it cannot be known yet. The connection stands and what went over it
        stays unconfirmed. There is nothing to send again; a later call may know more.

        Args:
            watched: Keep a connection open at all times, so that its end reveals a crash.
        """
        ...

    def watch(self) -> None:
        """See whether the receiver is still there, connecting where there is no connection."""
        ...

    def retire(self) -> None:
        """End a connection that has rested or lived for too long, if that loses nothing."""
        ...

    def close(self) -> None:
        """End the connection and forget what is unconfirmed; a later ``send`` connects again."""
        ...
