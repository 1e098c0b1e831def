"""A fixture for the tests of hazards: in some of them threads die on purpose."""

from __future__ import annotations

import threading

import pytest


@pytest.fixture(autouse=True)
def _threads_may_die(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that dies must not fail the test: the scenario says what must live."""
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)
