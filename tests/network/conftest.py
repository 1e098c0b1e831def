"""Fixtures for the tests of the network."""

from __future__ import annotations

import socket
from typing import Any

import pytest


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | list[str]]:
    """The address or addresses of each name that a test invents; the test may move them.

    Only the system's resolver is stood in for: it alone decides what a name leads to.
    """
    addresses: dict[str, str | list[str]] = {}
    numeric = socket.getaddrinfo

    def look_up(host: str, *rest: Any, **options: Any) -> Any:
        found = addresses.get(host, host)
        found = [found] if isinstance(found, str) else found
        return [one for address in found for one in numeric(address, *rest, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return addresses
