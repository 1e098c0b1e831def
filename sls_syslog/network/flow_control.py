"""``FlowControl``: whether a receiver's process reads, by what TCP says of its window.

It asks the kernel about a socket that others own, and does nothing with it.
"""

from __future__ import annotations

import socket
import struct
import sys

__all__ = ["FlowControl"]


class FlowControl:
    """What a peer's window says of its process.

    The kernel of a process that does not read takes what its receive buffer holds, and then
    closes the window. Measured on Linux 6.18: about twice the window that it advertised at
    first, 0.1 MB by default and 0.4 MB where a program sets the largest buffer that Linux
    allows it by default; only reading makes it more. So much more acknowledged than that, and
    it has been read.
    """

    _LOOKS = 8  # at what it advertises at first
    _TIMES = 4
    _BYTES = 1024 * 1024
    # struct tcp_info (linux/tcp.h): tcpi_bytes_acked since Linux 4.1, tcpi_snd_wnd since 5.4
    _INFO = struct.Struct("@120xQ100xI")

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._windows: list[int] = []

    def look(self) -> None:
        """Remember the window, while the connection is new."""
        if len(self._windows) < self._LOOKS and (told := self._told()):
            self._windows.append(told[1])

    def proves_reading(self) -> bool | None:
        """Whether more is acknowledged than a buffer that nobody reads can hold."""
        told = self._told()
        if told is None:
            return None
        acknowledged, window = told
        return window > 0 and acknowledged >= max(self._BYTES, self._TIMES * max(self._windows))

    def _told(self) -> tuple[int, int] | None:
        if sys.platform != "linux":
            return None
        info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, self._INFO.size)
        return self._INFO.unpack(info) if len(info) == self._INFO.size else None
