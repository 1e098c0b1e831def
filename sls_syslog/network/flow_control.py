"""``FlowControl``: whether a receiver's process reads, by what TCP says of its window.

It asks the kernel about a socket that others own, and changes nothing.
"""

from __future__ import annotations

import socket
import struct
import sys

__all__ = ["FlowControl"]


class FlowControl:
    """What a peer's window says of its process.

    If a process does not read, its kernel takes what the receive buffer holds, and then closes
    the window. Measured on Linux 6.18, the buffer holds about twice the first advertised window:
    0.1 MB by default, 0.4 MB where a program sets the largest buffer that Linux allows by default.
    Only reading makes the buffer grow. So more acknowledged bytes than that prove reading.

    Args:
        sock: The connected socket.
    """

    _WINDOWS = 8  # windows that are recorded at the beginning of a connection
    _TIMES = 4  # twice what was measured, to be safe
    _BYTES = 1024 * 1024  # more than twice the largest buffer that was measured
    # struct tcp_info (linux/tcp.h): tcpi_bytes_acked since Linux 4.1, tcpi_snd_wnd since 5.4
    _INFO = struct.Struct("@120xQ100xI")

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._windows: list[int] = []

    def record_window(self) -> None:
        """Record the window, while the connection is new."""
        if len(self._windows) < self._WINDOWS and (info := self._read_info()):
            self._windows.append(info[1])

    def proves_reading(self) -> bool | None:
        """Whether more is acknowledged than a buffer that nobody reads can hold.

        ``None`` where this system does not tell.
        """
        info = self._read_info()
        if info is None:
            return None
        acknowledged, window = info
        return window > 0 and acknowledged >= max(self._BYTES, self._TIMES * max(self._windows))

    def _read_info(self) -> tuple[int, int] | None:
        """The bytes that are acknowledged, and the window."""
        if sys.platform != "linux":
            return None
        info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, self._INFO.size)
        return self._INFO.unpack(info) if len(info) == self._INFO.size else None
