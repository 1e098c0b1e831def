"""Fixtures for the tests of the network."""

from __future__ import annotations

import socket
from typing import Any

import pytest


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The address of each name that a test invents; the test may add names, and move them.

    Only the system's resolver is stood in for: it alone decides what a name leads to.
    """
    addresses: dict[str, str] = {}
    numeric = socket.getaddrinfo

    def look_up(host: str, *rest: Any, **options: Any) -> Any:
        return numeric(addresses.get(host, host), *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return addresses
