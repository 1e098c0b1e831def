"""The testing kit as pytest fixtures. They exist as soon as the package is installed.

pytest loads this module in every run in such an environment. So it must import nothing but pytest:
each fixture imports its part of the kit when a test asks for it.
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
    """Run an ``SlsEmulator`` with one Logstore of two shards.

    Yields:
        The emulator. Its ``environ()`` lets a separate program reach it.
    """
    from sls_syslog.testing.emulator import SlsEmulator

    with SlsEmulator(shards=2) as emulator:
        yield emulator


@pytest.fixture
def syslog_receiver() -> Iterator[SyslogReceiver]:
    """Run a ``SyslogReceiver`` for TCP. It reads both framings.

    Yields:
        The receiver. Its ``settings()`` let a sender reach it.
    """
    from sls_syslog.testing.receiver import SyslogReceiver

    with SyslogReceiver("tcp") as receiver:
        yield receiver


@pytest.fixture
def temporary_ca(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporaryCA]:
    """Make a ``TemporaryCA``. This needs the extra ``sls-syslog[testing]``.

    Its files are below pytest's own temporary directory, which pytest cleans even after a kill.

    Yields:
        The CA. Its ``server_context()`` is for a ``SyslogReceiver`` with TLS.
    """
    from sls_syslog.testing.certificates import TemporaryCA

    with TemporaryCA(directory=tmp_path_factory.getbasetemp()) as authority:
        yield authority
