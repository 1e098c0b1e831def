"""Names: of protocols, and a host name with a changing address.

A program with `VARIABLE` set reads the address in a file. This must not touch the machine's
resolver. So it needs no rights, and runs can go side by side.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

NAME = "siem.test"
VARIABLE = "FAULTS_ADDRESS_FILE"


def name_protocol(transport: str) -> str:
    """Return the value of the setting `protocol` for a transport of the suite."""
    return "tls" if transport.startswith("tls") else transport


def use_address_file() -> None:
    """Make `NAME` resolve to the address in the file, in this process. Read it at each lookup."""
    path = os.environ.get(VARIABLE)
    if path is None:
        return
    system = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        address = Path(path).read_text("ascii") if host == NAME else host
        return system(address, *args, **kwargs)

    socket.getaddrinfo = getaddrinfo
