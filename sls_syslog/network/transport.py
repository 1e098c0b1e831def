"""``Transport``: the interface through which clients and deliveries use the network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from sls_syslog.network.confirmation import State
from sls_syslog.network.destination import Destination

__all__ = ["Transport"]


class Transport(Protocol):
    """Sends frames to a receiver. A frame is a message as bytes, ready to send."""

    @property
    def state(self) -> State:
        """Whether there is a connection, and whether what was sent is confirmed."""
        ...

    @property
    def destination(self) -> Destination:
        """What this process knows about the receiver, or about the receivers."""
        ...

    @property
    def level(self) -> str:
        """The level of confirmation in use, from what is known about the receiver."""
        ...

    @property
    def acknowledged(self) -> int:
        """How many of the first frames since the last confirmation need not be sent again.

        After an error, and before ``close``. A receiver that confirms only everything has 0.
        """
        ...

    @property
    def trail(self) -> float:
        """Seconds for which the connection must stand after a confirmation; mostly 0.

        Until then what was confirmed is not safe: keep the checkpoint before it, and ``watch``.
        """
        ...

    def connect(self) -> None:
        """Connect, unless there is a connection."""
        ...

    def send(self, frames: Iterable[bytes]) -> None:
        """Connect if there is no connection, then hand every frame to the kernel."""
        ...

    def confirm(self, *, watched: bool = False) -> bool:
        """Return ``True`` if the receiver has everything that was sent.

        ``False`` means that this is not known yet. The connection stays open, and what was sent
        stays unconfirmed. Do not send it again; call ``confirm`` again later.

        Args:
            watched: Keep a connection open at all times, so that its end reveals a crash.
        """
        ...

    def watch(self) -> None:
        """Check that the receiver is still there; connect if there is no connection."""
        ...

    def retire(self) -> None:
        """Close a connection that was idle or open for too long, if that loses nothing."""
        ...

    def close(self) -> None:
        """Close the connection and forget what is unconfirmed; a later ``send`` connects again."""
        ...
