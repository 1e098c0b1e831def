"""``InheritedTransport``: what a process that was forked has of a transport of its parent.

Both processes have the same connection, so a byte that the child sent would be in the middle of
what the parent sends. This module must not touch that connection, not even to close it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from sls_syslog.errors import SendError, UnconfirmedError
from sls_syslog.network.confirmation import State
from sls_syslog.network.destination import Destination
from sls_syslog.network.transport import Transport
from sls_syslog.network.udp import UdpTransport

__all__ = ["InheritedTransport"]


class InheritedTransport:
    """Tells the child once that messages of its parent are in doubt; then it connects itself.

    Args:
        parents: The transport of the parent; it is kept, because its end would send something.
        own: A transport that was made in this process.
    """

    def __init__(self, parents: Transport, own: Transport) -> None:
        self._parents = parents
        self._own = own
        # Over UDP, doubt means only that a refusal may come, which the parent is told.
        is_in_doubt = parents.state in {State.IN_DOUBT, State.BROKEN}
        self._is_in_doubt = is_in_doubt and not isinstance(parents, UdpTransport)

    @property
    def state(self) -> State:
        """The state of the child's own transport; ``BROKEN`` while the parent's is in doubt."""
        return State.BROKEN if self._is_in_doubt else self._own.state

    @property
    def destination(self) -> Destination:
        """What this process knows about the receiver."""
        return self._own.destination

    @property
    def level(self) -> str:
        """The level of confirmation in use."""
        return self._own.level

    @property
    def acknowledged(self) -> int:
        """How many frames need not be sent again."""
        return 0 if self._is_in_doubt else self._own.acknowledged

    @property
    def trail(self) -> float:
        """Seconds for which the connection must stand after a confirmation."""
        return self._own.trail

    def connect(self) -> None:
        """Connect.

        Raises:
            SendError: If messages of the parent are in doubt.
        """
        self._check()
        self._own.connect()

    def send(self, frames: Iterable[bytes]) -> None:
        """Send frames.

        Raises:
            SendError: If messages of the parent are in doubt.
        """
        self._check()
        self._own.send(frames)

    def confirm(self, *, watched: bool = False) -> bool:
        """Confirm what this process has sent.

        Raises:
            UnconfirmedError: Once, if messages of the parent are in doubt.
        """
        if self._is_in_doubt:
            self._is_in_doubt = False
            raise UnconfirmedError(self.destination.name, self.level, _describe_fork())
        return self._own.confirm(watched=watched)

    def watch(self) -> None:
        """Check that the receiver is there.

        Raises:
            SendError: If messages of the parent are in doubt.
        """
        self._check()
        self._own.watch()

    def retire(self) -> None:
        """Close a connection that is too old.

        Raises:
            SendError: If messages of the parent are in doubt.
        """
        self._check()
        self._own.retire()

    def close(self) -> None:
        """Close this process's own connection; the parent's stays open."""
        self._is_in_doubt = False
        self._own.close()

    def _check(self) -> None:
        if self._is_in_doubt:
            raise SendError(self.destination.name, _describe_fork())


def _describe_fork() -> str:
    return (
        f"this client was used before os.fork(), and has messages that are not confirmed; process"
        f" {os.getppid()} can confirm them, and process {os.getpid()} cannot: make a client in each"
        " process, or confirm before the fork"
    )
