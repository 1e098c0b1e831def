"""``Transport``: what a client needs of the network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

__all__ = ["Transport"]


class Transport(Protocol):
    """What a client needs of the network."""

    def connect(self) -> None:
        """Make a connection where there is none."""
        ...

    def send(self, frames: Iterable[bytes]) -> None:
        """Hand every frame to the kernel, connecting first where there is no connection."""
        ...

    def confirm(self, *, watched: bool = False) -> bool:
        """Return ``True`` when the receiver is known to have all that was sent.

        ``False``: it cannot be known yet. The connection stands and what went over it stays
        unconfirmed, so there is nothing to send again; a later call may know more.

        Args:
            watched: Let no moment pass without a connection, whose end would tell that the
                receiver has died.
        """
        ...

    def watch(self) -> None:
        """See whether the receiver is still there, connecting where there is no connection."""
        ...

    def retire(self) -> None:
        """End a connection that has rested or lived for too long, if that loses nothing."""
        ...

    def close(self) -> None:
        """End the connection and forget what is unconfirmed; a later ``send`` connects anew."""
        ...
