"""Support for tests: hand short waits to the network instead of waiting for its own."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sls_syslog import ConnectError, ShipperSettings
from sls_syslog.network.destination import known_destinations
from sls_syslog.network.timings import Timings
from sls_syslog.network.transport import Transport
from tests.support.shipping import eventually


def hand_in(settings: Mapping[str, Any], timings: Timings) -> None:
    """Hand timings to all that will send to a receiver; call this before anything does."""
    destination = known_destinations.find(ShipperSettings.of(settings).destination, timings)
    assert destination.timings is timings, "something is known of this receiver already"


def probe_soon(settings: Mapping[str, Any], **others: float) -> None:
    """Let a receiver be probed at once, and be judged soon; call this before anything is sent.

    This is for receivers that do not answer half-closes: on a busy machine, one that does would
    be judged wrong.
    """
    soon = {"half_close_patience": 0.3, "half_close_probe": 0.3, **others}
    hand_in(settings, Timings(**soon))


def connect_at_last(transport: Transport) -> None:
    """Connect, however often it takes: a time limit may be too short for a busy machine."""

    def is_connected() -> bool:
        with suppress(ConnectError):
            transport.connect()
            return True
        return False

    eventually(is_connected)
