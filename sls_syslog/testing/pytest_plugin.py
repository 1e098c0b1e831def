"""The testing kit as pytest fixtures; installing the package is enough to have them.

pytest loads it in every run of every project in whose environment the package is, so this module
must import nothing but pytest: each fixture imports its part of the kit when a test asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sls_syslog.testing.certificates import TemporaryCA
    from sls_syslog.testing.emulator import SlsEmulator
    from sls_syslog.testing.receiver import SyslogReceiver

__all__ = ["sls_emulator", "syslog_receiver", "temporary_ca"]


@pytest.fixture
def sls_emulator() -> Iterator[SlsEmulator]:
    """A running ``SlsEmulator`` with one Logstore of two shards.

    Yields:
        The emulator; its ``environ()`` is what a separate program needs to reach it.
    """
    from sls_syslog.testing.emulator import SlsEmulator

    with SlsEmulator(shards=2) as emulator:
        yield emulator


@pytest.fixture
def syslog_receiver() -> Iterator[SyslogReceiver]:
    """A running ``SyslogReceiver`` for TCP, which takes both framings.

    Yields:
        The receiver; its ``settings()`` is what a sender needs to reach it.
    """
    from sls_syslog.testing.receiver import SyslogReceiver

    with SyslogReceiver("tcp") as receiver:
        yield receiver


@pytest.fixture
def temporary_ca() -> Iterator[TemporaryCA]:
    """A ``TemporaryCA``; needs the ``testing`` extra.

    Yields:
        The CA; its ``server_context()`` makes a TLS receiver.
    """
    from sls_syslog.testing.certificates import TemporaryCA

    with TemporaryCA() as authority:
        yield authority
