"""``FlowControl``: proves from the TCP window that a receiver's process reads.

It asks the kernel about a socket that others own, and must not change the socket.
"""

from __future__ import annotations

import socket
import struct
import sys

__all__ = ["FlowControl"]


class FlowControl:
    """What a receiver's TCP window says about its process.

    If a process does not read, its kernel fills the receive buffer and then closes the window.
    Measured on Linux 6.18, the buffer holds about twice the first advertised window: 0.1 MB by
    default, 0.4 MB if a program sets the largest buffer that Linux allows by default. Only reading
    makes the buffer grow. So if more bytes than that are acknowledged, the process reads.

    Args:
        sock: The connected socket.
    """

    _WINDOWS = 8  # windows to record at the beginning of a connection
    _TIMES = 4  # windows that a buffer may hold: twice what was measured, to be safe
    _BYTES = 1024 * 1024  # fewest bytes that prove reading: over twice the largest buffer measured
    # struct tcp_info (linux/tcp.h): tcpi_bytes_acked since Linux 4.1, tcpi_snd_wnd since 5.4
    _INFO = struct.Struct("@120xQ100xI")

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._windows: list[int] = []

    def record_window(self) -> bool:
        """Record the window, while the connection is new; return whether it was recorded."""
        if len(self._windows) < self._WINDOWS and (info := self._read_info()):
            self._windows.append(info[1])
            return True
        return False

    def proves_reading(self) -> bool | None:
        """Whether more bytes are acknowledged than the buffer of a process that hangs can hold.

        ``None`` if this system does not tell.
        """
        info = self._read_info()
        if info is None:
            return None
        acknowledged, window = info
        return window > 0 and acknowledged >= max(self._BYTES, self._TIMES * max(self._windows))

    def _read_info(self) -> tuple[int, int] | None:
        """Read the acknowledged bytes and the window; ``None`` if the system does not tell."""
        if sys.platform != "linux":
            return None
        info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, self._INFO.size)
        return self._INFO.unpack(info) if len(info) == self._INFO.size else None
