"""Support for tests of TLS: deliver something, and what the error says if that fails."""

from __future__ import annotations

from typing import Any

import pytest

from sls_syslog.errors import TransportError
from sls_syslog.network.failover import open_transport
from sls_syslog.settings.client import ClientSettings

FRAMES = [b"<14>1 - - - - - - %d\n" % number for number in range(10)]


def deliver(settings: dict[str, Any]) -> None:
    transport = open_transport(ClientSettings.of({"timeout": 10, **settings}))
    try:
        transport.send(FRAMES)
        transport.confirm()
    finally:
        transport.close()


def failure(settings: dict[str, Any]) -> str:
    """What the error says; never twice where."""
    with pytest.raises(TransportError) as failed:
        deliver(settings)
    text = str(failed.value)
    assert text.count("127.0.0.1:") == 1
    assert "_ssl.c" not in text
    return text
