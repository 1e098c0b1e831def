"""A name whose address changes: a program started with the variable looks it up in a file.

The machine's own resolver and its files are left alone, so it works for anybody and side by side.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

NAME = "siem.test"
VARIABLE = "FAULTS_ADDRESS_FILE"


def use_address_file() -> None:
    """Let `NAME` resolve, in this process, to what the file says at that moment."""
    path = os.environ.get(VARIABLE)
    if path is None:
        return
    system = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        address = Path(path).read_text("ascii") if host == NAME else host
        return system(address, *args, **kwargs)

    socket.getaddrinfo = getaddrinfo
