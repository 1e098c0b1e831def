"""Fixtures for all tests; those of the testing kit come from its pytest plugin."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from sls_syslog.network.destination import known_destinations
from sls_syslog.throttle import throttle

# A busy machine is slow; a test must not fail over that.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _only_the_settings_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine's own environment sets must not steer a test, nor a proxy take loopback."""
    for name in list(os.environ):
        if name.startswith(("SYSLOG_", "SLS_")) and not name.startswith("SLS_SYSLOG_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture(autouse=True)
def _nothing_learnt() -> None:
    """What a process has learnt of a receiver is not the next test's, which may get its port."""
    known_destinations.forget()
    throttle.forget()


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `tests/faults` is told."""
    parser.addoption(
        "--faults",
        choices=["short", "long"],
        default="short",
        help="how much of the fault suite runs: minutes, or all of it",
    )
    parser.addoption(
        "--faults-table",
        action="store_true",
        help="write what the fault suite counts into docs/explanation/delivery.md",
    )
