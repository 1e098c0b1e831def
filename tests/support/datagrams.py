"""Support for tests: a system whose datagrams are smaller than most."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

import pytest

__all__ = ["refuse_larger_datagrams"]


def refuse_larger_datagrams(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """Refuse datagrams of more than ``limit`` bytes, as macOS does from 9217 bytes on."""

    class Small(socket.socket):
        def send(self, data: Any, *flags: Any) -> int:
            if self.type == socket.SOCK_DGRAM and len(data) > limit:
                raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
            return super().send(data, *flags)

    monkeypatch.setattr(socket, "socket", Small)
